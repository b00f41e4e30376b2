"""Adaptation to real weather: what a condition's setting ``adapt`` means. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.adaptation_settings import (
    cost_of_adaptation,
    is_continual,
    passes_of_adaptation,
    with_order,
)
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.weather_settings import ADAPT


def adaptation_of(condition: Condition) -> Condition | None:
    """The adaptation of a condition of real weather; None where the model stays as it is.

    >>> weather = Condition("weather", "fog", 1, {"set": "acdc", "adapt": {"name": "bn", "prior": 16}})
    >>> str(adaptation_of(weather))
    'bn (prior 16)'
    """
    given = condition.settings.get(ADAPT)
    if given is None:
        return None
    return Condition("adaptation", given["name"], None, {key: given[key] for key in given if key != "name"})


def unadapted(condition: Condition) -> Condition:
    """The same pictures for the model as it is."""
    return replace(condition, settings={key: value for key, value in condition.settings.items() if key != ADAPT})


def goes_on(condition: Condition) -> bool:
    """Whether what the model has become goes on from condition to condition."""
    adaptation = adaptation_of(condition)
    return adaptation is not None and is_continual(adaptation)


def passes_of_weather(condition: Condition) -> float:
    """Forward passes of a batch."""
    adaptation = adaptation_of(condition)
    return 1.0 if adaptation is None else passes_of_adaptation(adaptation)


def cost_of_weather(condition: Condition) -> str:
    """What a picture costs in words, where it is adapted to by many passes; empty elsewhere."""
    adaptation = adaptation_of(condition)
    return "" if adaptation is None else cost_of_adaptation(adaptation)


def whole_weather(condition: Condition, batch_size: int, processes: int, cells: Sequence[Cell]) -> Condition:
    """The condition, whose adaptation says what the run decides as well.

    Raises:
        ConditionError: As :func:`mmfan.evaluation.conditions.adaptation_settings.whole_adaptation`.
    """
    adaptation = adaptation_of(condition)
    if adaptation is None:
        return condition
    alike = (cell.condition for cell in cells if cell.condition is not None and cell.condition.kind == condition.kind)
    own = [one.name for one in alike if one.settings == condition.settings]
    whole = with_order(adaptation, batch_size, processes, own)
    return condition.with_settings(**{ADAPT: {"name": whole.name, **whole.settings}})
