import pytest
import torch

from mmfan.models.layers.pieces import PIECE, pieces_pay, rowwise


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


def test_gradients_are_never_cut():
    x = torch.randn(2 * PIECE, 2, requires_grad=True)
    assert not pieces_pay(x)
    rowwise(lambda a: a**2, x).sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())
