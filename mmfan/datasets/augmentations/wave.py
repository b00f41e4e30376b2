"""``FourierWave``, a pipeline step: one planar wave added to each channel.

Paper: AFA, Vaish et al., CVPR 2024, arXiv 2403.01944. Per channel a wave of length 1 (as a vector of pixels), of
uniformly drawn frequency and direction, times a strength ~ Exponential(mean 10) times side / 32, in units of the full
range 0..1: its root mean square is strength / 32, whatever the size. Here frequencies are those that the pixels can
show, 1 to half the shorter side; above that they would come back as others.

The paper trains with it as an auxiliary pass, with norm layers of its own; here it is a step, or a copy of
:class:`mmfan.Views` for a loss of consistency. It overlaps the single-frequency noise of ImageNet-C-bar.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmfan.datasets.augmentations.steps import fraction, happens, like, number, picture_of
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS

SIDE = 32  # of the pictures that the paper states strengths for


def planar_wave(shape: tuple[int, int], frequency: float, angle: float, phase: float) -> NDArray[np.float64]:
    """A plane wave whose pixels are a vector of length 1.

    Args:
        shape: Height and width.
        frequency: Cycles over the shorter side.
        angle: Direction, in radians; 0 is to the right, pi / 2 down.
        phase: In radians, at the top left pixel.

    Returns:
        ``(H, W)``.
    """
    rows, columns = np.indices(shape, sparse=True)
    along = (np.cos(angle) * columns + np.sin(angle) * rows) / min(shape)
    wave = np.sin(2 * np.pi * frequency * along + phase)
    length = np.linalg.norm(wave)
    return np.asarray(wave / length) if length else np.asarray(wave)


@TRANSFORMS.register_module()
class FourierWave(BaseTransform):
    """Add a planar wave to each channel; after crop and flip, before the packing step.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.

    Modified Keys:

    - img

    Args:
        strength: Mean of the strength, of an exponential distribution; 10 in the paper.
        prob: Probability that a picture is changed.

    Raises:
        MMFanError: An argument is out of range, or the picture is of less than 4 pixels.
    """

    overlaps: frozenset[str] = frozenset({"single_frequency_greyscale"})

    def __init__(self, strength: float = 10.0, prob: float = 0.5) -> None:
        self.strength, self.prob = number("strength", strength), fraction("prob", prob)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        if not happens(self.prob):
            return results
        height, width = image.shape[:2]
        if min(height, width) < 4:
            raise MMFanError(f"A wave needs 4 pixels at least, the picture has {height} x {width}.")
        waves = [self._wave((height, width)) for _ in range(3)]
        results["img"] = like(image + 255 * np.stack(waves, axis=2), image)
        return results

    def _wave(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        frequency = np.random.uniform(1, min(shape) / 2)
        angle, phase = np.random.uniform(0, np.pi), np.random.uniform(0, 2 * np.pi)
        strength = np.random.exponential(self.strength)
        return planar_wave(shape, frequency, angle, phase) * strength * np.sqrt(shape[0] * shape[1]) / SIDE

    def __repr__(self) -> str:
        return f"{type(self).__name__}(strength={self.strength}, prob={self.prob})"
