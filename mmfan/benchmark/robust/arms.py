"""Arms of the table of evidence: each a way of training that differs from the baseline's by its recipes alone."""

from __future__ import annotations

from typing import NamedTuple

from mmfan.errors import MMFanError
from mmfan.utils.text import did_you_mean

BASELINE = "baseline"
CONFIG = "fan_segformer_camvid_yardstick"


class Arm(NamedTuple):
    """One way of training.

    Attributes:
        recipes: What ``mmfan train --robust`` is given; for the baseline the draws that all of them have, so that with
            one seed every arm sees the same crops, and a training that was killed is the same training.
        seeds: How many trainings make its row.
    """

    recipes: tuple[str, ...]
    seeds: int = 1


# in the order in which they stand in the table
ARMS: dict[str, Arm] = {
    BASELINE: Arm(("seeded",), seeds=3),
    "cwfa": Arm(("cwfa",), seeds=3),
    "cwfa-light": Arm(("cwfa-light",), seeds=3),
    "augmix": Arm(("augmix",), seeds=3),
    "cwfa-light-augmix": Arm(("cwfa-light", "augmix"), seeds=3),
    "ema": Arm(("ema",), seeds=3),
    "swa": Arm(("swa",)),
    "cwfa-augmix": Arm(("cwfa", "augmix"), seeds=3),
    "cwfa-augmix-ema": Arm(("cwfa", "augmix", "ema")),
    # what loses points on clean pictures and under corruption needs no spread over seeds to be seen
    "augmix-plain": Arm(("augmix-plain",)),
    "paint": Arm(("paint",)),
    "textures": Arm(("textures",)),
    "mask": Arm(("mask",)),
    "filter": Arm(("filter",)),
    "colour": Arm(("colour",)),
    "prime": Arm(("prime",)),
    "apr": Arm(("apr",)),
    "wave": Arm(("wave",)),
    "teacher": Arm(("teacher",)),
    "fda": Arm(("fda",)),
    "adl": Arm(("adl",)),
}


def arm_of(name: str) -> Arm:
    """The arm of a name.

    Raises:
        MMFanError: There is none.
    """
    if name not in ARMS:
        raise MMFanError(f"There is no arm {name!r}.{did_you_mean(name, ARMS)} There are: {', '.join(ARMS)}.")
    return ARMS[name]
