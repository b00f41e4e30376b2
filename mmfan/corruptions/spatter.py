"""Spatter: drops of water or mud on the lens.

Where a drop ends is decided by thresholds, so everything up to them is integers, and the drops are the same on every
machine.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import NORMAL_ONE, normals
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

WATER = (175, 238, 238)  # RGB, pale turquoise
MUD = (63, 42, 20)
# The grey of a liquid on a grey picture, by the weights of the reference, which sees water in OpenCV's channel order.
_GREY_WEIGHTS = (0.2989, 0.5870, 0.1140)

# The layer of liquid, which is 0.65 on average with a deviation of at most 0.4, is kept in 16 bits.
_OFFSET, _ONE = 1.5, 16384
# Mud thinner than this is none.
_THIN = 0.8


def spatter(image: Picture, severity: int, seed: int) -> Picture:
    """Add drops of water (severities 1 to 3) or cover parts with mud (4 and 5).

    Drops are what is above a threshold in blurred normal noise. Water is brightest near the edges of the drops. The
    reference divides by the brightest drop and returns nothing but NaN if there is none, which can happen in
    tiny pictures only; here the picture is then returned as it is.

    Source: ImageNet-C.
    """
    mean, deviation, sigma, threshold, amount, liquid = PARAMETERS["spatter"][severity - 1]
    layer = _layer(image.shape[0], image.shape[1], mean, deviation, sigma, seed)
    lowest = round((threshold + _OFFSET) * _ONE)
    if liquid == "water":
        film = _water(layer, lowest)
        strongest = float(film.max())
        if strongest == 0:
            return image.copy()
        film *= np.float32(amount / strongest)
        # water adds light, and takes none away
        return _with_film(image, film, WATER, 0)
    mask = np.where(layer > lowest, np.uint16(65535), np.uint16(0))
    film = _gaussian_16(mask, amount).astype(np.float32) * np.float32(1 / 65535)
    film[film < _THIN] = 0
    return _with_film(image, film, MUD, 1)


def _layer(height: int, width: int, mean: float, deviation: float, sigma: float, seed: int) -> NDArray[np.uint16]:
    """Blurred normal noise, plus the offset, in units of ``1 / _ONE``."""
    noise = normals(seed, 0, height * width).reshape(height, width)
    values = noise * np.float32(deviation * _ONE / NORMAL_ONE) + np.float32((mean + _OFFSET) * _ONE)
    return _gaussian_16(np.clip(values, 0, 65535).astype(np.uint16), sigma)


def _gaussian_16(image: NDArray[np.uint16], sigma: float) -> NDArray[np.uint16]:
    # OpenCV blurs 16 bits without sign in exact fixed point
    size = 2 * int(4 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(image, (size, size), sigma, borderType=cv2.BORDER_REPLICATE), np.uint16)


def _water(layer: NDArray[np.uint16], lowest: int) -> NDArray[np.float32]:
    """How bright the water is, in units of no meaning."""
    liquid = _drops(layer, lowest, int(_OFFSET * _ONE), np.float32(255 / _ONE))
    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    _, distance = cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC)
    edges = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    emboss = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)
    edges = cv2.blur(cv2.filter2D(edges, cv2.CV_8U, emboss), (3, 3))
    return np.multiply(liquid, edges, dtype=np.float32)


@compiled
def _drops(layer: NDArray[np.uint16], lowest: int, offset: int, scale: np.float32) -> NDArray[np.uint8]:
    out = np.empty(layer.shape, np.uint8)
    for y in range(layer.shape[0]):
        for x in range(layer.shape[1]):
            value = np.int64(layer[y, x])
            out[y, x] = np.uint8(np.float32(value - offset) * scale) if value >= lowest else 0
    return out


def _with_film(image: Picture, film: NDArray[np.float32], colour: tuple[int, int, int], opacity: int) -> Picture:
    out = np.empty_like(image)
    if image.ndim == 2:
        grey = sum(weight * value for weight, value in zip(_GREY_WEIGHTS, colour, strict=True))
        colours = np.array([grey], np.float32)
    else:
        colours = np.array(colour, np.float32)
    shape = (*image.shape[:2], -1)
    _blend(image.reshape(shape), film, colours, np.float32(opacity), out.reshape(shape))
    return out


@compiled
def _blend(
    image: Picture, film: NDArray[np.float32], colours: NDArray[np.float32], opacity: np.float32, out: Picture
) -> None:
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            thickness = film[y, x]
            through = np.float32(1) - opacity * thickness
            for c in range(channels):
                out[y, x, c] = min(image[y, x, c] * through + thickness * colours[c], np.float32(255))
