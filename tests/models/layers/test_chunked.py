import pytest
import torch

from mmfan.models.layers.chunked import PIECE, pieces_pay, rowwise


@pytest.mark.parametrize("rows", [1, PIECE, 2 * PIECE + 3])
def test_pieces_give_the_whole(rows):
    x, y = torch.randn(rows, 3), torch.randn(rows, 5)
    sizes = []

    def function(a, b):
        sizes.append(len(a))
        return a * b.sum(1, keepdim=True)

    with torch.no_grad():
        found = rowwise(function, x, y)
    assert sizes == [PIECE] * (rows // PIECE) + [rows % PIECE] * (rows % PIECE > 0)
    torch.testing.assert_close(found, x * y.sum(1, keepdim=True))


def test_no_pieces_where_something_is_kept():
    assert not pieces_pay(torch.randn(2))
    with torch.no_grad():
        assert pieces_pay(torch.randn(2))


@pytest.mark.parametrize("rows", [6, 17, 18])
def test_gradients_in_pieces_are_those_of_the_whole(rows, monkeypatch):
    monkeypatch.setattr("mmfan.models.layers.chunked.TRAINING_PIECE", 6)
    weight = torch.randn(3, requires_grad=True)
    x, y = torch.randn(1, rows, 3, requires_grad=True), torch.randn(1, rows, 5, requires_grad=True)
    sizes = []

    def function(a, b):
        sizes.append(a.shape[-2])
        return (a * weight).tanh() * b.sum(-1, keepdim=True)

    out = rowwise(function, x, y)
    forward, grad = list(sizes), torch.randn_like(x)
    assert forward == [6] * (rows // 6) + [rows % 6] * (rows % 6 > 0)
    found = torch.autograd.grad(out, (x, y, weight), grad)
    assert sorted(sizes[len(forward) :]) == sorted(forward)  # each once more: nothing inside was kept
    whole = function(x, y)
    torch.testing.assert_close(out, whole)
    for one, other in zip(found, torch.autograd.grad(whole, (x, y, weight), grad), strict=True):
        torch.testing.assert_close(one, other)
