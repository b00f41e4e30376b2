"""Card of one run: what was judged, how, and what came out, to be shared and to be checked by others.

A card is a JSON file. It spells out the cells of its protocol, so that it means the same wherever it is read, and it
holds nothing that depends on the machine's speed. Scores are fractions, unrounded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import Run
from mmfan.evaluation.report.gate import PARTS, Expectations, differences, expected_numbers, is_tolerance
from mmfan.evaluation.report.report import summarize_run
from mmfan.evaluation.results.record import RUN_HASHES, Record
from mmfan.evaluation.results.recorded_protocol import described_protocol, protocol_description
from mmfan.utils.files import write_whole
from mmfan.utils.json_files import read_json

VERSION = 1
# half of what a table with one digit shows: what a run on another machine may be away by rounding
TOLERANCE = 0.0005
# entries of a record -> fields of a run's key, which a card states and a check compares
IDENTITY = {
    "dataset": "dataset", "seed": "seed", "pictures": "pictures", "checkpoint_hash": "checkpoint_hash",
    "config_hash": "config_hash", **dict(zip(RUN_HASHES, ("contents", "truth", "metric", "precision"), strict=True)),
}  # fmt: skip
_CURE = "Write one with `mmfan report RESULTS --card FILE`."


class CardError(MMFanError):
    """A file that is no card, or a run that none can be written of."""


@dataclass(frozen=True)
class Card:
    """What a card says.

    Attributes:
        model: The name of the model, for people.
        metric: Which metric.
        protocol: Its cells and groups.
        run: Entry of a record -> what it was: data set, seed, pictures, hashes, precision; None where not known.
        scores: The numbers, by the names of a summary.
        versions: Package -> its version.
    """

    model: str
    metric: str
    protocol: Protocol
    run: dict[str, Any]
    scores: dict[str, Any]
    versions: dict[str, str]


def card_of(run: Run, protocol: Protocol, metric: str) -> dict[str, Any]:
    """The card of a run in the types of JSON.

    Raises:
        mmfan.evaluation.summary.selection.SummaryError: Cells are missing, or their scores are no numbers.
    """
    plain = summarize_run(run, protocol, metric).to_dict()
    return {
        "mmfan_card": VERSION,
        "model": run.key.model,
        "metric": metric,
        "unit": "fraction",
        "protocol": {**protocol_description(protocol), "averaging": protocol.averaging},
        "run": {entry: getattr(run.key, field) for entry, field in IDENTITY.items()},
        "source": _said(run.records, "source"),
        "classes": plain["classes"],
        "scores": {part: plain[part] for part in PARTS},
        "worst": {"type": plain["worst_type"], "cell": plain["worst"]},
        "versions": _versions(run.records),
    }


def write_card(path: str | Path, run: Run, protocol: Protocol, metric: str) -> None:
    """Write the card of a run; the file is whole or not there.

    Raises:
        mmfan.evaluation.summary.selection.SummaryError: As :func:`card_of`.
        OSError: The file cannot be written.
    """
    text = json.dumps(card_of(run, protocol, metric), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(Path(path), (text + "\n").encode())


def read_card(path: str | Path) -> Card:
    """Read a card.

    Raises:
        CardError: The file is none, or one of a later version; the message says what is wrong.
        OSError: It cannot be read.
    """
    content = read_json(path, "a results card", _CURE, CardError)
    if not isinstance(content, dict) or "mmfan_card" not in content:
        raise CardError(f"{path} is no results card: it has no `mmfan_card`. {_CURE}")
    if content["mmfan_card"] != VERSION:
        raise CardError(
            f"{path} is a results card of version {content['mmfan_card']!r:.80}; this mmfan reads version {VERSION}."
        )
    kinds = {"model": str, "metric": str, "protocol": dict, "run": dict, "scores": dict}
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind) or not content[key]:
            what = "a text" if kind is str else "a table"
            raise CardError(f"{path}: `{key}` must be {what} that is not empty, got {content.get(key)!r:.80}.")
    unknown = sorted(set(content["run"]) - set(IDENTITY))
    if unknown:
        raise CardError(
            f"{path}: there is no {', '.join(unknown)} in the `run` of a card; there are {', '.join(IDENTITY)}."
        )
    try:
        protocol = described_protocol(content["protocol"])
    except (MMFanError, KeyError, TypeError, AttributeError) as error:
        raise CardError(f"{path}: `protocol` describes none ({error}).") from error
    scores = {part: value for part, value in content["scores"].items() if value is not None}
    if "corrupted" not in scores:
        raise CardError(f"{path}: the scores of a card have at least `corrupted`, got {', '.join(scores) or 'none'}.")
    versions = content.get("versions")
    return Card(
        model=content["model"],
        metric=content["metric"],
        protocol=protocol,
        run={entry: content["run"].get(entry) for entry in IDENTITY},
        scores=scores,
        versions=versions if isinstance(versions, dict) else {},
    )


def differences_from_card(run: Run, card: Card, path: str | Path, tolerance: float = TOLERANCE) -> list[str]:
    """Every way in which a run is not what a card says, a line each: data set, seed, hashes, then scores.

    What the card does not state is not compared, nor are names of models and versions of packages.

    Args:
        run: One's own.
        card: From :func:`read_card`.
        path: Of the card, for messages.
        tolerance: How far a score may be away, a fraction.

    Raises:
        CardError: The tolerance is none.
        mmfan.evaluation.report.gate.ExpectationError: The card's scores are no numbers.
        mmfan.evaluation.report.contents.ReportError: The run has not the metric.
    """
    if not is_tolerance(tolerance):
        raise CardError(f"Expected a tolerance from 0 on, got {tolerance!r}.")
    found = []
    for entry, stated in card.run.items():
        own = getattr(run.key, IDENTITY[entry])
        if stated is not None and own != stated:
            found.append(f"{entry} is {'not stated' if own is None else own}, the card has {stated}")
    numbers = expected_numbers(f"{path}: scores", card.scores, tolerance)
    wanted = Expectations(card.protocol.name, card.metric, {run.name: numbers})
    return found + differences([run], card.protocol, card.metric, wanted)


def other_versions(run: Run, card: Card) -> list[str]:
    """Where versions of packages are not those of the card: no difference by itself, but a reason for some."""
    own = _versions(run.records)
    return [
        f"{name} is {own.get(name, 'not stated')}, the card has {version}"
        for name, version in card.versions.items()
        if own.get(name) != version
    ]


def _versions(records: Sequence[Record]) -> dict[str, str]:
    """Package -> its version; all of them where a run went on after an update."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for name, version in (record.get("versions") or {}).items():
            if name != "corruption":
                found.setdefault(str(name), {})[str(version)] = None
    return {name: ", ".join(versions) for name, versions in found.items()}


def _said(records: Sequence[Record], key: str) -> str | None:
    values = dict.fromkeys(str(record[key]) for record in records if record.get(key) is not None)
    return ", ".join(values) or None
