"""Depth-wise convolutions give the same in either layout, and the layout that the maps around them have."""

import pytest
import torch
from torch import nn

from mmfan.errors import MMFanError
from mmfan.models.layers import depthwise
from mmfan.models.layers.conv_mlp import DepthwiseConvs
from mmfan.models.layers.convnext import ConvNeXtBlock
from mmfan.models.layers.depthwise import DepthwiseConv


def channels_last(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator).contiguous(memory_format=torch.channels_last)


def test_it_is_the_convolution_of_its_numbers():
    conv, plain = DepthwiseConv(6, 7), nn.Conv2d(6, 6, 7, padding=3, groups=6)
    plain.load_state_dict(conv.state_dict())
    x = channels_last(2, 6, 9, 8)
    assert torch.equal(conv(x), plain(x))


@pytest.mark.parametrize("kernel", [3, 7])
def test_the_other_layout_gives_the_same_map_and_gradients(monkeypatch, kernel):
    conv = DepthwiseConv(6, kernel)
    found = []
    for layout in ("channels_last", "contiguous"):
        monkeypatch.setitem(depthwise.LAYOUTS, "cpu", layout)
        x = channels_last(2, 6, 9, 8).requires_grad_()
        out = conv(x)
        assert out.is_contiguous(memory_format=torch.channels_last)
        found.append((out, *torch.autograd.grad(out.square().sum(), (x, *conv.parameters()))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("block", [ConvNeXtBlock(8, 1.0), DepthwiseConvs(8, nn.BatchNorm2d)])
def test_blocks_give_the_same(monkeypatch, block):
    block.eval()
    given = (channels_last(1, 8, 8, 8), *([torch.linspace(0.5, 2, 8)] * isinstance(block, DepthwiseConvs)))
    expected = block(*given)
    monkeypatch.setitem(depthwise.LAYOUTS, "cpu", "contiguous")
    torch.testing.assert_close(block(*given), expected, rtol=1e-5, atol=1e-5)


def test_no_other_layout(monkeypatch):
    monkeypatch.setitem(depthwise.LAYOUTS, "cpu", "nhwc")
    with pytest.raises(MMFanError, match=r"LAYOUTS\['cpu'\] .* got 'nhwc'"):
        DepthwiseConv(2, 3)(torch.ones(1, 2, 3, 3))
