import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmfan.models.layers.folded_scale import scaled


@pytest.mark.parametrize("bias", [True, False])
def test_scaled_layers_scale_their_output(bias):
    scale = torch.randn(6)
    linear, conv = nn.Linear(4, 6, bias=bias), nn.Conv2d(4, 6, 3, bias=bias)
    x, y = torch.randn(5, 4), torch.randn(2, 4, 7, 7)
    torch.testing.assert_close(F.linear(x, *scaled(linear, scale)), scale * linear(x))
    torch.testing.assert_close(F.conv2d(y, *scaled(conv, scale)), scale[:, None, None] * conv(y), rtol=1e-5, atol=1e-5)
