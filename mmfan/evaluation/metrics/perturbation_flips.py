"""Flip probability of a classifier on ImageNet-P: how often its answer changes while a perturbation changes slowly.

Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261). A sequence shows one picture under a perturbation that moves on
from frame to frame; with noise each frame is another draw. The flip probability of a type is the share of the frames
whose answer differs from that of a frame of reference: of noise the first one, of the others the one ``distance``
frames before. The flip rate is that probability over another model's (AlexNet's in the paper), mFR the mean over types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.flips import Flips
from mmfan.utils.text import shortlist

# The ten types by their folders. The frames of the first two are independent draws.
NOISES = ("gaussian_noise", "shot_noise")
TYPES = (
    *NOISES, "motion_blur", "zoom_blur", "snow", "brightness", "translate", "rotate", "tilt", "scale",
)  # fmt: skip


def flips_of_sequence(answers: Sequence[int], noise: bool, distance: int = 1) -> Flips:
    """The flips of one sequence.

    Args:
        answers: The classes that a model says of the frames, in their order.
        noise: The frame of reference is the first one, for the frames are independent draws.
        distance: Of the others it is the one so many frames before.

    >>> flips_of_sequence([1, 1, 2, 1], noise=True), flips_of_sequence([1, 1, 2, 1], noise=False)
    (Flips(changed=1, compared=3), Flips(changed=2, compared=3))
    """
    if noise:
        pairs = [(answers[0], answer) for answer in answers[1:]]
    else:
        pairs = list(zip(answers[:-distance], answers[distance:], strict=True)) if len(answers) > distance else []
    return Flips(sum(one != other for one, other in pairs), len(pairs))


@dataclass(frozen=True)
class FlipProbabilities:
    """Flips of a model by type.

    Attributes:
        by_type: Type -> its flips over all sequences.
        sequences: Type -> number of sequences.
        distance: Frames between an answer and the one it is compared with, but of noise.
    """

    by_type: Mapping[str, Flips]
    sequences: Mapping[str, int] = field(repr=False)
    distance: int = 1

    @property
    def mean(self) -> float:
        """Mean flip probability over the types."""
        return sum(flips.share for flips in self.by_type.values()) / len(self.by_type)

    def rates(self, reference: Mapping[str, float]) -> dict[str, float]:
        """The flip rate of each type, and ``mFR``, their mean: flip probability / that of a model of reference.

        Args:
            reference: Type -> flip probability, as :meth:`to_dict` of another model has it under ``by_type``.

        Raises:
            MMFanError: A type is missing there, or never flips.
        """
        missing = [name for name in self.by_type if not reference.get(name)]
        if missing:
            raise MMFanError(f"The reference has no flips of {shortlist(missing, 10)}, which a rate is taken over.")
        rates = {name: flips.share / reference[name] for name, flips in self.by_type.items()}
        return {**rates, "mFR": sum(rates.values()) / len(rates)}

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON; probabilities are fractions."""
        return {
            "mean": self.mean,
            "by_type": {name: flips.share for name, flips in self.by_type.items()},
            "compared": {name: flips.compared for name, flips in self.by_type.items()},
            "sequences": dict(self.sequences),
            "distance": self.distance,
        }

    def __str__(self) -> str:
        count = sum(self.sequences.values())
        return f"flip probability {100 * self.mean:.2f} % over {len(self.by_type)} types, {count} sequences"
