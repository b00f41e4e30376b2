"""Regression gate for continuous integration: scores of models against what is expected of them.

What is expected stands in a JSON file; every number is a fraction::

    {
        "protocol": "kamann16",
        "metric": "mIoU",
        "tolerance": 0.005,
        "models": {
            "fan-t": {
                "clean": [0.61, 0.005],
                "retention": {"value": 0.70, "tolerance": 0.01},
                "corrupted": {"min": 0.42},
                "by_group": {"noise": 0.38},
                "by_corruption": {"fog": [0.5, 0.01]},
                "by_severity": {"1": 0.55},
                "scores": {"fog": {"3": [0.52, 0.01]}},
            }
        },
    }

A number is expected as ``[value, tolerance]``, as ``{"value": ..., "tolerance": ...}``, as ``{"min": ..., "max": ...}``
(one of them or both), or as the value alone, and then the file's own ``tolerance`` holds. A number differs if it is
farther from the value than the tolerance; what is not a number, or not there, differs always. ``models`` may also be
the list of models of a report written as JSON, so that an old report can be what is expected. ``protocol`` is a name,
or a description as a record has it: of a protocol of one's own, and of the cells of an unfinished run under
``recorded``, the name alone does not say which cells the numbers were made of.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmfan.corruptions.cell import listed
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import ModelReport, Run
from mmfan.evaluation.report.report import check_metric, summarize_run
from mmfan.evaluation.results.recorded_protocol import described_protocol, protocol_entry
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.summary import Summary
from mmfan.utils.files import write_whole
from mmfan.utils.json_files import parse_json

# the parts of a summary that can be expected: how many keys lead from each to a number
PARTS = {
    "clean": 0, "corrupted": 0, "retention": 0, "corrupted_by_groups": 0, "retention_by_groups": 0,
    "drop_per_severity": 0, "by_group": 1, "by_corruption": 1, "retention_by_corruption": 1, "by_severity": 1,
    "scores": 2,
}  # fmt: skip
WRITTEN = ("clean", "corrupted", "retention", "by_group", "by_corruption", "by_severity")
# a difference of rounding is none
SLACK = 1e-12


class ExpectationError(MMFanError):
    """A file of expected values cannot be read or does not say what is expected."""


@dataclass(frozen=True)
class Expected:
    """The bounds of one number, both included.

    Attributes:
        path: Where in the summary: ``("by_corruption", "fog")``.
        low: The least.
        high: The most.
        said: The expectation in words.
    """

    path: tuple[str, ...]
    low: float
    high: float
    said: str


@dataclass(frozen=True)
class Expectations:
    """What a file expects.

    Attributes:
        protocol: Its protocol; None if it does not say.
        metric: Its metric; None if it does not say.
        models: Model -> its numbers.
        described: The protocol with the cells that the numbers were made of; None if the file has a name alone.
    """

    protocol: str | None
    metric: str | None
    models: dict[str, tuple[Expected, ...]]
    described: Protocol | None = None


def read_expectations(path: str | Path, tolerance: float | None = None) -> Expectations:
    """Read a file of expected values.

    Args:
        path: The JSON file.
        tolerance: For numbers without one of their own; the file's ``tolerance`` if None.

    Raises:
        ExpectationError: It is not of the form above; the message names the place.
        OSError: It cannot be read.
    """
    try:
        content = parse_json(Path(path).read_bytes())
    except ValueError as error:  # not JSON, or not UTF-8
        raise ExpectationError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(content, dict) or not isinstance(content.get("models"), (dict, list)) or not content["models"]:
        raise ExpectationError(f'{path}: expected {{"protocol": ..., "metric": ..., "models": {{name: numbers}}}}.')
    default = content.get("tolerance") if tolerance is None else tolerance
    if default is not None and not is_tolerance(default):
        raise ExpectationError(f"{path}: expected a tolerance from 0 on, got {default!r}.")
    described = _described(path, content)
    name = described.name if described else content.get("protocol")
    for key, said in (("protocol", name), ("metric", content.get("metric"))):
        if not isinstance(said, (str, type(None))):
            raise ExpectationError(f"{path}: `{key}` must be a name, got {said!r}.")
    named = content["models"]
    if isinstance(named, list):
        named = _by_name(path, named)
    elif unknown := sorted(set(content) - {"protocol", "metric", "tolerance", "models"}):
        raise ExpectationError(f"{path}: there is no {', '.join(map(repr, unknown))} in a file of expected values.")
    models = {name: expected_numbers(f"{path}: {name}", numbers, default) for name, numbers in named.items()}
    return Expectations(name, content.get("metric"), models, described)


def _described(path: str | Path, content: Mapping[str, Any]) -> Protocol | None:
    """The protocol whose cells a file spells out; None where it has a name, or nothing."""
    said = content.get("protocol")
    if not isinstance(said, dict):
        return None
    try:
        return described_protocol(said)
    except (MMFanError, KeyError, TypeError, AttributeError) as error:
        raise ExpectationError(f"{path}: `protocol` describes none ({error}).") from error


def expected_numbers(where: str, numbers: Any, tolerance: float | None) -> tuple[Expected, ...]:
    """What is expected of one model, from a table of the form above.

    Args:
        where: The place, for messages.
        numbers: Part of a summary -> what is expected of it.
        tolerance: For numbers without one of their own; None: there must be none.

    Raises:
        ExpectationError: It is not of that form.
    """
    return tuple(_walk(where, (), numbers, tolerance))


def _by_name(path: str | Path, models: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """The models of a report, with what can be expected of them."""
    if not all(isinstance(model, dict) and isinstance(model.get("name"), str) for model in models):
        raise ExpectationError(f"{path}: expected a `name` in each of the listed models, as in a report.")
    return {
        model["name"]: {key: value for key, value in model.items() if key in PARTS and value is not None}
        for model in models
    }


def _walk(where: str, keys: tuple[str, ...], value: Any, default: float | None) -> Iterator[Expected]:
    """The numbers below some keys of a model: the whole model below none."""
    place = f"{where}, {'.'.join(keys)}" if keys else where
    if keys and keys[0] not in PARTS:
        raise ExpectationError(f"{place}: nothing that can be expected; there are {', '.join(PARTS)}.")
    if keys and len(keys) > PARTS[keys[0]]:
        low, high, said = _bounds(place, value, default)
        yield Expected(keys, low, high, said)
        return
    if not isinstance(value, dict) or not (value or keys):
        raise ExpectationError(f"{place}: expected a dict of numbers, got {value!r:.80}.")
    for key, item in value.items():
        yield from _walk(where, (*keys, key), item, default)


def _bounds(place: str, value: Any, default: float | None) -> tuple[float, float, str]:
    """The least and the most of a number that is expected in any of the forms, and the two in words."""
    if isinstance(value, dict) and value and set(value) <= {"min", "max"}:
        low, high = value.get("min", -math.inf), value.get("max", math.inf)
        if not _is_number(low) or not _is_number(high) or low > high:
            raise ExpectationError(f"{place}: expected numbers with min <= max, got {value!r}.")
        words = (("min", "at least"), ("max", "at most"))
        return low, high, " and ".join(f"{bound} {value[key]:.6g}" for key, bound in words if key in value)
    pair = value if isinstance(value, list) else [value, default]
    if isinstance(value, dict) and "value" in value and set(value) <= {"value", "tolerance"}:
        pair = [value["value"], value.get("tolerance", default)]
    if len(pair) != 2 or not _is_number(pair[0]) or math.isinf(pair[0]):
        raise ExpectationError(
            f"{place}: expected a number, [value, tolerance], {{'value', 'tolerance'}} or {{'min', 'max'}}, got "
            f"{value!r}."
        )
    middle, tolerance = pair
    if tolerance is None:
        raise ExpectationError(
            f"{place}: {middle} has no tolerance; write [{middle}, 0.005], give the file a `tolerance`, or pass "
            "--tolerance."
        )
    if not is_tolerance(tolerance):
        raise ExpectationError(f"{place}: expected a tolerance from 0 on, got {tolerance!r}.")
    return middle - tolerance - SLACK, middle + tolerance + SLACK, f"{middle:.6g} +- {tolerance:.6g}"


def _is_number(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= 1e300 or value in (math.inf, -math.inf)  # of whole numbers some are more than a float holds


def is_tolerance(value: Any) -> bool:
    """Whether a number can be a tolerance: finite, from 0 on."""
    return _is_number(value) and 0 <= value < math.inf


def differences(runs: Sequence[Run], protocol: Protocol, metric: str, expected: Expectations) -> list[str]:
    """Every way in which the runs are not as expected, one line each; none means that the gate is passed.

    A model that cannot be summarised (a missing cell, a score that is not a number) is a difference, not an error. A
    protocol of other cells than those that the expectations say they were made of is the only difference that is told.

    Raises:
        mmfan.evaluation.report.report.ReportError: No record has the metric.
    """
    check_metric(runs, metric)
    if found := _other_cells(protocol, expected):
        return found
    named = {run.name: run for run in runs}
    for name, numbers in expected.models.items():
        if name not in named:
            found.append(f"{name}: not in the results, which have {', '.join(named)}")
            continue
        try:
            summary = summarize_run(named[name], protocol, metric)
        except SummaryError as error:
            found.append(f"{name}: {error}")
            continue
        found += not_as_expected(name, summary, numbers)
    return found


def _other_cells(protocol: Protocol, expected: Expectations) -> list[str]:
    """What tells the cells of a protocol from those that the expected numbers are of: means over others differ."""
    if expected.described is None:
        return []
    wanted, there = set(expected.described.cells), set(protocol.cells)
    told = (("lacks", wanted - there), ("has more than", there - wanted))
    return [
        f"the protocol {protocol.name!r} {words} the cells that the expected numbers are of: {listed(sorted(cells))}"
        for words, cells in told
        if cells
    ]


def not_as_expected(name: str, summary: Summary, numbers: Sequence[Expected]) -> list[str]:
    """Every number of a summary that is not as expected, a line each that begins with the name of the model."""
    plain = summary.to_dict()
    return [line for number in numbers if (line := _difference(name, plain, number))]


def _difference(name: str, summary: dict[str, Any], number: Expected) -> str | None:
    value: Any = summary
    where = f"{name}: {'.'.join(number.path)}"
    for key in number.path:
        if not isinstance(value, Mapping) or key not in value:
            return f"{where} is not there, expected {number.said}"
        value = value[key]
    if value is None:
        return f"{where} is not a number, expected {number.said}"
    if number.low <= value <= number.high:
        return None
    away = value - number.high if value > number.high else value - number.low
    return f"{where} is {value:.6g}, expected {number.said} ({away:+.6f} beyond)"


def write_expectations(
    path: str | Path, models: Sequence[ModelReport], tolerance: float, protocol: Protocol | None = None
) -> None:
    """Write what is now as what is expected from now on; the file is whole or not there.

    Args:
        path: The JSON file.
        models: At least one, without missing cells.
        tolerance: For every number, from 0 on.
        protocol: That of the report, whose cells the file spells out unless it is one of
            :data:`mmfan.evaluation.protocol.PROTOCOLS`; None: the file has its name alone, and cells that are missing
            from a later run are not seen where the name means the cells that are there.

    Raises:
        ExpectationError: There is no model, one is partial, or the tolerance is none.
        OSError: The file cannot be written.
    """
    if not models:
        raise ExpectationError(
            "There is no model with a mean to expect: name a protocol of corruptions or weather (--protocol); attacks "
            "and changes of cues have scores at each strength alone."
        )
    if not is_tolerance(tolerance):
        raise ExpectationError(f"Expected a tolerance from 0 on, got {tolerance!r}.")
    partial = [model.name for model in models if model.summary.partial]
    if partial:
        raise ExpectationError(
            f"Expected all cells of the protocol before their scores are expected: {', '.join(partial)}."
        )
    summaries = {model.name: model.summary.to_dict() for model in models}
    content = {
        "protocol": protocol_entry(protocol) if protocol else models[0].summary.protocol,
        "metric": models[0].summary.metric,
        "models": {name: {key: _with(plain[key], tolerance) for key in WRITTEN} for name, plain in summaries.items()},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False)
    # a number and its tolerance on one line, as the severities of a type
    text = re.sub(r"\[\n[^\[\]{}]*\]", lambda found: "[" + re.sub(r"\n\s*", " ", found[0][1:-1]).strip() + "]", text)
    write_whole(Path(path), (text + "\n").encode())


def _with(value: Any, tolerance: float) -> Any:
    """Numbers with their tolerance, in the same tables."""
    if isinstance(value, dict):
        return {key: _with(item, tolerance) for key, item in value.items()}
    return [value, tolerance]
