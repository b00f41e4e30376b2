"""Preprocessing of pictures for a network: size, order of the channels, mean and standard deviation, padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a picture before a network gets it, in this order.

    ``Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))`` is torchvision's;
    ``Preprocessing(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), white=255)`` OpenMMLab's.

    Attributes:
        mean: Of red, green and blue, subtracted; None for nothing.
        std: Of red, green and blue, divided by; None for nothing.
        white: What 255 becomes before ``mean`` and ``std``: 1, or 255 where these are of pixels.
        bgr: The network wants blue first; ``mean`` and ``std`` are still of red, green and blue.
        size: Height and width that the picture is resized to, bilinear; None leaves it.
        divisor: Then the picture is padded with zeros, right and below, to multiples of this.

    Raises:
        MMFanError: Something is out of range, or ``mean`` and ``std`` are of another ``white``.
    """

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    white: int = 1
    bgr: bool = False
    size: Sequence[int] | None = None
    divisor: int = 1

    def __post_init__(self) -> None:
        if self.white not in (1, 255):
            raise MMFanError(f"Expected `white` to be 1 or 255, got {self.white!r}.")
        for what, values in (("mean", self.mean), ("std", self.std)):
            if values is None:
                continue
            if len(values) != 3 or not all(np.isfinite(value) and value >= 0 for value in values):
                raise MMFanError(f"Expected `{what}` of red, green and blue, three numbers from 0 on, got {values!r}.")
            if self.white == 1 and max(values) > 1:
                raise MMFanError(f"`{what}` {tuple(values)} is of pixels from 0 to 255: give white=255 as well.")
        if self.std is not None and min(self.std) == 0:
            raise MMFanError(f"Expected `std` to be above 0, got {self.std!r}.")
        whole_number("divisor", self.divisor, 1)
        if self.size is not None:
            if not isinstance(self.size, Sequence) or len(self.size) != 2:
                raise MMFanError(f"Expected `size` as height and width, got {self.size!r}.")
            for side in self.size:
                whole_number("size", side, 1)

    def resized(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture, (H, W, 3) uint8, in :attr:`size`."""
        if self.size is None or rgb.shape[:2] == tuple(self.size):
            return rgb
        height, width = self.size
        return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    def padding(self, size: Sequence[int]) -> tuple[int, int]:
        """Rows below and columns right that a picture of this height and width is padded with."""
        return -size[0] % self.divisor, -size[1] % self.divisor

    def constants(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``mean`` and ``std`` as (3,) float32; 0 and 1 where there are none."""
        mean = np.zeros(3) if self.mean is None else self.mean
        std = np.ones(3) if self.std is None else self.std
        return np.asarray(mean, np.float32), np.asarray(std, np.float32)

    def array(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """A picture, (H, W, 3) uint8, as a network gets it: (H', W', 3) float32, resized and padded."""
        mean, std = self.constants()
        values = self.resized(rgb).astype(np.float32)
        if self.white == 1:
            values /= np.float32(255)
        values = (values - mean) / std
        if self.bgr:
            values = values[..., ::-1]
        below, right = self.padding(values.shape[:2])
        return np.pad(values, ((0, below), (0, right), (0, 0)))
