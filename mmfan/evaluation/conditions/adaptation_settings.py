"""Names and settings of adaptation at test time: the defaults, and what is allowed. Free of torch.

Sources of the defaults: BatchNorm statistics with a prior, Schneider et al., NeurIPS 2020 (arXiv 2006.16971), with N =
16 where there is one picture at a time; TENT, Wang et al., ICLR 2021 (arXiv 2006.10726); SAR, Niu et al., ICLR 2023
(arXiv 2302.12400); CoTTA, Wang et al., CVPR 2022 (arXiv 2203.13591), for segmentation; MEMO, Zhang et al., NeurIPS 2022
(arXiv 2110.09506), with fewer copies than its authors take of a classifier's pictures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.condition import Condition, ConditionError
from mmfan.utils.text import did_you_mean

RESETS = ("picture", "cell", "never")
# SAR's margin and its mark of a collapse are shares of the highest entropy, ln C: 0.4 ln C, and 0.2 for 1000 classes
MARGIN, COLLAPSED = 0.4, round(0.2 / math.log(1000), 3)
# CoTTA's confidence below which a picture is looked at in all views, and their scales; for segmentation
THRESHOLD, SCALES = 0.69, (0.5, 0.75, 1, 1.25, 1.5, 1.75, 2)
OPTIMIZERS = ("sgd", "adamw")
DEFAULTS: dict[str, dict[str, Any]] = {
    "bn": {"prior": 16, "reset": "cell"},
    "tent": {"lr": 1e-3, "steps": 1, "reset": "cell"},
    "sar": {"lr": 5e-4, "rho": 0.05, "margin": MARGIN, "collapsed": COLLAPSED, "skip": [], "reset": "cell"},
    "cotta": {
        "lr": 1e-3, "decay": 0.999, "restore": 0.01, "threshold": THRESHOLD, "scales": list(SCALES), "flip": True,
        "reset": "cell",
    },
    "memo": {
        "lr": 2.5e-4, "optimizer": "sgd", "steps": 1, "copies": 8, "severity": 1, "prior": 16, "reset": "picture",
    },
}  # fmt: skip
OF_ONE_PICTURE = ("memo",)  # by their definition
MOST_SCALE = 4
FACTS = ("batch", "order")  # what the run adds: how many pictures at a time, and in which order


def settings_of_adaptation(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of an adaptation.

    Raises:
        ConditionError: There is no such adaptation or setting, or one is out of range.

    >>> settings_of_adaptation("bn", {"prior": 1})
    {'prior': 1, 'reset': 'cell'}
    """
    if name not in DEFAULTS:
        raise ConditionError(
            f"There is no adaptation {name!r}.{did_you_mean(name, DEFAULTS)} There are {', '.join(DEFAULTS)}."
        )
    defaults = DEFAULTS[name]
    unknown = sorted(set(given) - set(defaults) - set(FACTS))
    if unknown:
        raise ConditionError(
            f"The adaptation {name} has no setting {', '.join(map(repr, unknown))}; it has {', '.join(defaults)}."
        )
    settings = {**defaults, **given}
    problems = [
        f"`{key}` must be {what}, got {settings[key]!r:.80}"
        for key, (what, fits) in _ALLOWED.items()
        if key in settings and not fits(settings[key])
    ]
    if name in OF_ONE_PICTURE and settings["reset"] in RESETS[1:]:
        problems.append(f"`reset` must be picture, for {name} is of one picture, got {settings['reset']!r:.80}")
    if problems:
        raise ConditionError(f"The adaptation {name} cannot be done so: {'; '.join(problems)}.")
    return settings


def _number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)


_ALLOWED: dict[str, tuple[str, Any]] = {
    "prior": ("a finite number from 0 on", lambda value: _number(value) and value >= 0),
    "lr": ("a number above 0", lambda value: _number(value) and value > 0),
    "steps": ("a whole number from 1 on", lambda value: type(value) is int and value >= 1),
    "rho": ("a number from 0 on", lambda value: _number(value) and value >= 0),
    "margin": ("a share of ln C, above 0, at most 1", lambda value: _number(value) and 0 < value <= 1),
    "collapsed": ("a share of ln C, from 0 to 1", lambda value: _number(value) and 0 <= value <= 1),
    "skip": (
        "a list of names of modules",
        lambda value: isinstance(value, (list, tuple)) and all(isinstance(one, str) and one for one in value),
    ),
    "decay": ("a share from 0 to 1", lambda value: _number(value) and 0 <= value <= 1),
    "restore": ("a probability from 0 to 1", lambda value: _number(value) and 0 <= value <= 1),
    "threshold": ("a confidence from 0 to 1", lambda value: _number(value) and 0 <= value <= 1),
    "scales": (
        f"a list of different numbers above 0, at most {MOST_SCALE}",
        lambda value: (
            isinstance(value, (list, tuple))
            and len(value) > 0
            and all(_number(one) and 0 < one <= MOST_SCALE for one in value)
            and len(set(value)) == len(value)
        ),
    ),
    "flip": ("true or false", lambda value: isinstance(value, bool)),
    "copies": ("a whole number from 1 on", lambda value: type(value) is int and value >= 1),
    "severity": ("a number from 0.1 to 10", lambda value: _number(value) and 0.1 <= value <= 10),
    "optimizer": (f"one of {', '.join(OPTIMIZERS)}", lambda value: value in OPTIMIZERS),
    "reset": (f"one of {', '.join(RESETS)}", lambda value: value in RESETS),
}


