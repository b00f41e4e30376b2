"""``Patch``: what an attack may make of a picture if a square of it is its own and the rest stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmfan.evaluation.attacks.balls import Reach
from mmfan.evaluation.attacks.boxes import Box
from mmfan.evaluation.attacks.settings import LEVELS


class Patch(Reach):
    """All pictures that are as the clean ones outside of a box, and anything from 0 to 1 inside.

    Args:
        clean: (B, C, H, W), float32, from 0 to 1.
        box: Of all of them.
    """

    def __init__(self, clean: Tensor, box: Box) -> None:
        super().__init__(clean)
        self.box = box
        self.inside = torch.zeros(clean.shape[2:], dtype=torch.bool, device=clean.device)
        self.inside[box.slices] = True

    def direction(self, gradient: Tensor) -> Tensor:
        """The sign of the gradient inside, 0 outside."""
        return gradient.sign() * self.inside

    def project(self, pictures: Tensor) -> Tensor:
        """Values inside brought between 0 and 1, and those outside back to the clean ones."""
        return torch.where(self.inside, pictures.clamp(0, 1), self.clean)

    def start(self, seeds: Sequence[int]) -> Tensor:
        """Noise inside: each value drawn evenly from 0 to 1, for itself."""
        rows, columns = self.box.slices
        found = self.clean.clone()
        shape = found[0, :, rows, columns].shape
        for picture, seed in zip(found, seeds, strict=True):
            drawn = np.random.Generator(np.random.PCG64(seed)).random(shape, np.float32)
            picture[:, rows, columns] = torch.from_numpy(drawn).to(picture)
        return found

    def rounded(self, pictures: Tensor) -> Tensor:
        """Pictures in whole 8-bit values."""
        return (pictures * LEVELS).round().clamp(0, LEVELS).to(torch.uint8)
