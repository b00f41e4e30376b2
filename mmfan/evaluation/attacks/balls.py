"""Balls around pictures: what lies within a radius of a clean picture, in float32 and in whole 8-bit values.

Pictures are (B, C, H, W), float32, from 0 to 1. What is returned is within the radius exactly, not but for rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmfan.evaluation.attacks.settings import LEVELS, Attack

TINY = torch.finfo(torch.float64).tiny  # in the place of a length of 0


class Reach(ABC):
    """All pictures that an attack may make of clean ones, with values from 0 to 1.

    Args:
        clean: (B, C, H, W), float32, from 0 to 1.
    """

    def __init__(self, clean: Tensor) -> None:
        self.clean = clean

    @abstractmethod
    def direction(self, gradient: Tensor) -> Tensor:
        """The step of length 1 in which a gradient, (B, C, H, W), ascends most."""

    @abstractmethod
    def project(self, pictures: Tensor) -> Tensor:
        """The nearest pictures within reach."""

    @abstractmethod
    def start(self, seeds: Sequence[int]) -> Tensor:
        """Random pictures within reach, each of which its seed alone decides.

        Args:
            seeds: One a picture, of 64 bits.
        """

    @abstractmethod
    def rounded(self, pictures: Tensor) -> Tensor:
        """Pictures in whole 8-bit values, (B, C, H, W) uint8, still within reach; the clean ones must be whole."""


class Ball(Reach):
    """All pictures within the radius of an attack around clean ones.

    Args:
        clean: (B, C, H, W), float32, from 0 to 1.
        attack: Gives norm and radius.
    """

    def __init__(self, clean: Tensor, attack: Attack) -> None:
        super().__init__(clean)
        self.radius, self.levels = attack.eps / LEVELS, attack.whole_levels
        self.squared_levels = int(attack.eps**2 + 1e-6)

    @abstractmethod
    def drawn(self, draw: np.random.Generator, shape: Sequence[int]) -> Tensor:
        """A change of one picture, (C, H, W), drawn evenly from the ball."""

    @abstractmethod
    def within(self, change: Tensor, exact: Tensor) -> Tensor:
        """Whole 8-bit changes, (B, C, H, W), brought into the ball.

        Args:
            change: Whole numbers.
            exact: The changes before they were rounded, in 8-bit values.
        """

    def start(self, seeds: Sequence[int]) -> Tensor:
        """A random place in the ball for each picture."""
        shape = self.clean.shape[1:]
        changes = [self.drawn(np.random.Generator(np.random.PCG64(seed)), shape) for seed in seeds]
        return self.project(self.clean + torch.stack(changes).to(self.clean))

    def rounded(self, pictures: Tensor) -> Tensor:
        """Pictures in whole 8-bit values, still in the ball."""
        whole = (self.clean * LEVELS).round()
        exact = pictures * LEVELS - whole
        # values of the clean picture are from 0 to 255, and changes lead no further than the picture before rounding
        return (whole + self.within(exact.round(), exact)).clamp(0, LEVELS).to(torch.uint8)


class Cube(Ball):
    """L-inf: every value changes by the radius at most."""

    def __init__(self, clean: Tensor, attack: Attack) -> None:
        super().__init__(clean, attack)
        exact = clean.double()
        self.lower = _inwards((exact - self.radius).clamp(min=0), up=True)
        self.upper = _inwards((exact + self.radius).clamp(max=1), up=False)

    def direction(self, gradient: Tensor) -> Tensor:
        """The sign of the gradient."""
        return gradient.sign()

    def project(self, pictures: Tensor) -> Tensor:
        """Every value brought between its bounds."""
        return torch.maximum(torch.minimum(pictures, self.upper), self.lower)

    def drawn(self, draw: np.random.Generator, shape: Sequence[int]) -> Tensor:
        """Evenly, each value for itself."""
        return torch.from_numpy(draw.random(shape, np.float32) * 2 - 1) * self.radius

    def within(self, change: Tensor, exact: Tensor) -> Tensor:
        """Each value for itself."""
        return change.clamp(-self.levels, self.levels)


class Sphere(Ball):
    """L2: the root of the sum of the squared changes of all values of a picture is the radius at most."""

    def direction(self, gradient: Tensor) -> Tensor:
        """The gradient, brought to the length 1; 0 stays 0."""
        return (gradient.double() / _lengths(gradient).clamp(min=TINY)).to(gradient)

    def project(self, pictures: Tensor) -> Tensor:
        """Changes that are too long, shortened; then values brought back to 0 or 1."""
        clean = self.clean.double()
        change = pictures.double() - clean
        scale = (self.radius / _lengths(change).clamp(min=TINY)).clamp(max=1)
        while True:
            # to go back to 0 or 1 afterwards only shortens a change
            found = (clean + scale * change).to(pictures).clamp(0, 1)
            lengths = _lengths(found.double() - clean)
            if not bool((lengths > self.radius).any()):
                return found
            # rounding to float32 has made it longer
            scale = torch.where(lengths > self.radius, scale * (self.radius / lengths) * (1 - 1e-7), scale)

    def drawn(self, draw: np.random.Generator, shape: Sequence[int]) -> Tensor:
        """A direction of the normal distribution, a length whose power of the dimension is even."""
        change = draw.standard_normal(shape, np.float32)
        length = self.radius * draw.random() ** (1 / change.size)
        return torch.from_numpy(change) * float(length / np.sqrt((change.astype(np.float64) ** 2).sum()))

    def within(self, change: Tensor, exact: Tensor) -> Tensor:
        """The largest changes first, as far as the radius reaches; the others stay out."""
        order = exact.flatten(1).abs().argsort(dim=1, descending=True, stable=True)
        ordered = change.flatten(1).long().gather(1, order)
        fits = ordered.square().cumsum(1) <= self.squared_levels
        return torch.zeros_like(ordered).scatter_(1, order, ordered * fits).view_as(change).to(change)


BALLS = {"linf": Cube, "l2": Sphere}


def ball_of(clean: Tensor, attack: Attack) -> Ball:
    """The ball of an attack around clean pictures, (B, C, H, W), float32, from 0 to 1."""
    return BALLS[attack.norm](clean, attack)


def _lengths(change: Tensor) -> Tensor:
    """Euclidean length of each picture's change, (B, 1, 1, 1), float64."""
    return change.double().square().sum((1, 2, 3), keepdim=True).sqrt()


def _inwards(bounds: Tensor, up: bool) -> Tensor:
    """Bounds in float64 as float32, rounded up or down, never to nearest."""
    rounded = bounds.float()
    outside = rounded < bounds if up else rounded > bounds
    away = torch.full_like(rounded, 2.0 if up else -2.0)
    return torch.where(outside, torch.nextafter(rounded, away), rounded)
