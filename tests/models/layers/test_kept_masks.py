"""Masks that are kept: the right ones, not too many, and none that mean nothing outside of where they were made."""

import pytest
import torch

from mmfan.models.layers import kept_masks
from mmfan.models.layers.kept_masks import KEPT, kept_window_mask
from mmfan.models.layers.swin_block import SwinBlock
from mmfan.models.layers.windows import window_mask

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(kept_masks, "_masks", type(kept_masks._masks)())


@pytest.mark.parametrize(("size", "shift"), [((10, 12), (2, 2)), ((8, 12), (2, 0)), ((9, 4), (0, 0))])
def test_the_mask_itself_is_kept(size, shift):
    found = kept_window_mask(size, 4, shift, CPU)
    assert torch.equal(found, window_mask(size, 4, shift))
    assert kept_window_mask(size, 4, shift, CPU) is found
    assert not torch.equal(kept_window_mask(size[::-1], 4, shift[::-1], CPU), found)


def test_no_mask_where_none_is_needed():
    assert kept_window_mask((8, 12), 4, (0, 0), CPU) is None


def test_the_oldest_goes_first():
    first = kept_window_mask((9, 4), 4, (0, 0), CPU)
    second = kept_window_mask((10, 4), 4, (0, 0), CPU)
    assert kept_window_mask((9, 4), 4, (0, 0), CPU) is first  # used again
    for width in range(KEPT - 1):
        kept_window_mask((9, 5 + width), 4, (2, 2), CPU)
    assert len(kept_masks._masks) == KEPT
    assert kept_window_mask((9, 4), 4, (0, 0), CPU) is first
    assert kept_window_mask((10, 4), 4, (0, 0), CPU) is not second


def test_what_means_nothing_elsewhere_is_not_kept():
    from torch._subclasses.fake_tensor import FakeTensorMode

    assert kept_window_mask((9, 4), 4, (0, 0), torch.device("meta")).is_meta
    with FakeTensorMode():
        kept_window_mask((9, 4), 4, (0, 0), CPU)
    assert not kept_masks._masks
    torch.jit.trace(lambda x: x + kept_window_mask((9, 10), 4, (2, 2), CPU).sum(), torch.ones(1), check_trace=False)
    assert not kept_masks._masks


def test_after_inference_mode_a_training_takes_it():
    block = SwinBlock(8, 2, 4, shifted=True)
    x = torch.randn(1, 90, 8)
    with torch.inference_mode():
        block(x, (9, 10))
    (mask,) = kept_masks._masks.values()
    assert not mask.is_inference()
    block(x, (9, 10))[0].sum().backward()
    assert block.attn.qkv.weight.grad.abs().sum() > 0


def test_other_types_of_scores(monkeypatch):
    block = SwinBlock(8, 2, 4, shifted=True).double().eval()
    x = torch.randn(1, 90, 8, dtype=torch.double)
    found = block(x, (9, 10))[0]
    assert found.dtype == torch.double
    with monkeypatch.context() as patch:
        patch.setattr("mmfan.models.layers.swin_block.kept_window_mask", window_mask)
        assert torch.equal(block(x, (9, 10))[0], found)
