"""Tokens and maps: views of one memory, and gradients of single pictures behind a batch norm."""

import pytest
import torch
from torch import nn

from mmfan.models.layers.token_map import to_map, to_tokens


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_tokens_and_maps_are_views_of_each_other(order):
    features = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5).contiguous(memory_format=order)
    tokens = to_tokens(features)
    assert tokens.shape == (2, 20, 3)
    assert torch.equal(tokens[1, 2 * 5 + 3], features[1, :, 2, 3])
    assert torch.equal(to_map(tokens, (4, 5)), features)
    assert tokens.data_ptr() == features.data_ptr() == to_map(tokens, (4, 5)).data_ptr()
    assert tokens.is_contiguous() == (order == torch.channels_last)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("training", [False, True])
def test_the_gradient_through_a_batch_norm_by_differences(count, training):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3).double().train(training)
    pictures = torch.rand(count, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: to_tokens(norm(x)).sin(), (pictures,))
