"""Elastic transform: every pixel is read from a place that is displaced by smooth random fields."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import random_bytes, stream_key, uniform
from mmfan.corruptions.names import IMAGENET_C_PARAMETERS, PARAMETERS
from mmfan.corruptions.registry import Picture

# A flat area must not lose a grey level because the weights add up to a hair less than one.
_HAIR = np.float32(1e-3)
_SIDE = 224  # of ImageNet-C's pictures, in pixels


def elastic_transform(image: Picture, severity: int, seed: int) -> Picture:
    """Displace every pixel by a smooth random field; the picture is continued by its mirror image.

    Displacements are uniform draws of up to half a percent of the height in both directions, smoothed by a Gaussian of
    one percent of each side (cut at three standard deviations) and multiplied by the amplitude. The draws have 256
    levels, which a mean over hundreds of them hides; it saves half the time of the smoothing.

    Source: ``imagecorruptions``, which leaves out the affine step of ImageNet-C.
    """
    height, width = image.shape[:2]
    draws = random_bytes(stream_key(seed, 0), height * width * 2).reshape(height, width, 2)
    largest = PARAMETERS["elastic_transform"][severity - 1] * height * 0.005
    # level k of the draws stands for (2 k - 255) / 256 of the largest displacement
    field: NDArray[np.float32] = cv2.sepFilter2D(
        draws,
        cv2.CV_32F,
        _kernel(width) * np.float32(largest / 128),
        _kernel(height),
        delta=-255 / 256 * largest,
        borderType=cv2.BORDER_REFLECT,
    )  # type: ignore[assignment]
    out = np.empty_like(image)
    _displace(image.reshape(height, width, -1), field, out.reshape(height, width, -1))
    return out


def elastic_transform_imagenet_c(image: Picture, severity: int, seed: int) -> Picture:
    """Move three points of the picture at random, then displace every pixel by a smooth random field.

    ImageNet-C's own form, for pictures of 224x224: at severities 1 and 2 the points are moved far (up to 24 and 49
    pixels) and the field is smooth over many pixels, at 3 to 5 they are hardly moved and the field is fine. Of a larger
    picture the field is drawn for 224 pixels on the shorter side and enlarged.

    Source: ImageNet-C.
    """
    amplitude, sigma, most = IMAGENET_C_PARAMETERS["elastic_transform_imagenet_c"][severity - 1]
    height, width = image.shape[:2]
    scale = min(height, width) / _SIDE
    moves = np.array([uniform(seed, 2 + k, -most, most) for k in range(6)], np.float32).reshape(3, 2)
    rows, columns = round(height / scale), round(width / scale)
    field = np.empty((height, width, 2), np.float32)
    for axis in range(2):
        draws = random_bytes(stream_key(seed, axis), 2 * rows * columns).view("<u2").reshape(rows, columns)
        smooth = smoothed(np.asarray((draws.astype(np.float32) + 0.5) / 32768 - 1, np.float32), sigma)
        field[..., axis] = cv2.resize(smooth, (width, height)) * np.float32(amplitude * scale)
    return move_and_displace(image, moves * np.float32(scale), field)


def smoothed(noise: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur of (H, W), cut at three standard deviations; continued by its mirror image as often as need be."""
    kernel = cv2.getGaussianKernel(2 * int(3 * sigma + 0.5) + 1, sigma, cv2.CV_64F)
    reach = len(kernel) // 2
    # OpenCV's own border is one mirror image, and the kernel can be longer than the picture
    padded = np.pad(noise, reach, "symmetric")
    blurred = cv2.sepFilter2D(padded, cv2.CV_32F, kernel, kernel)
    return np.asarray(blurred[reach : reach + noise.shape[0], reach : reach + noise.shape[1]], np.float32)


def move_and_displace(image: Picture, moves: NDArray[np.float32], field: NDArray[np.float32]) -> Picture:
    """The affine map of three moved points, then the displacements.

    Args:
        image: (H, W, 3) or (H, W).
        moves: (3, 2), in pixels (right, down): of the lower right, upper right and upper left corner of a square of two
            thirds of the shorter side in the middle.
        field: (H, W, 2), in pixels (down, right): from where every pixel is read.
    """
    height, width = image.shape[:2]
    middle = np.array([width // 2, height // 2], np.float32)
    reach = min(height, width) // 3
    corners = middle + np.array([[reach, reach], [reach, -reach], [-reach, -reach]], np.float32)
    affine = cv2.getAffineTransform(corners.astype(np.float32), (corners + moves).astype(np.float32))
    moved = cv2.warpAffine(
        image.reshape(height, width, -1).astype(np.float32), affine, (width, height), borderMode=cv2.BORDER_REFLECT_101
    )
    out = np.empty_like(image)
    _displace(np.ascontiguousarray(moved).reshape(height, width, -1), field, out.reshape(height, width, -1))
    return out


def _kernel(length: int) -> NDArray[np.float32]:
    sigma = length * 0.01
    return np.asarray(cv2.getGaussianKernel(2 * int(3 * sigma + 0.5) + 1, sigma, cv2.CV_32F), np.float32)


@compiled
def _mirror(at: int, length: int) -> int:
    if at < 0:
        at = -1 - at
    if at >= length:
        # in a picture much higher than wide, a displacement can be longer than the width
        at %= 2 * length
    return at if at < length else 2 * length - 1 - at


@compiled
def _displace(image: NDArray[Any], field: NDArray[np.float32], out: Picture) -> None:
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            down, right = field[y, x, 0], field[y, x, 1]
            whole_down, whole_right = np.floor(down), np.floor(right)
            v, w = down - whole_down, right - whole_right
            top, left = y + int(whole_down), x + int(whole_right)
            bottom, far = _mirror(top + 1, height), _mirror(left + 1, width)
            top, left = _mirror(top, height), _mirror(left, width)
            for c in range(channels):
                above = image[top, left, c] + w * (np.float32(image[top, far, c]) - image[top, left, c])
                below = image[bottom, left, c] + w * (np.float32(image[bottom, far, c]) - image[bottom, left, c])
                out[y, x, c] = above + v * (below - above) + _HAIR
