"""Rows of the table of evidence as lines of a CSV file: what is kept of them, and read again.

A results file of a row has 150 KB, its line 500 bytes: enough for the table, to look up a type of corruption, and to
tell which rows may stand beside it. Scores are fractions of five digits.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from mmfan.benchmark.robust.arms import ARMS
from mmfan.benchmark.robust.rows import TYPES, WHOLE, row_name
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.cue_settings import SHOWABLE
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted

KEPT = "rows.csv"
DIGITS = 5  # of a score
SCORE = re.compile(rf"0\.[0-9]{{{DIGITS}}}|1\.0{{{DIGITS}}}")
NOTHING = "none"  # a training that shows no type; an empty field is one whose records do not tell


class Judged(NamedTuple):
    """What a row is a training of, what it was judged on, and by what; rows that differ here cannot be compared.

    Beside the config it is what decides the scores of a run, :class:`mmfan.evaluation.results.RunKey`, but for the
    weights and the name. A part of that is None where the records do not tell it.

    Attributes:
        config: Name of the config that was trained.
        protocol: Its name.
        dataset: Name of the data set.
        limit: Number of pictures; None for all.
        pictures: Which they were, as the results file has it.
        metric: What the scores are.
        config_hash: Of what affects predictions in the config that it was judged by.
        corruption_seed: The base seed of the corruptions.
        contents_hash: Of the clean pictures.
        truth_hash: Of the labels.
        metric_hash: Of the metric's arguments and the classes.
        precision: What the model computed in.
    """

    config: str
    protocol: str
    dataset: str
    limit: int | None
    pictures: str | None
    metric: str
    config_hash: str | None = None
    corruption_seed: str | None = None
    contents_hash: str | None = None
    truth_hash: str | None = None
    metric_hash: str | None = None
    precision: str | None = None

    def __str__(self) -> str:
        pictures = "all pictures" if self.limit is None else counted(self.limit, "picture")
        return f"{self.protocol}, {pictures} of {self.dataset}; scores are {self.metric} in %"


REQUIRED = ("config", "protocol", "dataset", "metric")
HEAD = ("arm", "seed", *Judged._fields, "seen", "unknown", "ECE", "clean", *TYPES)


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
        unknown: Steps of the training that nobody has said anything about: it may have shown more.
        ece: Mean over the types of kamann16; None where it was not judged.
    """

    arm: str
    seed: int
    judged: Judged
    clean: float
    by_type: Mapping[str, float]
    bar: Mapping[str, float]
    seen: frozenset[str] | None
    unknown: tuple[str, ...]
    ece: float | None

    @property
    def name(self) -> str:
        """As its results file is called."""
        return row_name(self.arm, self.seed)

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
        scores = {**row.by_type, **row.bar}
        seen = "" if row.seen is None else " ".join(sorted(row.seen)) or NOTHING
        writer.writerow([
            *(row.arm, row.seed, *(as_text(part) or "" for part in row.judged), seen, " ".join(row.unknown)),
            *(_number(row.ece), _number(row.clean), *(_number(scores.get(name)) for name in TYPES)),
        ])  # fmt: skip
    write_whole(path, text.getvalue().encode())


def read_kept(path: Path) -> list[Row]:
    """Read the rows again; there are none where there is no file.

    Raises:
        MMFanError: The file is of an earlier version, or damaged: a line is no row, or that of a training that
            another line has.
    """
    if not path.is_file():
        return []
    lines = _lines(path)
    head = lines[0][1] if lines else []
    if head[:1] == ["arm"] and "config" not in head:
        raise MMFanError(
            f"{path} is of an earlier version, which did not tell the config of a row: delete it, and keep the rows "
            "again from the folder that they were made in, by `mmfan bench robust --out DIR --keep`."
        )
    if tuple(head) != HEAD:
        raise MMFanError(f"{path} does not begin with the names of the columns, {','.join(HEAD[:4])},...: restore it.")
    rows: dict[tuple[str, int], tuple[int, Row]] = {}
    for number, line in lines[1:]:
        if not line:
            raise MMFanError(f"Line {number} of {path} is blank: remove it.")
        try:
            row = _row(line)
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


def _row(fields: Sequence[str]) -> Row:
    """The row of a line; a ValueError says what is wrong with it."""
    if len(fields) != len(HEAD):
        raise ValueError(f"expected {len(HEAD)} fields, got {len(fields)}")
    line = dict(zip(HEAD, fields, strict=True))
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
        judged=_judged(line),
        clean=clean,
        by_type={name: score for name, score in scores.items() if name not in CBAR},
        bar={name: score for name, score in scores.items() if name in CBAR},
        seen=_seen(line["seen"]),
        unknown=tuple(line["unknown"].split()),
        ece=_share(line, "ECE") if line["ECE"] else None,
    )


def _judged(line: Mapping[str, str]) -> Judged:
    for name in REQUIRED:
        if not line[name]:
            raise ValueError(f"expected a {name}, got none")
    told = {name: line[name] or None for name in Judged._fields}
    limit = _whole(line, "limit", 1) if line["limit"] else None
    return Judged(**{**told, "limit": limit})  # type: ignore[arg-type]


def _share(line: Mapping[str, str], name: str) -> float:
    # of fewer digits it would be another score, cut off
    if not SCORE.fullmatch(line[name]):
        raise ValueError(f"expected {name} to be a number from 0 to 1 of {DIGITS} digits, got {line[name]!r:.40}")
    return float(line[name])


def _whole(line: Mapping[str, str], name: str, least: int) -> int:
    text = line[name]
    # of longer numbers Python itself may refuse to read the digits
    if not (WHOLE.fullmatch(text) and int(text) >= least):
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


def as_text(value: object) -> str | None:
    """A part of :class:`Judged` as a line tells it: no numbers, and nothing as None."""
    return None if value in (None, "") else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.{DIGITS}f}"