def is_continual(condition: Condition) -> bool:
    """Whether what the model has become goes on from cell to cell."""
    return condition.settings.get("reset") == "never"


def passes_of_adaptation(condition: Condition) -> float:
    """Forward passes of a batch, at most: a gradient is two more, and a view counts by its pixels.

    SAR takes two gradients and a pass to predict.

    >>> passes_of_adaptation(Condition("adaptation", "memo", settings={"steps": 1, "copies": 8}))
    33.0
    """
    settings = condition.settings
    if condition.name == "cotta":
        asked = settings["threshold"] > 0  # the trained model, which says whether the views are looked at
        return 4.0 + (1.0 + _more_views(settings)[1] if asked else 0.0)
    if condition.name == "memo":
        return 1.0 + 4.0 * settings["steps"] * settings["copies"]
    return {"bn": 1.0, "tent": 3.0 * settings.get("steps", 1), "sar": 6.0}.get(condition.name, 1.0)


def _more_views(settings: Mapping[str, Any]) -> tuple[int, float]:
    """How many views beside the plain one CoTTA's teacher looks at, and how many pictures their pixels make."""
    turns = 2 if settings["flip"] else 1
    scales = settings["scales"]
    plain = 1 in scales
    return turns * len(scales) - plain, turns * sum(scale**2 for scale in scales) - plain


def cost_of_adaptation(condition: Condition) -> str:
    """What a picture costs in words, of those that take many passes; empty of others.

    >>> cost_of_adaptation(Condition("adaptation", "memo", settings={"steps": 1, "copies": 8}))
    '17 forward and 8 backward passes a picture'
    """
    settings = condition.settings
    if condition.name == "memo":
        seen = settings["steps"] * settings["copies"]
        return f"{2 * seen + 1} forward and {seen} backward passes a picture"
    if condition.name != "cotta":
        return ""
    if settings["threshold"] == 0:
        return "2 forward and 1 backward passes a picture"
    views, pixels = _more_views(settings)
    return (
        f"3 forward and 1 backward passes a picture; where the trained model is less sure than "
        f"{settings['threshold']:g}, {views} forward passes more, of {pixels:.1f} times its pixels"
    )


def whole_adaptation(condition: Condition, batch_size: int, processes: int, cells: Sequence[Cell]) -> Condition:
    """The adaptation with the number of pictures in a batch, and the order in which they come.

    Within a cell pictures come in the order of the set. Where nothing is reset between cells the order of the cells
    counts too: it is told by a hash of their list.

    Raises:
        ConditionError: Pictures that are shared by several processes have no one order; the reset between pictures
            needs batches of one.
    """
    own = [str(cell.pictures) for cell in cells if cell.condition == condition]
    return with_order(condition, batch_size, processes, own)


def with_order(condition: Condition, batch_size: int, processes: int, cells: Sequence[str]) -> Condition:
    """The same, from the names of the cells that it is done in; see :func:`whole_adaptation`.

    Raises:
        ConditionError: As there.
    """
    reset = condition.settings["reset"]
    if reset == "picture" and batch_size != 1:
        raise ConditionError(
            f"{condition.name} with reset 'picture' goes back to the trained model before each picture, which needs "
            f"batches of one, got {batch_size}: judge with a batch size of 1 (--batch-size 1)."
        )
    if reset != "picture" and processes > 1:
        raise ConditionError(
            f"{condition.name} with reset {reset!r} depends on the order of the pictures, which {processes} processes "
            "share: judge in one process, or with reset 'picture'."
        )
    order = "set"
    if reset == "never":
        order = f"set, cells {hashlib.sha256('; '.join(cells).encode()).hexdigest()[:8]}"
    return condition.with_settings(batch=batch_size, order=order)
