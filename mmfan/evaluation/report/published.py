"""Published scores, to stand beside one's own: each with its source and, where it is stated, protocol.

The figures are in ``published.json``, in percent as they are printed. A retention can only be compared with one of the
same protocol; where a paper does not state its own, ``protocol`` is None and ``note`` says what is known. A score that
the source does not give is None. ``quoted`` marks figures that others than the model's authors give, or that were read
at second hand. What is to be said of all rows of a source stands once, under ``notes``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.summary.averages import average_types
from mmfan.utils.text import counted, did_you_mean

FILE = "published.json"


@dataclass(frozen=True)
class PublishedRow:
    """One model in the literature; scores and ratios are fractions.

    Attributes:
        name: The model.
        dataset: ``cityscapes``, ``coco`` or ``imagenet``.
        metric: ``mIoU``, ``bbox_mAP``, ``segm_mAP`` or ``top1``.
        params_m: Parameters of the model or its encoder, in millions; None if not known.
        clean: Its score on the clean pictures; None if it is not known.
        corrupted: The mean over the types where they are known, else as printed; None if it is not.
        retention: ``corrupted / clean`` where both are known, else as printed; None if it is not.
        printed_corrupted: As printed; None if only the types are.
        printed_retention: As printed; None if it is not.
        by_group: Group of the protocol -> mean over its types; empty if the types are not known.
        by_corruption: Type -> score; empty if not known.
        protocol: The name of the protocol; None if the source does not state it.
        source: The publication and its table.
        note: What one has to know to compare the row; empty if nothing.
        quoted: Whose figures they are where the source quotes them, or where we do; empty if they are its own.
        more: Other scores of a classifier: ``mCE``, and accuracies on other sets under their names, ``imagenet-a``.
    """

    name: str
    dataset: str
    metric: str
    params_m: float | None
    clean: float | None
    corrupted: float | None
    retention: float | None
    printed_corrupted: float | None
    printed_retention: float | None
    by_group: dict[str, float]
    by_corruption: dict[str, float]
    protocol: str | None
    source: str
    note: str
    quoted: str = ""
    more: dict[str, float] = field(default_factory=dict)

    @property
    def cells(self) -> int | None:
        """The number of cells of the protocol; None if it is not stated."""
        return None if self.protocol is None else PROTOCOLS[self.protocol].size

    @property
    def label(self) -> str:
        """The protocol and the number of cells, to stand beside every number."""
        cells = self.cells
        return "protocol not stated" if cells is None else f"{self.protocol}, {counted(cells, 'cell')}"

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON, under the names that a summary has."""
        return {**vars(self), "cells": self.cells, "label": self.label, "published": True}


def published_rows(
    names: Iterable[str] | None = None, *, dataset: str | None = None, metric: str | None = None
) -> tuple[PublishedRow, ...]:
    """The published rows, in the order of the file.

    Args:
        names: The models wanted; all by default. Case does not matter.
        dataset: Only rows of this data set.
        metric: Only rows of this metric.

    Raises:
        MMFanError: There is no row of one of these names, data set and metric; the message suggests the nearest.
    """
    rows = [row for row in _all_rows() if dataset in (None, row.dataset) and metric in (None, row.metric)]
    if names is None:
        return tuple(rows)
    there = {row.name.lower(): row.name for row in rows}
    asked = [name.lower() for name in names]
    for name in asked:
        if name not in there:
            meant = did_you_mean(name, there.values(), 0.4)
            which = "".join(f" {part}" for part in (dataset, metric) if part)
            raise MMFanError(f"No published{which} row of {name!r}.{meant} There are {', '.join(there.values())}.")
    return tuple(row for row in rows if row.name.lower() in asked)


@cache
def _all_rows() -> tuple[PublishedRow, ...]:
    content = json.loads(files("mmfan.evaluation.report").joinpath(FILE).read_text(encoding="utf-8"))
    common = {(one["dataset"], one["source"]): one["note"] for one in content["notes"]}
    return tuple(
        _row(**{**entry, "note": _joined(entry.get("note"), common.get((entry["dataset"], entry["source"])))})
        for entry in content["rows"]
    )


def _joined(*notes: str | None) -> str:
    return "; ".join(filter(None, notes))


def _row(
    *,
    model: str,
    dataset: str,
    metric: str,
    source: str,
    clean: float | None = None,
    corrupted: float | None = None,
    retention: float | None = None,
    params_m: float | None = None,
    by_corruption: dict[str, float] | None = None,
    protocol: str | None = None,
    note: str = "",
    quoted: str = "",
    more: dict[str, float] | None = None,
) -> PublishedRow:
    """A row of the file, from percentages to fractions."""
    types = {name: score / 100 for name, score in (by_corruption or {}).items()}
    averages = average_types(types, PROTOCOLS[protocol].groups) if types and protocol else None
    if averages is None and corrupted is None and retention is None and not more:
        raise MMFanError(
            f"{FILE}: the row of {model!r} has neither types, nor a corrupted score, nor a retention, nor more."
        )
    score = averages.over_types if averages else _fraction(corrupted)
    whole = _fraction(clean)
    return PublishedRow(
        name=model,
        dataset=dataset,
        metric=metric,
        params_m=params_m,
        clean=whole,
        corrupted=score,
        retention=_fraction(retention) if score is None or whole is None else score / whole,
        printed_corrupted=_fraction(corrupted),
        printed_retention=_fraction(retention),
        by_group=averages.by_group if averages else {},
        by_corruption=types,
        protocol=protocol,
        source=source,
        note=note,
        quoted=quoted,
        more={name: score / 100 for name, score in (more or {}).items()},
    )


def _fraction(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def same_dataset(published: str, own: str) -> bool:
    """Whether the data set of a published row is that of a record, which may say it in its own way.

    >>> same_dataset("cityscapes", "CityscapesDataset"), same_dataset("cityscapes", "mini_cityscapes")
    (True, False)
    """
    plain = own.rpartition(".")[2].lower().removesuffix("dataset").rstrip("_- ")
    return plain.removesuffix("_val") == published
