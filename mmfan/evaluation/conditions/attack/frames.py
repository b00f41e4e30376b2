"""The part of a model's input that shows the picture: pipelines of detectors pad it, below and on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

Size = tuple[int, int]  # rows, columns


def within_padding(size: Size, meta: Mapping[str, Any]) -> Size | None:
    """Rows and columns, from the top left, that show the picture; None where a pipeline has cropped it.

    Args:
        size: Of the model's input.
        meta: ``ori_shape`` of the picture, and ``scale_factor`` (width, height) where it was resized.

    >>> within_padding((640, 640), {"ori_shape": (480, 640), "scale_factor": (1.0, 1.0)})
    (480, 640)
    """
    (rows, columns), (wide, tall) = meta["ori_shape"][:2], tuple(meta.get("scale_factor", (1.0, 1.0)))[:2]
    found = round(rows * tall), round(columns * wide)
    return found if found[0] <= size[0] and found[1] <= size[1] else None


def padded_part(picture: Tensor, meta: Mapping[str, Any]) -> Size:
    """The same of a picture (C, H, W); all of it where the rest has more than one colour, and so is no padding."""
    size = (int(picture.shape[1]), int(picture.shape[2]))
    found = within_padding(size, meta) if "ori_shape" in meta else None
    if found is None or found == size:
        return size
    outside = picture[:, found[0] :, :], picture[:, :, found[1] :]
    colour = picture[:, -1:, -1:]
    return found if all(bool((one == colour).all()) for one in outside) else size
