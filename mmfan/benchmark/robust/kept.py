"""Rows of the table of evidence as lines of a CSV file: what is kept of them, and read again.

A results file of a row has 150 KB, its line 400 bytes: enough for the table, and to look up a type of corruption.
Scores are fractions of five digits.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from mmfan.benchmark.robust.arms import ARMS
from mmfan.benchmark.robust.rows import TYPES
from mmfan.corruptions import BUILT_IN, CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.cue_settings import SWAPS
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted

KEPT = "rows.csv"
HEAD = ("arm", "seed", "protocol", "dataset", "limit", "pictures", "metric", "seen", "ECE", "clean", *TYPES)
SHOWABLE = frozenset((*BUILT_IN, *SWAPS))  # what a training may show of the tests: corruptions, and swapped textures
DIGITS = 5  # of a score
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
        MMFanError: The file is damaged: a line is no row, or that of a training that another line has.
    """
    if not path.is_file():
        return []
    lines = _lines(path)
    if not lines or tuple(lines[0][1]) != HEAD:
        raise MMFanError(f"{path} does not begin with the names of the columns, {','.join(HEAD[:4])},...: restore it.")
    rows: dict[tuple[str, int], tuple[int, Row]] = {}
    for number, line in lines[1:]:
        try:
            row = _row(dict(zip(HEAD, line, strict=True)))
        except ValueError as error:
            raise MMFanError(f"Line {number} of {path} is no row ({error}): restore it.") from error
        first, _ = rows.setdefault((row.arm, row.seed), (number, row))
        if first != number:
            raise MMFanError(
                f"Lines {first} and {number} of {path} are both of {row.arm} with seed {row.seed}: remove one of them."
            )
    return [row for _, row in rows.values()]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file with the number of each."""
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise MMFanError(f"Line {number} of {path} is no text in UTF-8 ({error.reason}): restore it.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, line) for line in reader]
    except csv.Error as error:
        raise MMFanError(f"Line {reader.line_num} of {path} is no line of CSV ({error}): restore it.") from error


def _row(line: Mapping[str, str]) -> Row:
    """The row of a line; a ValueError says what is wrong with it."""
    if line["arm"] not in ARMS:
        raise ValueError(f"there is no arm {line['arm']!r}")
    clean = _share(line, "clean")
    if not clean:
        raise ValueError(f"expected a clean score above 0, got {clean}")
    scores = {name: _share(line, name) for name in TYPES if line[name]}
    missing = [name for name in TYPES if name not in scores]
    if missing and missing != [name for name in TYPES if name in CBAR]:
        raise ValueError(f"expected scores of all types, or of all but those of C-bar, got none of {missing[0]}")
    return Row(
        arm=line["arm"],
        seed=_whole(line, "seed", 0),
        judged=Judged(
            protocol=line["protocol"],
            dataset=line["dataset"],
            limit=_whole(line, "limit", 1) if line["limit"] else None,
            pictures=line["pictures"] or None,
            metric=line["metric"],
        ),
        clean=clean,
        by_type={name: score for name, score in scores.items() if name not in CBAR},
        bar={name: score for name, score in scores.items() if name in CBAR},
        seen=_seen(line["seen"]),
        ece=_share(line, "ECE") if line["ECE"] else None,
    )


def _share(line: Mapping[str, str], name: str) -> float:
    try:
        value = float(line[name])
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ValueError(f"expected {name} to be a number from 0 to 1, got {line[name]!r:.40}")
    return value


def _whole(line: Mapping[str, str], name: str, least: int) -> int:
    text = line[name]
    # of longer numbers Python itself may refuse to read the digits
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) >= least):
        raise ValueError(f"expected {name} to be a whole number of at least {least}, got {text!r:.40}")
    return int(text)


def _seen(text: str) -> frozenset[str] | None:
    if text in ("", NOTHING):
        return frozenset() if text else None
    names = text.split(" ")
    unknown = [name for name in names if name not in SHOWABLE]
    if unknown:
        raise ValueError(f"expected names of corruptions as seen, got {unknown[0]!r:.40}")
    return frozenset(names)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.{DIGITS}f}"
