"""Amplitudes of one picture with the phases of another: FDA and APR.

The phase of a picture's Fourier transform holds where things are, its amplitude much of how they look. With F(x) the
transform of a channel, A its amplitude, P its phase and d a donor:

- APR (Chen et al., ICCV 2021): ``result = F^-1(A(d), P(x))``, all of the donor's amplitude.
- FDA (Yang and Soatto, CVPR 2020, arXiv 2004.05498): the donor's amplitude in a square about the zero frequency of half
  width ``floor(min(H, W) * beta)``, the picture's own elsewhere; beta 0.01 to 0.09.

Each channel is transformed by itself. (Public code of APR transforms over the channels too, which mixes colours.)
Labels stay, as nothing moves.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmfan.datasets.augmentations.overlaps import PHOTOMETRIC
from mmfan.datasets.augmentations.steps import Picture, fraction, happens, like, number, picture_of
from mmfan.datasets.transforms.corrupt import NAME_ROOT_KEY
from mmfan.errors import MMFanError
from mmfan.picture_files import read
from mmfan.registry import TRANSFORMS
from mmfan.utils.files import PICTURE_SUFFIXES

MODES = ("fda", "apr")
BETA = 0.01


def mix_amplitudes(image: Picture, donor: Picture, beta: float | None = None) -> NDArray[np.float64]:
    """A picture with the amplitude of another, channel by channel.

    Args:
        image: ``(H, W, C)``, whose phases are kept.
        donor: Of the same shape.
        beta: Share of the shorter side that the square of the donor's amplitude reaches to each side of the zero
            frequency, 0 to 0.5; None for all of it.

    Returns:
        float64, not cut to 0..255.

    Raises:
        MMFanError: The shapes differ.
    """
    if image.shape != donor.shape:
        raise MMFanError(f"Expected a donor of the picture's shape {image.shape}, got {donor.shape}.")
    own, other = (np.fft.fft2(one.astype(np.float64), axes=(0, 1)) for one in (image, donor))
    amplitude = np.abs(other)
    if beta is not None:
        half = half_width(min(image.shape[:2]), beta)
        steps = [np.arange(side) for side in image.shape[:2]]
        near = [np.minimum(at, len(at) - at) <= half for at in steps]
        # a width of zero is no square, so that beta 0 changes nothing
        inside = np.outer(*near)[..., None] & bool(half)
        amplitude = np.where(inside, amplitude, np.abs(own))
    mixed: NDArray[np.float64] = np.fft.ifft2(amplitude * np.exp(1j * np.angle(own)), axes=(0, 1)).real
    return mixed


def half_width(side: int, beta: float) -> int:
    """Half the width of FDA's square, in pixels, in a picture whose shorter side has so many."""
    return int(side * beta)


def least_side(beta: float) -> int:
    """The shorter side of a picture, in pixels, from which on FDA changes it, for a beta above 0.

    >>> least_side(0.01), least_side(0.09)
    (100, 12)
    """
    side = math.floor(1 / beta)
    return side if half_width(side, beta) else side + 1


@TRANSFORMS.register_module()
class AmplitudeMix(BaseTransform):
    """Give a picture the amplitude of another one: of a folder of styles, or of the set itself.

    After crop and flip, before the packing step. Within a batch :class:`mmfan.AmplitudeMixHook` does it.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.
    - img_path (str): Where ``styles`` is None.
    - corruption_name_root (str, optional): The folder of the set's pictures.

    Modified Keys:

    - img

    Args:
        mode: ``'fda'``, low frequencies only, or ``'apr'``, all.
        beta: Of FDA, 0 to 0.5; pictures whose shorter side has less than 1 / beta pixels stay as they are.
        styles: Folder of donors, with those below it; None takes other pictures of the set: all below its folder, or of
            the picture's own folder where the set does not tell it.
        prob: Probability that a picture is changed.

    Raises:
        MMFanError: An argument is out of range, or there is no donor.
        FileNotFoundError: There is no such folder.

    Warns:
        UserWarning: A picture is too small for ``beta``, said once.
    """

    # the amplitude of frequency 0 is a channel's mean, those of the others are its contrast
    overlaps: frozenset[str] = PHOTOMETRIC

    def __init__(self, mode: str = "fda", beta: float = BETA, styles: str | None = None, prob: float = 0.5) -> None:
        if mode not in MODES:
            raise MMFanError(f"Expected `mode` to be one of {', '.join(MODES)}, got {mode!r}.")
        self.mode, self.beta, self.prob = mode, number("beta", beta, 0, 0.5), fraction("prob", prob)
        self._told = False
        self.styles = None if styles is None else str(styles)
        if self.styles is not None:
            pictures_below(self.styles)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        self._tell_if_small(min(image.shape[:2]))
        if not happens(self.prob):
            return results
        donor = self._donor(results, (image.shape[1], image.shape[0]))
        results["img"] = like(mix_amplitudes(image, donor, self.beta if self.mode == "fda" else None), image)
        return results

    def _tell_if_small(self, side: int) -> None:
        """Not an error: in a set of pictures of many sizes a few may be too small."""
        if self._told or self.mode != "fda" or not self.beta or half_width(side, self.beta):
            return
        self._told = True
        warnings.warn(
            f"mmfan.AmplitudeMix(beta={self.beta:g}) leaves pictures as they are whose shorter side has less than "
            f"{least_side(self.beta)} pixels, and got one of {side}: give a beta of {1 / side:.2g} or more, larger "
            "crops, or mode='apr'.",
            stacklevel=3,
        )

    def _donor(self, results: dict[str, Any], size: tuple[int, int]) -> Picture:
        path = results.get("img_path")
        folder = self.styles or results.get(NAME_ROOT_KEY) or (path and str(Path(path).parent))
        if not folder:
            raise MMFanError("mmfan.AmplitudeMix takes donors of the set by `img_path`, which this sample lacks.")
        found = pictures_below(folder)
        donors = [one for one in found if one != path] or found
        donor = read(donors[np.random.randint(len(donors))])
        return cv2.resize(donor, size, interpolation=cv2.INTER_AREA)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mode={self.mode!r}, beta={self.beta}, styles={self.styles!r}, prob={self.prob})"


@lru_cache(maxsize=64)
def pictures_below(folder: str) -> tuple[str, ...]:
    """The pictures in a folder and below it, by name.

    Raises:
        FileNotFoundError: There is no such folder.
        MMFanError: It holds none.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder of donors {folder}.")
    found = sorted(str(path) for path in root.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise MMFanError(f"{folder} holds no picture to take the amplitude of.")
    return tuple(found)
