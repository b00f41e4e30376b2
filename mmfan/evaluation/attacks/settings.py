"""``Attack``: which attack, in which norm, how far, in how many steps."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite
from typing import Any

from mmfan.errors import MMFanError, WrongTypeError
from mmfan.utils.checks import whole_number

ATTACKS = ("fgsm", "pgd", "segpgd", "cospgd")
PIXELWISE = ("segpgd", "cospgd")  # weigh the loss of each pixel, so they need a class for each pixel
NORMS = ("linf", "l2")
KEPT = ("last", "best")
LEVELS = 255  # radii are given in 1/255, the step from one 8-bit value to the next
# Steps that, all in one direction, would go 2.5 times the radius: Madry et al. 2018, arXiv 1706.06083.
REACH = 2.5
STEPS = 5
CENTRE, DRAWN = "centre", "drawn"
PLACES = (DRAWN, CENTRE)  # of patches


@dataclass(frozen=True)
class Attack:
    """One attack of one strength.

    - ``fgsm``: one step of the whole radius along the gradient's sign (Goodfellow et al. 2015).
    - ``pgd``: ``steps`` steps of ``alpha`` from a random start, each followed by the projection onto the ball around
      the clean picture (Madry et al. 2018).
    - ``segpgd``: PGD whose loss weighs pixels that are still right by 1 - t/2T and the others by t/2T, in step t of T
      from 0 (Gu et al. 2022, arXiv 2207.12391).
    - ``cospgd``: PGD whose loss weighs each pixel by the cosine between its probabilities and its label (Agnihotri et
      al. 2024, arXiv 2302.02213).

    Attributes:
        name: One of :data:`ATTACKS`.
        eps: The radius, in 1/255.
        norm: ``'linf'``: no value of the picture changes by more than ``eps``; ``'l2'``: the root of the sum of squared
            changes of all values of a picture is at most ``eps``.
        steps: Number of gradients taken; ``fgsm`` takes one.
        alpha: Length of a step, in 1/255; None for 2.5 ``eps / steps``, and for ``eps`` of ``fgsm``.
        start: Begin at a random place in the ball; None for all but ``fgsm``.
        kept: ``'last'`` keeps the picture after the last step, as the papers do; ``'best'`` the one of the highest loss
            of all, which takes one pass more.
        rounded: Round to whole 8-bit values at the end, within the ball, so that what is judged is a picture that can
            be stored. In L-inf a radius below 1 then leaves the clean picture.
        target: The class that all pixels are drawn to; None drives them away from their own.

    Raises:
        MMFanError: Something is out of range, or does not go together.
    """

    name: str
    eps: float
    norm: str = "linf"
    steps: int | None = None
    alpha: float | None = None
    start: bool | None = None
    kept: str = "last"
    rounded: bool = True
    target: int | None = None

    def __post_init__(self) -> None:
        _one_of("the name of an attack", self.name, ATTACKS)
        _one_of("`norm`", self.norm, NORMS)
        _one_of("`kept`", self.kept, KEPT)
        _number("eps", self.eps, 0)
        single = self.name == "fgsm"
        steps = (1 if single else STEPS) if self.steps is None else whole_number("steps", self.steps, 1)
        if single and (steps != 1 or self.alpha is not None or self.start):
            raise MMFanError(
                "fgsm is one step of the whole radius: leave `steps`, `alpha` and `start` out, or take pgd."
            )
        alpha = REACH * self.eps / steps if self.alpha is None else _number("alpha", self.alpha, 0)
        if self.target is not None:
            whole_number("target", self.target, 0)
        for name in ("start", "rounded"):
            if not isinstance(getattr(self, name), (bool, type(None))):
                raise WrongTypeError(f"Expected `{name}` to be True or False, got {getattr(self, name)!r}.")
        settled = {
            "eps": float(self.eps), "steps": steps, "alpha": float(self.eps if single else alpha),
            "start": not single if self.start is None else self.start, "rounded": bool(self.rounded),
        }  # fmt: skip
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @property
    def still(self) -> bool:
        """Whether no picture but the clean one is in the ball, so that nothing has to be computed."""
        if self.eps == 0:
            return True
        return self.rounded and self.whole_levels < 1

    @property
    def whole_levels(self) -> int:
        """The most 8-bit values that a whole-numbered change of one value may have within the radius."""
        return floor(self.eps + 1e-9)  # 255 * (8 / 255) may round to just below 8

    @property
    def passes(self) -> tuple[int, int]:
        """Forward and backward passes that finding a picture takes; judging it is one forward pass more."""
        if self.still:
            return 0, 0
        return int(self.steps or 1) + (self.kept == "best"), int(self.steps or 1)

    @property
    def told(self) -> dict[str, Any]:
        """All settings but name and radius, as they stand in records."""
        found: dict[str, Any] = {
            "norm": self.norm, "steps": self.steps, "alpha": self.alpha, "start": self.start, "kept": self.kept,
            "rounded": self.rounded,
        }  # fmt: skip
        return found if self.target is None else {**found, "target": self.target}

    def __str__(self) -> str:
        return f"{self.name} {self.norm} {self.eps:g}/255"


def _one_of(what: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise MMFanError(f"Expected {what} to be one of {', '.join(known)}, got {value!r:.80}.")


def _number(name: str, value: Any, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongTypeError(f"Expected `{name}` to be a number, in 1/255, got {value!r:.80}.")
    if not isfinite(value) or value < least:
        raise MMFanError(f"Expected `{name}` to be at least {least}, in 1/255, got {value!r}.")
    return float(value)
