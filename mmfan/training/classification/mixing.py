"""Mixup and CutMix: each picture of a batch is mixed with another one, and its label with that one's.

Mixup (arXiv 1710.09412) blends whole pictures by a share drawn from Beta(alpha, alpha); CutMix (arXiv 1905.04899) puts
a box of the other picture into each, of an area of 1 minus that share, and the label follows the area that is left
after the box is clipped. A draw is one for the whole batch, and can be applied to other forms of the same pictures.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmfan.datasets.augmentations.steps import fraction, number
from mmfan.errors import MMFanError
from mmfan.utils.text import did_you_mean


@dataclass(frozen=True)
class Mix:
    """How a batch is mixed.

    Attributes:
        order: (B,) int64: number of the picture that each is mixed with.
        share: Of its own label, 0 to 1.
        box: Top, bottom, left and right of what comes from the other picture; None blends whole pictures.
    """

    order: Tensor
    share: float
    box: tuple[int, int, int, int] | None = None

    def pictures(self, pictures: Tensor) -> Tensor:
        """Pictures (B, C, H, W), mixed; they are not changed."""
        others = pictures[self.order.to(pictures.device)]
        if self.box is None:
            return self.share * pictures + (1 - self.share) * others
        top, bottom, left, right = self.box
        mixed = pictures.clone()
        mixed[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        return mixed

    def labels(self, labels: Tensor) -> Tensor:
        """Labels (B, K) of shares that add up to 1, mixed."""
        return self.share * labels + (1 - self.share) * labels[self.order.to(labels.device)]


def cut_box(height: int, width: int, share: float, row: int, column: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a box of the area 1 - share around a point, clipped to the picture (CutMix).

    Args:
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.
        share: Of the picture that is kept, 0 to 1.
        row: Of the point.
        column: Of the point.

    >>> cut_box(100, 200, 0.75, 50, 190)
    (25, 75, 140, 200)
    """
    side = math.sqrt(1 - share)
    h, w = int(height * side), int(width * side)
    top, left = row - h // 2, column - w // 2
    return max(top, 0), min(top + h, height), max(left, 0), min(left + w, width)


class Mixing:
    """Draws of Mixup and CutMix, one of the two for each batch.

    Args:
        mixup: alpha of Mixup; 0 for none.
        cutmix: alpha of CutMix; 0 for none.
        prob: Probability that a batch is mixed at all.
        switch: Probability of CutMix, where there are both.

    Raises:
        MMFanError: A number is out of range, or both are 0.
    """

    def __init__(self, mixup: float = 0.8, cutmix: float = 1.0, prob: float = 1.0, switch: float = 0.5) -> None:
        self.mixup, self.cutmix = number("mixup", mixup), number("cutmix", cutmix)
        self.prob, self.switch = fraction("prob", prob), fraction("switch", switch)
        if not mixup and not cutmix:
            raise MMFanError("Mixing needs `mixup` or `cutmix` above 0: leave `mixing` out for none.")

    @classmethod
    def of(cls, settings: Any) -> Mixing:
        """From the config of a model.

        Args:
            settings: A dict of arguments.

        Raises:
            MMFanError: It is none, or one of them is wrong.
        """
        known = tuple(inspect.signature(cls).parameters)
        if not isinstance(settings, Mapping):
            raise MMFanError(f"Expected `mixing` to be a dict of {', '.join(known)}, or None, got {settings!r:.80}.")
        unknown = [name for name in settings if name not in known]
        if unknown:
            meant = did_you_mean(str(unknown[0]), known)
            raise MMFanError(f"`mixing` takes no {unknown[0]!r}.{meant} It takes {', '.join(known)}.")
        return cls(**settings)

    def draw(self, count: int, height: int, width: int) -> Mix | None:
        """How to mix ``count`` pictures of a size; None for not at all.

        One number of torch's generator decides, as of dropout: NumPy's is seeded by the pictures, where they are loaded
        by the process that trains, and starts anew in a resumed training.
        """
        draws = np.random.default_rng(int(torch.randint(2**63 - 1, ())))
        if draws.random() >= self.prob:
            return None
        order = torch.from_numpy(draws.permutation(count))
        cut = not self.mixup or (bool(self.cutmix) and draws.random() < self.switch)
        alpha = self.cutmix if cut else self.mixup
        share = float(draws.beta(alpha, alpha))
        if not cut:
            return Mix(order, share)
        box = cut_box(height, width, share, int(draws.integers(height)), int(draws.integers(width)))
        top, bottom, left, right = box
        return Mix(order, 1 - (bottom - top) * (right - left) / (height * width), box)
