"""Label maps as colours, alone or over the picture they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmfan.errors import MMFanError


def paint(labels: np.ndarray, palette: Sequence[Sequence[int]], ignored: Sequence[int] = (0, 0, 0)) -> np.ndarray:
    """Colour a label map.

    Args:
        labels: (H, W) integers; numbers at or beyond the palette's length (255 by custom) are ignored pixels.
        palette: One RGB colour, 0 to 255, for each class.
        ignored: The RGB colour of ignored pixels.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: The labels are not two-dimensional integers from 0 to 255, or the palette is no list of colours.
    """
    colours = np.asarray(palette)
    if colours.ndim != 2 or colours.shape[1] != 3 or not 0 < len(colours) <= 256:
        raise MMFanError(f"Expected a palette of 1 to 256 RGB colours, got an array of shape {colours.shape}.")
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise MMFanError(f"Expected labels as (H, W) integers, got {labels.shape} {labels.dtype}.")
    if labels.size and (labels.min() < 0 or labels.max() > 255):
        raise MMFanError(f"Expected labels from 0 to 255, got {labels.min()} to {labels.max()}.")
    table = np.tile(np.asarray(ignored, np.uint8), (256, 1))
    table[: len(colours)] = colours
    return table[labels]


def overlay(
    picture: np.ndarray, labels: np.ndarray, palette: Sequence[Sequence[int]], opacity: float = 0.5
) -> np.ndarray:
    """Paint a label map over its picture; ignored pixels show the picture unchanged.

    Args:
        picture: (H, W, 3) uint8, RGB.
        labels: (H, W) integers, as in :func:`paint`.
        palette: One RGB colour for each class.
        opacity: Weight of the colours: 0 gives the picture, 1 the colours alone.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: Picture and labels differ in size, or the opacity is out of range.
    """
    if not 0 <= opacity <= 1:
        raise MMFanError(f"Expected opacity from 0 to 1, got {opacity}.")
    if picture.shape != (*labels.shape, 3) or picture.dtype != np.uint8:
        raise MMFanError(
            f"Expected a picture of the labels' size as (H, W, 3) uint8, got {picture.shape} {picture.dtype} for "
            f"labels of {labels.shape}."
        )
    mixed = picture * (1 - opacity) + paint(labels, palette) * opacity
    known = (labels < len(palette))[..., None]
    return np.where(known, np.rint(mixed), picture).astype(np.uint8)
