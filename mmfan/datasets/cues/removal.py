"""Cues removed: texture, shape, colour, or all but the edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.draws import stream_key, words
from mmfan.datasets.cues.defaults import BLOCK, LEAST_BLOCK, SIGMA
from mmfan.datasets.cues.segments import number_segments
from mmfan.datasets.cues.swap import check_pair

Picture = NDArray[np.uint8]
PASSES, REACH, RANGE = 5, 9, 50.0  # of the smoothing: how often, diameter in pixels, levels that are taken for one


def remove_texture(picture: Picture, labels: NDArray[np.uint8]) -> Picture:
    """Each segment in its mean colour; those that do not count too, so that no texture is left anywhere.

    Args:
        picture: (H, W, 3).
        labels: (H, W) class numbers.

    Raises:
        MMFanError: The sizes differ.
    """
    check_pair(picture, labels)
    numbers, segments = number_segments(labels)
    flat = numbers.ravel()
    area = np.bincount(flat, minlength=len(segments) + 1)
    # sums of whole numbers: exact, whatever their order
    sums = [np.bincount(flat, picture[..., at].ravel(), len(segments) + 1) for at in range(3)]
    means = np.rint(np.stack(sums, axis=1) / np.maximum(area, 1)[:, None])
    return means.astype(np.uint8)[numbers]


def smooth_texture(picture: Picture) -> Picture:
    """Smoothed five times by a bilateral filter, which keeps edges; needs no labels.

    Args:
        picture: (H, W, 3).
    """
    for _ in range(PASSES):
        picture = np.asarray(cv2.bilateralFilter(picture, REACH, RANGE, REACH / 2), np.uint8)
    return picture


def remove_shape(picture: Picture, labels: NDArray[np.uint8], seed: int, block: int = BLOCK) -> Picture:
    """Blocks shuffled within each segment, so that parts and layout are gone, and colours and textures are not.

    Blocks of a grid that lie in one segment as a whole change places with each other; of what is left, blocks of half
    the side, down to 4 pixels. No pixel leaves its segment, so that each keeps its histogram exactly.

    Args:
        picture: (H, W, 3).
        labels: (H, W) class numbers.
        seed: 0 to 2**64 - 1.
        block: Side of the largest blocks, in pixels: 4 or more.

    Raises:
        MMFanError: The sizes differ.
    """
    check_pair(picture, labels)
    left, _ = number_segments(labels)
    shuffled = picture.copy()
    side, stream = block, 0
    while side >= LEAST_BLOCK:
        _shuffle_blocks(picture, shuffled, left, side, words(stream_key(seed, stream), left.size // side**2))
        side, stream = side // 2, stream + 1
    return shuffled


def _shuffle_blocks(
    picture: Picture, shuffled: Picture, left: NDArray[np.int32], side: int, draws: NDArray[np.uint64]
) -> None:
    """Shuffle the blocks of a side; ``left`` becomes 0 where they were."""
    numbers = _blocks(left, side)
    if not numbers.size:
        return
    lowest, highest = numbers.min(axis=(2, 3)), numbers.max(axis=(2, 3))
    rows, columns = np.nonzero((lowest == highest) & (lowest > 0))
    whose = lowest[rows, columns]
    _, group, size = np.unique(whose, return_inverse=True, return_counts=True)
    several = size[group] > 1  # a block alone can be shuffled within itself alone, by smaller ones
    rows, columns, whose = rows[several], columns[several], whose[several]
    places = np.argsort(whose, kind="stable")
    sources = np.lexsort((draws[: len(whose)], whose))
    taken = _blocks(picture, side)[rows[sources], columns[sources]]
    _blocks(shuffled, side)[rows[places], columns[places]] = taken
    numbers[rows, columns] = 0


def _blocks(array: NDArray, side: int) -> NDArray:
    """A view of the whole blocks of an array: (H, W, ...) to (H // side, W // side, side, side, ...)."""
    height, width = (length // side for length in array.shape[:2])
    inside = array[: height * side, : width * side]
    down, across, *more = inside.strides
    shape, strides = (height, width, side, side, *array.shape[2:]), (down * side, across * side, down, across, *more)
    # reshape would copy where the width is no multiple of the side
    return np.lib.stride_tricks.as_strided(inside, shape, strides)


def grey_edges(picture: Picture) -> Picture:
    """How steep the grey picture is (Sobel, 3x3), in three equal channels: a step from black to white is white.

    Args:
        picture: (H, W, 3) RGB.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    across, down = (cv2.Sobel(grey, cv2.CV_16S, *axes).astype(np.float64) for axes in ((1, 0), (0, 1)))
    steepness = np.rint(np.minimum(np.sqrt(across**2 + down**2) / 4, 255)).astype(np.uint8)
    return np.repeat(steepness[..., None], 3, axis=2)


def colour_only(picture: Picture, sigma: float = SIGMA) -> Picture:
    """Blurred until colours alone are left.

    Args:
        picture: (H, W, 3).
        sigma: Of the Gaussian, in pixels.
    """
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
