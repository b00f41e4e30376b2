"""``RandomFilter`` and ``SmoothColour``, pipeline steps: the two primitives of PRIME that move nothing.

Paper: PRIME, Modas et al., ECCV 2022, arXiv 2112.13547. The third, a smooth warp, would have to move the labels. PRIME
mixes the primitives as AugMix mixes its operations::

    dict(type="mmfan.AugMix", ops=[dict(type="mmfan.RandomFilter"), dict(type="mmfan.SmoothColour")])

The published code puts the identity of its 3x3 filter into a corner, which moves every filtered picture by one pixel;
here it is in the middle.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmfan.datasets.augmentations.overlaps import BLURS, PHOTOMETRIC
from mmfan.datasets.augmentations.steps import fraction, happens, like, number, picture_of
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number


@TRANSFORMS.register_module()
class RandomFilter(BaseTransform):
    """Filter with ``identity + s * N(0, 1)``, a random kernel a channel.

    Random kernels blur as well as sharpen, so the blurs count as overlapped; and their sums are other than 1, and
    others for each channel, so that brightness, contrast and saturation do.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.

    Modified Keys:

    - img: Cut to 0..255.

    Args:
        sigma: Greatest strength s, which is uniform from 0 to it; 4 in the paper.
        size: Side of the kernel, odd.
        prob: Probability that a picture is changed.

    Raises:
        MMFanError: An argument is out of range.
    """

    overlaps: frozenset[str] = BLURS | PHOTOMETRIC

    def __init__(self, sigma: float = 4.0, size: int = 3, prob: float = 1.0) -> None:
        self.sigma, self.prob = number("sigma", sigma), fraction("prob", prob)
        self.size = whole_number("size", size, 1)
        if not self.size % 2:
            raise MMFanError(f"Expected `size` to be odd, so that the kernel has a middle, got {size}.")

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        if not happens(self.prob):
            return results
        strength = np.random.uniform(0, self.sigma)
        kernels = strength * np.random.standard_normal((3, self.size, self.size))
        kernels[:, self.size // 2, self.size // 2] += 1
        source = image.astype(np.float32)
        channels = [
            cv2.filter2D(source[..., at], cv2.CV_32F, kernels[at], borderType=cv2.BORDER_REFLECT_101) for at in range(3)
        ]
        results["img"] = like(np.stack(channels, axis=2), image)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sigma={self.sigma}, size={self.size}, prob={self.prob})"


@TRANSFORMS.register_module()
class SmoothColour(BaseTransform):
    """Map the values of each channel by ``x + sum_k c_k sin(k pi x)``, x from 0 to 1, at every place alike.

    The k are ``bandwidth`` consecutive whole numbers from a random one on, at most ``cut``; c_k ~ N(0, variance
    ``temperature``). A random map of values changes brightness, contrast and saturation, which so count as overlapped.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.

    Modified Keys:

    - img: Cut to 0..255.

    Args:
        temperature: Variance of the coefficients; 0.05 in the paper.
        cut: Highest frequency; 500 in the paper.
        bandwidth: Number of frequencies; 20 in the paper.
        prob: Probability that a picture is changed.

    Raises:
        MMFanError: An argument is out of range.
    """

    overlaps: frozenset[str] = PHOTOMETRIC

    def __init__(self, temperature: float = 0.05, cut: int = 500, bandwidth: int = 20, prob: float = 1.0) -> None:
        self.temperature, self.prob = number("temperature", temperature), fraction("prob", prob)
        self.cut, self.bandwidth = whole_number("cut", cut, 1), whole_number("bandwidth", bandwidth, 1)
        if self.bandwidth > self.cut:
            raise MMFanError(f"Expected `bandwidth` to be at most `cut`, got {bandwidth} and {cut}.")

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        if not happens(self.prob):
            return results
        curves = np.stack([self._curve() for _ in range(3)], axis=1)
        if image.dtype == np.uint8:
            table = np.rint(np.clip(255 * curves, 0, 255)).astype(np.uint8)
            results["img"] = cv2.LUT(image, table[None])
        else:  # between the whole numbers the curve is drawn straight
            levels = np.arange(256)
            channels = [np.interp(image[..., at], levels, 255 * curves[:, at]) for at in range(3)]
            results["img"] = like(np.stack(channels, axis=2), image)
        return results

    def _curve(self) -> NDArray[np.float64]:
        first = np.random.randint(1, self.cut - self.bandwidth + 2)
        coefficients = np.sqrt(self.temperature) * np.random.standard_normal(self.bandwidth)
        values = np.arange(256) / 255
        waves = np.sin(np.pi * np.outer(values, np.arange(first, first + self.bandwidth)))
        return np.asarray(values + waves @ coefficients)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(temperature={self.temperature}, cut={self.cut}, bandwidth={self.bandwidth}, "
            f"prob={self.prob})"
        )
