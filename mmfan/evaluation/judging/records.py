"""Record of a cell, and which records of a results file may be taken over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from mmfan.corruptions import corruption_names, get_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.results.store import RUN_HASHES, Record, RunKey, key_of
from mmfan.utils.text import counted
from mmfan.utils.versions import versions


def make_record(
    key: RunKey, cell: Cell, scores: CellScores, seconds: float, packages: Sequence[str], **more: Any
) -> Record:
    """The record of a cell, dated today (UTC); see :mod:`mmfan.evaluation.results.store`.

    Args:
        key: Whose record it is.
        cell: What was done to the pictures.
        scores: What came out.
        seconds: How long it took.
        packages: Modules whose versions the record states.
        **more: What else is known.
    """
    record: Record = {
        "model": key.model,
        "dataset": key.dataset,
        **cell.described(),
        "metrics": scores.metrics,
        "config_hash": key.config_hash,
        "checkpoint_hash": key.checkpoint_hash,
        "seed": key.seed,
        "pictures": key.pictures,
        **dict(zip(RUN_HASHES, (key.contents, key.truth, key.metric, key.precision), strict=True)),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "seconds": round(seconds, 3),
        "versions": versions_of(cell, packages),
        **more,
    }
    if scores.classes:
        record["classes"] = list(scores.classes)
    if scores.per_class:
        record["per_class"] = scores.per_class
    if scores.note:
        record["note"] = scores.note
    if scores.calibration is not None:
        record["calibration"] = scores.calibration.to_record()
    if scores.flips is not None:
        record["flips"] = scores.flips._asdict()
    return record


def versions_of(cell: Cell, packages: Sequence[str]) -> dict[str, str]:
    """What the score of a cell was made with: versions of modules, and that of its corruption."""
    version = _version_of(cell)
    return versions(*packages) | ({} if version is None else {"corruption": version})


def _version_of(cell: Cell) -> str | None:
    """The version of a cell's corruption; None for cells that are made otherwise, as analyses make them."""
    name = cell.pictures.corruption
    known = cell.pictures != CLEAN and name in corruption_names()
    return get_corruption(name).version if known else None


def check_corruption_versions(records: Sequence[Record], where: str) -> None:
    """See that corrupted cells to be taken over were corrupted as this version does it.

    Raises:
        MMFanError: Some were not; the message names them.
    """
    differing = []
    for record in records:
        cell = key_of(record)[1]
        made_with, now = record.get("versions", {}).get("corruption"), _version_of(cell)
        if made_with is not None and now is not None and made_with != now:
            differing.append(f"{cell} (version {made_with}, now {now})")
    if differing:
        raise MMFanError(
            f"{where} holds cells of this model whose corruption has changed since: {', '.join(differing[:5])}. Take a "
            "new results file, or remove those lines."
        )


# What tells runs of one model apart that names do not, and how it is said.
_CHANGED = {
    "contents": "pictures of the same names and other contents",
    "truth": "other labels",
    "metric": "other settings of the metric, or other classes",
    "precision": "another precision",
}


def other_runs(records: Sequence[Record], key: RunKey, cells: Iterable[Cell]) -> str:
    """What a results file has of this model on these pictures that was measured otherwise, in words.

    Args:
        records: Those of the file.
        key: The run that goes on.
        cells: The cells wanted.

    Returns:
        One sentence; empty where there is nothing of the kind. Such records are not taken over.
    """
    wanted = set(cells)
    reasons: Counter[str] = Counter()
    for record in records:
        other, cell = key_of(record)
        named = other._replace(**{name: getattr(key, name) for name in _CHANGED})
        if cell not in wanted or named != key or other == key:
            continue
        reasons[
            "nothing that says which pictures and labels they are of (written before 0.2.0)"
            if other.unchecked
            else " and ".join(text for name, text in _CHANGED.items() if getattr(other, name) != getattr(key, name))
        ] += 1
    return "; ".join(f"{counted(count, 'cell')} with {reason}" for reason, count in reasons.items())
