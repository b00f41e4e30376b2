import pytest
import torch

from mmfan.models.layers.chunked import pieces_pay, rowwise


def test_without_gradients_the_whole_at_once():
    x, y = torch.randn(20, 3), torch.randn(20, 5)
    with torch.no_grad():
        found = rowwise(lambda a, b: a * b.sum(1, keepdim=True), x, y)
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


def test_without_light_everything_is_kept():
    x = torch.randn(4, 3, requires_grad=True)
    calls = []
    out = rowwise(lambda a: calls.append(1) or a.tanh(), x, light=False)
    out.sum().backward()
    assert len(calls) == 1
