"""Snow: flakes that fall across the picture, which is whitened as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import NORMAL_ONE, normals, uniform
from mmfan.corruptions.line import blur_along_line, line_taps
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture
from mmfan.corruptions.zoom import zoomed_positions


def snow(image: Picture, severity: int, seed: int) -> Picture:
    """Whiten the picture and add flakes, blurred along their fall, twice: as they are and turned by 180 degrees.

    Flakes are what is above a threshold in normal noise, of which the middle is enlarged to the picture. Only that
    middle is drawn. The angle of the fall is drawn from -135 to -45 degrees.

    Source: ImageNet-C.
    """
    mean, deviation, zoom, threshold, radius, sigma, weight = PARAMETERS["snow"][severity - 1]
    height, width = image.shape[:2]
    rows, row_weights = zoomed_positions(height, zoom, whole=True)
    columns, column_weights = zoomed_positions(width, zoom, whole=True)
    top, left = rows[0], columns[0]
    crop = (int(rows[-1]) + 2 - top, int(columns[-1]) + 2 - left)
    flakes = normals(seed, 0, crop[0] * crop[1]).reshape(crop) * np.float32(deviation / NORMAL_ONE) + np.float32(mean)
    layer = _enlarge(flakes, rows - top, row_weights, columns - left, column_weights, np.float32(threshold))
    fallen = np.empty_like(layer)
    blur_along_line(
        layer, line_taps(radius, sigma, uniform(seed, 2, -135, -45), (layer.shape[0], layer.shape[1])), fallen
    )
    flakes_255 = np.rint(fallen[:height, :width] * 255).astype(np.uint8)
    out = np.empty_like(image)
    _blend(image.reshape(height, width, -1), flakes_255, np.float32(weight), out.reshape(height, width, -1))
    return out


@compiled
def _enlarge(
    layer: NDArray[np.float32],
    rows: NDArray[np.int32],
    row_weights: NDArray[np.float32],
    columns: NDArray[np.int32],
    column_weights: NDArray[np.float32],
    threshold: np.float32,
) -> NDArray[np.float32]:
    """Enlarge linearly, set to 0 what is below the threshold, and clip at 1."""
    out = np.empty((rows.size, columns.size), np.float32)
    line = np.empty(layer.shape[1], np.float32)
    for y in range(rows.size):
        upper, lower, weight = layer[rows[y]], layer[rows[y] + 1], row_weights[y]
        for x in range(line.size):
            line[x] = upper[x] + weight * (lower[x] - upper[x])
        for x in range(columns.size):
            at = columns[x]
            value = line[at] + column_weights[x] * (line[at + 1] - line[at])
            inside = weight >= 0 and column_weights[x] >= 0
            out[y, x] = min(value, np.float32(1)) if inside and value >= threshold else np.float32(0)
    return out


@compiled
def _blend(image: Picture, flakes: NDArray[np.uint8], weight: np.float32, out: Picture) -> None:
    height, width, channels = image.shape
    rest = np.float32(1) - weight
    for y in range(height):
        for x in range(width):
            if channels == 3:
                grey = (
                    np.float32(0.299) * image[y, x, 0]
                    + np.float32(0.587) * image[y, x, 1]
                    + np.float32(0.114) * image[y, x, 2]
                )
            else:
                grey = np.float32(image[y, x, 0])
            white = grey * np.float32(1.5) + np.float32(127.5)
            fallen = np.float32(flakes[y, x]) + np.float32(flakes[height - 1 - y, width - 1 - x])
            for c in range(channels):
                value = np.float32(image[y, x, c])
                out[y, x, c] = min(weight * value + rest * max(value, white) + fallen, np.float32(255))
