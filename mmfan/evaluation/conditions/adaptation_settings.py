"""Names and settings of adaptation at test time: the defaults, and what is allowed. Free of torch.

Sources of the defaults: BatchNorm statistics with a prior, Schneider et al., NeurIPS 2020 (arXiv 2006.16971), with N =
16 where there is one picture at a time; TENT, Wang et al., ICLR 2021 (arXiv 2006.10726); SAR, Niu et al., ICLR 2023
(arXiv 2302.12400).
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
DEFAULTS: dict[str, dict[str, Any]] = {
    "bn": {"prior": 16, "reset": "cell"},
    "tent": {"lr": 1e-3, "steps": 1, "reset": "cell"},
    "sar": {"lr": 5e-4, "rho": 0.05, "margin": MARGIN, "collapsed": COLLAPSED, "skip": [], "reset": "cell"},
}
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
    "reset": (f"one of {', '.join(RESETS)}", lambda value: value in RESETS),
}


def is_continual(condition: Condition) -> bool:
    """Whether what the model has become goes on from cell to cell."""
    return condition.settings.get("reset") == "never"


def passes_of_adaptation(condition: Condition) -> float:
    """Forward passes of a batch: a gradient is two more, and SAR takes two of them and a pass to predict."""
    return {"bn": 1.0, "tent": 3.0 * condition.settings.get("steps", 1), "sar": 6.0}.get(condition.name, 1.0)


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
