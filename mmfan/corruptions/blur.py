"""Gaussian and motion blur."""

from __future__ import annotations

import cv2
import numpy as np

from mmfan.corruptions.draws import uniform
from mmfan.corruptions.line import blur_along_line, line_taps
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

# OpenCV rounds to the nearest grey level where the reference cuts off. Half a level less is the same, and a hair is
# given back so that a flat area keeps its level.
_CUT_OFF = -0.5 + 1e-3


def gaussian_blur(image: Picture, severity: int, seed: int) -> Picture:
    """Convolve with a Gaussian, cut at four standard deviations. ``seed`` is not used.

    Source: ImageNet-C.
    """
    return blurred(image, PARAMETERS["gaussian_blur"][severity - 1])


def blurred(image: Picture, sigma: float) -> Picture:
    """A Gaussian blur in float32, cut off to whole grey levels; the picture is continued by its edge.

    Args:
        image: (H, W) or (H, W, 3).
        sigma: Standard deviation in pixels.
    """
    kernel = cv2.getGaussianKernel(2 * int(4 * sigma + 0.5) + 1, sigma, cv2.CV_32F)
    result = cv2.sepFilter2D(image, cv2.CV_8U, kernel, kernel, delta=_CUT_OFF, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(result, np.uint8)


def motion_blur(image: Picture, severity: int, seed: int) -> Picture:
    """Blur along a line at an angle drawn from -45 to 45 degrees.

    Source: ImageNet-C as ``imagecorruptions`` has it: one-sided, with whole-pixel steps.
    """
    radius, sigma = PARAMETERS["motion_blur"][severity - 1]
    out = np.empty_like(image)
    taps = line_taps(radius, sigma, uniform(seed, 0, -45, 45), (image.shape[0], image.shape[1]))
    blur_along_line(image, taps, out)
    return out
