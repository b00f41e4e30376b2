"""Masks of shifted windows, kept from one pass to the next: they hang on the size of the map alone."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

import torch
from torch import Tensor

from mmfan.models.layers.recording import is_recorded
from mmfan.models.layers.windows import Shift, window_mask

# A model needs up to eight for pictures of one size; of a 1024 x 1024 picture the largest has 13 MB.
KEPT = 16
_masks: OrderedDict[tuple[object, ...], Tensor] = OrderedDict()


def kept_window_mask(size: tuple[int, int], window: int, shift: Shift, device: torch.device) -> Tensor | None:
    """:func:`~mmfan.models.layers.windows.window_mask`, of the last :data:`KEPT` sizes, shifts and devices kept.

    What is made while a model is traced, compiled or run without numbers is not kept: it means nothing elsewhere.

    Args:
        size: ``(H, W)`` of the map, before padding.
        window: Side of a window.
        shift: Rows and columns by which the padded map is rolled up and to the left.
        device: Where the mask is used.

    Returns:
        float32, not to be changed; None where all places of a window belong together.
    """
    numbers = (*size, *shift)
    if is_recorded() or not all(type(number) is int for number in numbers):
        return window_mask(size, window, shift, device)
    key = (*numbers, window, device)
    with suppress(KeyError):
        _masks.move_to_end(key)
        return _masks[key]
    with torch.inference_mode(False):  # a training may be the next to take it
        mask = window_mask(size, window, shift, device)
    if type(mask) is Tensor and not mask.is_meta and device.type != "meta":
        _masks[key] = mask
        while len(_masks) > KEPT:
            _masks.popitem(last=False)
    return mask
