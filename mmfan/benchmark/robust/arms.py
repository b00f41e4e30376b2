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
        recipes: What ``mmfan train --robust`` is given; nothing for the baseline.
        seeds: How many trainings make its row.
    """

    recipes: tuple[str, ...] = ()
    seeds: int = 1


# in the order in which they stand in the table
ARMS: dict[str, Arm] = {
    BASELINE: Arm(seeds=3),
    "cwfa": Arm(("cwfa",), seeds=3),
    "augmix": Arm(("augmix",), seeds=3),
    "apr": Arm(("apr",)),  # loses 15 points on clean pictures: no spread over seeds is needed to see it
    "wave": Arm(("wave",), seeds=3),
    "teacher": Arm(("teacher",), seeds=3),
    "cwfa-augmix": Arm(("cwfa", "augmix"), seeds=3),
    "cwfa-augmix-ema": Arm(("cwfa", "augmix", "ema")),
    "augmix-plain": Arm(("augmix-plain",)),
    "paint": Arm(("paint",)),
    "textures": Arm(("textures",)),
    "mask": Arm(("mask",)),
    "filter": Arm(("filter",)),
    "colour": Arm(("colour",)),
    "prime": Arm(("prime",)),
    "fda": Arm(("fda",)),
    "adl": Arm(("adl",)),
    "ema": Arm(("ema",)),
    "swa": Arm(("swa",)),
}


def arm_of(name: str) -> Arm:
    """The arm of a name.

    Raises:
        MMFanError: There is none.
    """
    if name not in ARMS:
        raise MMFanError(f"There is no arm {name!r}.{did_you_mean(name, ARMS)} There are: {', '.join(ARMS)}.")
    return ARMS[name]
