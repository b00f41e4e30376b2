"""Rows of the table of evidence as lines of a CSV file: what is kept of them, and read again.

A results file of a row has 150 KB, its line 400 bytes: enough for the table, and to look up a type of corruption.
Scores are fractions of five digits.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from mmfan.benchmark.robust.arms import ARMS
from mmfan.benchmark.robust.rows import TYPES
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted

KEPT = "rows.csv"
HEAD = ("arm", "seed", "protocol", "dataset", "limit", "pictures", "metric", "seen", "ECE", "clean", *TYPES)
NOTHING = "none"  # a training that shows no type; an empty field is one whose records do not tell


class Judged(NamedTuple):
    """What a row was judged on, and by what; rows that differ here cannot be compared.

    Attributes:
        protocol: Its name.
        dataset: Name of the data set.
        limit: Number of pictures; None for all.
        pictures: Which they were, as the results file has it; None where it does not tell.
        metric: What the scores are.
    """

    protocol: str
    dataset: str
    limit: int | None
    pictures: str | None
    metric: str

    def __str__(self) -> str:
        pictures = "all pictures" if self.limit is None else counted(self.limit, "picture")
        return f"{self.protocol}, {pictures} of {self.dataset}; scores are {self.metric} in %"


class Row(NamedTuple):
    """What one training came to, as fractions.

    Attributes:
        arm: Name of its arm.
        seed: Of the training.
        judged: On what, and by what.
        clean: Score on the clean pictures, above 0.
        by_type: Type of kamann16 -> score, mean over the severities.
        bar: Type of C-bar -> score; empty where they were not judged.
        seen: The types that the training showed; None where its records do not tell.
        ece: Mean over the types of kamann16; None where it was not judged.
    """

    arm: str
    seed: int
    judged: Judged
    clean: float
    by_type: Mapping[str, float]
    bar: Mapping[str, float]
    seen: frozenset[str] | None
    ece: float | None

    @property
    def corrupted(self) -> float:
        """Mean over the types of kamann16."""
        return fmean(self.by_type.values())

    @property
    def retention(self) -> float:
        """The score under corruption by the clean one."""
        return self.corrupted / self.clean

    def retention_over(self, types: Set[str]) -> float | None:
        """Retention over some types; None over none, or where one was not judged."""
        known = {**self.by_type, **self.bar}
        if not types <= known.keys():
            return None
        scores = [known[name] for name in types]
        return fmean(scores) / self.clean if scores else None


def write_kept(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as lines, in the order of the arms and their seeds; the file is whole or as it was."""
    order = list(ARMS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for row in sorted(rows, key=lambda row: (order.index(row.arm), row.seed)):
        own, scores = row.judged, {**row.by_type, **row.bar}
        seen = "" if row.seen is None else " ".join(sorted(row.seen)) or NOTHING
        writer.writerow([
            *(row.arm, row.seed, own.protocol, own.dataset, _text(own.limit), _text(own.pictures), own.metric, seen),
            *(_number(row.ece), _number(row.clean), *(_number(scores.get(name)) for name in TYPES)),
        ])  # fmt: skip
    write_whole(path, text.getvalue().encode())


def read_kept(path: Path) -> list[Row]:
    """Read the rows again; there are none where there is no file.

    Raises:
        MMFanError: The file is damaged.
    """
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    if not lines or tuple(lines[0]) != HEAD:
        raise MMFanError(f"{path} does not begin with the names of the columns, {','.join(HEAD[:4])},...: restore it.")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        try:
            rows.append(_row(dict(zip(HEAD, line, strict=True))))
        except ValueError as error:
            raise MMFanError(f"Line {number} of {path} is no row ({error}): restore it.") from error
    return rows


def _row(line: Mapping[str, str]) -> Row:
    scores = {name: float(line[name]) for name in TYPES if line[name]}
    by_type = {name: score for name, score in scores.items() if name not in CBAR}
    clean = float(line["clean"])
    if line["arm"] not in ARMS or not clean > 0 or not by_type:
        raise ValueError(f"arm {line['arm']!r}, clean score {clean}, scores of {counted(len(by_type), 'type')}")
    seen = None if not line["seen"] else frozenset(line["seen"].split()) - {NOTHING}
    limit = int(line["limit"]) if line["limit"] else None
    return Row(
        arm=line["arm"],
        seed=int(line["seed"]),
        judged=Judged(line["protocol"], line["dataset"], limit, line["pictures"] or None, line["metric"]),
        clean=clean,
        by_type=by_type,
        bar={name: score for name, score in scores.items() if name in CBAR},
        seen=seen,
        ece=float(line["ECE"]) if line["ECE"] else None,
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"
