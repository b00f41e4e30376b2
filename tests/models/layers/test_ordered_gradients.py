"""Gradients through batch norms of a single picture, against differences and against the picture twice."""

import pytest
import torch
from torch import nn

from mmfan.models.layers.ordered_gradients import ordered_gradients


class Tokens(nn.Module):
    """A batch norm, then tokens of it, as transformers behind a stem of convolutions often write it."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(x).flatten(2).transpose(1, 2).sin()


@pytest.mark.parametrize("training", [False, True])
def test_by_differences(training):
    torch.manual_seed(0)
    model = Tokens().double().train(training)
    picture = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    with ordered_gradients(model):
        assert torch.autograd.gradcheck(model, (picture,))
        assert torch.autograd.gradgradcheck(model, (picture,))
    assert not model.norm._forward_hooks


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_as_in_a_batch_of_the_same_picture_twice(order):
    torch.manual_seed(0)
    model = Tokens().eval()
    picture = torch.rand(1, 3, 4, 5).contiguous(memory_format=order).requires_grad_()
    weights = torch.rand(1, 20, 3)
    with ordered_gradients(model):
        (one,) = torch.autograd.grad((model(picture) * weights).sum(), picture)
    twice = picture.detach().repeat(2, 1, 1, 1).requires_grad_()
    (two,) = torch.autograd.grad((model(twice) * weights).sum(), twice)
    torch.testing.assert_close(one, two[:1])


def test_without_gradients_nothing_is_done():
    model = Tokens()
    with ordered_gradients(model), torch.no_grad():
        assert not model(torch.rand(1, 3, 4, 5)).requires_grad
