"""Blocks of any backbone, and their normalised features."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from models.test_taps import BACKBONES
from torch import nn

from mmfan.errors import MMFanError
from mmfan.models.block_features import BlockReader, last_blocks, list_blocks, named_blocks, normalised
from mmfan.models.taps import TapError

COUNTS = {"fan": 2, "hybrid": 5, "fan-swin": 5, "alternet": 8, "mit": 5, "swin": 5, "resnet": 8, "vit": 2}


def build(name):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(BACKBONES[name])


@pytest.mark.parametrize("name", BACKBONES)
def test_a_block_counts_once_in_every_backbone(name):
    model = build(name)
    blocks = list_blocks(model)
    assert len(blocks) == COUNTS[name]
    assert len({tap.module for tap in blocks}) == len(blocks)
    maps = BlockReader(model, blocks).read(torch.rand(2, 3, 64, 96))
    for tap, values in zip(blocks, maps, strict=True):
        assert values.shape == (2, tap.width, 64 // tap.stride, 96 // tap.stride)
        assert values.mean(dim=1).abs().max() < 1e-4
        assert not values.requires_grad
    assert model.training  # as it was


def test_features_of_blocks_are_those_that_the_model_computes():
    model = build("hybrid")
    blocks = list_blocks(model)
    picture = torch.rand(1, 3, 64, 96)
    read = BlockReader(model, blocks, normalise=False).read(picture)
    model.eval()
    with torch.no_grad():
        outputs = model(picture)
    assert [tap.name for tap in blocks][-1] == "blocks.1.channel"
    torch.testing.assert_close(read[-1], outputs[2])  # the tapped block, before class attention


def test_normalised_by_hand():
    features = torch.tensor([[[[3.0, 5.0]], [[-1.0, 5.0]]]])  # (1, 2, 1, 2): the second position is constant
    # releases of torch differ in what cancels out of a constant
    torch.testing.assert_close(normalised(features), torch.tensor([[[[1.0, 0.0]], [[-1.0, 0.0]]]]), atol=1e-3, rtol=0)
    scaled = normalised(100 * features + 7)
    torch.testing.assert_close(scaled, normalised(features), atol=1e-3, rtol=0)


def test_which_blocks():
    blocks = list_blocks(build("mit"))
    assert last_blocks(blocks, "all") == blocks
    assert last_blocks(blocks, 1) == blocks[-1:]
    assert named_blocks(blocks, ["layers.3.1.0.channel", "layers.0.1.0.channel"]) == [blocks[0], blocks[3]]
    for wrong in (0, 6, "four", True):
        with pytest.raises(MMFanError, match=r"Expected `last` from 1 to 5, the number of blocks, or 'all', got"):
            last_blocks(blocks, wrong)
    with pytest.raises(TapError, match=r"no block 'layers.9'; there are layers\.0"):
        named_blocks(blocks, ["layers.9"])
    with pytest.raises(TapError, match="No blocks are found in Sequential"):
        list_blocks(nn.Sequential(nn.Conv2d(3, 4, 1)))
