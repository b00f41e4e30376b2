"""Compression and reduction: JPEG and pixelation. Integer arithmetic throughout."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture
from mmfan.environment import EnvironmentMismatchError, how_to_install

# Pillow's fixed point of the weights of a reduction: 32 bits less 8 of the picture and 2 of headroom.
_WEIGHT_BITS = 22

# OpenCV 4.11 and later decode to RGB themselves.
_DECODES_RGB: int | None = getattr(cv2, "IMREAD_COLOR_RGB", None)


def jpeg_compression(image: Picture, severity: int, seed: int) -> Picture:
    """Encode the picture as a baseline JPEG with chroma at half resolution, and decode it.

    OpenCV and Pillow both do it with libjpeg-turbo, and give the same bytes. ``seed`` is not used.

    Source: ImageNet-C.

    Raises:
        EnvironmentMismatchError: This build of OpenCV cannot write or read JPEG.
    """
    quality = PARAMETERS["jpeg_compression"][severity - 1]
    grey = image.ndim == 2
    done, encoded = cv2.imencode(
        ".jpg", image if grey else cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    flag = cv2.IMREAD_GRAYSCALE if grey else _DECODES_RGB or cv2.IMREAD_COLOR
    decoded = cv2.imdecode(encoded, flag) if done else None
    if decoded is None:
        raise EnvironmentMismatchError(
            f"OpenCV {cv2.__version__} could not write and read a JPEG: it is built without. {how_to_install('cv2')}"
        )
    if flag == cv2.IMREAD_COLOR:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    return np.asarray(decoded, np.uint8)


def pixelate(image: Picture, severity: int, seed: int) -> Picture:
    """Reduce the picture by averaging boxes of whole pixels, and enlarge it by repeating them.

    The boxes are those of Pillow's ``BOX`` filter: all pixels whose centres lie within, first along the rows, rounded
    to whole grey levels after each direction; the enlargement is its ``NEAREST``. From version 13 Pillow itself goes
    along the columns first where a picture is much higher than wide, which changes some values by one grey level.
    ``seed`` is not used.

    Source: ImageNet-C.
    """
    share = PARAMETERS["pixelate"][severity - 1]
    height, width = image.shape[:2]
    rows, columns = int(height * share), int(width * share)
    reduced = np.empty((rows, columns, *image.shape[2:]), np.uint8)
    image3, reduced3 = image.reshape(height, width, -1), reduced.reshape(rows, columns, -1)
    _average_boxes(image3, *_boxes(height, rows), *_boxes(width, columns), reduced3)
    out = np.empty_like(image3)
    _repeat(reduced3, _nearest(rows, height), _nearest(columns, width), out)
    return out.reshape(image.shape)


def _boxes(length: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """First pixel, end and fixed-point weight of each of ``count`` boxes along a side of ``length`` pixels."""
    scale = length / count
    centres = (np.arange(count) + 0.5) * scale
    first = np.maximum((centres - scale / 2 + 0.5).astype(np.int64), 0)
    end = np.minimum((centres + scale / 2 + 0.5).astype(np.int64), length)
    # a pixel belongs to the box if its centre is above the lower edge and not above the upper one
    first += (first + 0.5 - centres) / scale <= -0.5
    end -= (end - 0.5 - centres) / scale > 0.5
    return first, end, (0.5 + (1 / (end - first)) * (1 << _WEIGHT_BITS)).astype(np.int64)


def _nearest(count: int, length: int) -> NDArray[np.int64]:
    """Which of ``count`` pixels each of ``length`` pixels repeats.

    Pillow adds up the steps one by one, and what that loses in rounding decides where a pixel falls between two.
    """
    scale = count / length
    steps = np.full(length, scale)
    steps[0] = 0.5 * scale
    return np.add.accumulate(steps).astype(np.int64)


@compiled
def _repeat(reduced: Picture, rows: NDArray[np.int64], columns: NDArray[np.int64], out: Picture) -> None:
    height, width, channels = out.shape
    lines, sources = out.reshape(height, -1), reduced.reshape(reduced.shape[0], -1)
    for y in range(height):
        line, source = lines[y], sources[rows[y]]
        if y > 0 and rows[y] == rows[y - 1]:
            line[:] = lines[y - 1]
        elif channels == 3:
            for x in range(width):
                at = 3 * columns[x]
                line[3 * x], line[3 * x + 1], line[3 * x + 2] = source[at], source[at + 1], source[at + 2]
        else:
            for x in range(width):
                line[x] = source[columns[x]]


@compiled
def _average_boxes(
    image: Picture,
    tops: NDArray[np.int64],
    bottoms: NDArray[np.int64],
    row_weights: NDArray[np.int64],
    lefts: NDArray[np.int64],
    rights: NDArray[np.int64],
    column_weights: NDArray[np.int64],
    out: Picture,
) -> None:
    # 255 with the bits of the weights, and half a unit, still fit into 32 bits
    half, bits = np.int32(1 << (_WEIGHT_BITS - 1)), np.int32(_WEIGHT_BITS)
    channels, lines = image.shape[2], image.reshape(image.shape[0], -1)
    sums = np.zeros(out.shape[1] * channels, np.int32)
    for row in range(out.shape[0]):
        sums[:] = 0
        for y in range(tops[row], bottoms[row]):
            line = lines[y]
            for column in range(out.shape[1]):
                weight = np.int32(column_weights[column])
                at = channels * column
                if channels == 3:
                    red, green, blue = np.int32(0), np.int32(0), np.int32(0)
                    for x in range(3 * lefts[column], 3 * rights[column], 3):
                        red += np.int32(line[x])
                        green += np.int32(line[x + 1])
                        blue += np.int32(line[x + 2])
                    sums[at] += (red * weight + half) >> bits
                    sums[at + 1] += (green * weight + half) >> bits
                    sums[at + 2] += (blue * weight + half) >> bits
                else:
                    grey = np.int32(0)
                    for x in range(lefts[column], rights[column]):
                        grey += np.int32(line[x])
                    sums[at] += (grey * weight + half) >> bits
        flat, weight = out[row].reshape(-1), np.int32(row_weights[row])
        for at in range(sums.size):
            flat[at] = (sums[at] * weight + half) >> bits
