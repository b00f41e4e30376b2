"""The table of evidence, made of the results files of its rows: means and spreads over seeds, beside the baseline."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from mmfan.benchmark.page import fill_marks
from mmfan.benchmark.robust.arms import ARMS, BASELINE
from mmfan.benchmark.robust.rows import SEVERITY
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS, Protocol
from mmfan.evaluation.protocol.definition import grid
from mmfan.evaluation.results import Record, ResultsStore, group_runs
from mmfan.evaluation.summary import MissingCellsError, summarize
from mmfan.evaluation.summary.calibration import summarize_calibration
from mmfan.evaluation.summary.uncertainty.spread import spread
from mmfan.utils.tables import Table, markdown_table
from mmfan.utils.text import counted

FULL = PROTOCOLS["kamann16"]
AT_ONE = Protocol(f"kamann16 at severity {SEVERITY}", grid(dict.fromkeys(FULL.corruptions, (SEVERITY,))), FULL.groups)
BAR = Protocol(f"C-bar at severity {SEVERITY}", grid(dict.fromkeys(CBAR, (SEVERITY,))))
COSTS = "costs.json"
ABSENT = "not measured"
NONE = "-"
HEAD = (
    "arm", "seeds", "clean", "corrupted", "retention", "beside baseline", "C-bar", "unseen", "baseline there", "ECE",
    "time", "memory",
)  # fmt: skip


class Row(NamedTuple):
    """What one training came to, as fractions.

    Attributes:
        metric: What the scores are.
        clean: Score on the clean pictures.
        corrupted: Mean over the types of kamann16.
        retention: The one by the other.
        bar: Type of C-bar -> score; empty where they were not judged.
        by_type: Type of kamann16 -> score.
        seen: The types that the training showed; None where its records do not tell.
        ece: Mean over the types of kamann16; None where it was not judged.
    """

    metric: str
    clean: float
    corrupted: float
    retention: float
    bar: Mapping[str, float]
    by_type: Mapping[str, float]
    seen: frozenset[str] | None
    ece: float | None

    def retention_over(self, types: Set[str]) -> float | None:
        """Retention over some types; None over none, or where one was not judged."""
        known = {**self.by_type, **self.bar}
        if not types <= known.keys():
            return None
        scores = [known[name] for name in types]
        return fmean(scores) / self.clean if scores else None


@dataclass(frozen=True)
class Evidence:
    """All rows of a folder.

    Attributes:
        rows: Arm -> its trainings, in the order of their seeds.
        partly: Names of trainings whose judgement is not finished.
        judged: What they were judged on and by, in words.
        costs: Arm -> ``seconds`` and ``memory`` of an iteration as shares of the baseline's.
        in_full: Whether they were judged on all severities, as the few arms are that are trained in full.
    """

    rows: Mapping[str, tuple[Row, ...]]
    partly: tuple[str, ...]
    judged: str
    costs: Mapping[str, Mapping[str, float]]
    in_full: bool = False


def read_evidence(folder: Path) -> Evidence:
    """Read the rows of a folder, ``<arm>-<seed>.jsonl`` each.

    Raises:
        MMFanError: There is no finished row, two were judged on different pictures or severities or by different
            scores, or the file of costs is damaged.
        ResultsError: A file holds something else than records.
    """
    rows: dict[str, list[Row]] = {}
    partly: list[str] = []
    judged: dict[tuple[Any, ...], tuple[str, str]] = {}
    for arm, path in _files(folder):
        records = ResultsStore(path).records()
        if not records:
            partly.append(path.stem)
            continue
        protocol = FULL if any(record["severity"] not in (0, SEVERITY) for record in records) else AT_ONE
        try:
            row = row_of(records, protocol, path)
        except MissingCellsError:
            partly.append(path.stem)
            continue
        rows.setdefault(arm, []).append(row)
        first = records[0]
        limit = first.get("limit")
        pictures = "all pictures" if limit is None else counted(limit, "picture")
        words = f"{protocol.name}, {pictures} of {first['dataset']}; scores are {row.metric} in %"
        judged.setdefault((protocol.name, first["dataset"], first.get("pictures"), row.metric), (path.stem, words))
    if not rows:
        raise MMFanError(f"{folder} holds no finished row, <arm>-<seed>.jsonl: `mmfan bench robust ARM` makes one.")
    if len(judged) > 1:
        told = "; ".join(f"{name} on {words}" for name, words in judged.values())
        raise MMFanError(f"The rows of {folder} were judged differently and cannot be compared: {told}.")
    (((name, *_), (_, words)),) = judged.items()
    found = {arm: tuple(some) for arm, some in rows.items()}
    return Evidence(found, tuple(partly), words, read_costs(folder)["arms"], in_full=name == FULL.name)


def read_costs(folder: Path) -> dict[str, Any]:
    """What was measured in a folder: ``arms`` and, where there are any, ``config`` and ``rounds``.

    Raises:
        MMFanError: The file is damaged.
    """
    path = folder / COSTS
    if not path.is_file():
        return {"arms": {}}
    try:
        costs = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MMFanError(f"{path} is no JSON ({error}): delete it, and measure the costs again.") from error
    arms = costs.get("arms") if isinstance(costs, dict) else None
    if not isinstance(arms, dict) or not all(isinstance(one, dict) for one in arms.values()):
        raise MMFanError(f"{path} does not hold the costs of arms: delete it, and measure them again.")
    return costs


def _files(folder: Path) -> list[tuple[str, Path]]:
    found = []
    for arm in ARMS:
        paths = [path for path in folder.glob(f"{arm}-*.jsonl") if path.stem[len(arm) + 1 :].isdecimal()]
        found += [(arm, path) for path in sorted(paths, key=lambda path: int(path.stem[len(arm) + 1 :]))]
    return found


def row_of(records: Sequence[Record], protocol: Protocol, path: Path) -> Row:
    """What the records of one training say.

    Raises:
        MissingCellsError: It is not judged to the end.
        MMFanError: The file holds several runs.
    """
    if len(group_runs(records)) > 1:
        raise MMFanError(f"{path} holds several runs: a row is one training, judged once.")
    own = summarize(records, protocol)
    if own.clean is None or own.retention is None:
        raise MMFanError(f"{path} has no clean score, and so no retention.")
    with_bar = any(record["corruption"] in CBAR for record in records)
    calibration = summarize_calibration(records, protocol)
    told = [record["training_overlap"] for record in records if record.get("training_overlap")]
    return Row(
        metric=own.metric,
        clean=own.clean,
        corrupted=own.corrupted,
        retention=own.retention,
        bar=summarize(records, BAR).by_corruption if with_bar else {},
        by_type=own.by_corruption,
        seen=frozenset(name for one in told for name in one.get("overlaps", ())) if told else None,
        ece=calibration.corrupted.get("ECE") if calibration else None,
    )


def evidence_table(evidence: Evidence) -> Table:
    """The table: a row for each arm that there is; those that were not measured too, but for trainings in full."""
    base = evidence.rows.get(BASELINE)
    lines = [(arm, *_line(arm, evidence, base)) for arm in ARMS if arm in evidence.rows or not evidence.in_full]
    caption = (
        f"{evidence.judged}, mean and standard deviation over the seeds. beside baseline: "
        "difference of the mean retentions, in points, with its standard error by the spread over seeds (where an arm "
        "has one seed by the baseline's). C-bar: retention over its ten types. unseen: retention over the types that "
        "the arm's training does not show, and that of the baseline over the same types. ECE: under corruption, in %. "
        "time, memory: of an iteration, as shares of the baseline's"
    )
    return Table("Evidence", caption, HEAD, tuple(lines))


def _line(arm: str, evidence: Evidence, base: tuple[Row, ...] | None) -> tuple[str, ...]:
    rows = evidence.rows.get(arm)
    cost = evidence.costs.get(arm, {})
    costs = tuple(f"{cost[name]:.2f}" if name in cost else NONE for name in ("seconds", "memory"))
    if not rows:
        return (NONE, ABSENT, *(NONE,) * 7, *costs)
    unseen = _unseen(rows, rows[0].by_type)
    return (
        str(len(rows)),
        _told(rows, lambda row: row.clean),
        _told(rows, lambda row: row.corrupted),
        _told(rows, lambda row: row.retention),
        NONE if base is None or arm == BASELINE else _beside(rows, base),
        _told(rows, lambda row: row.retention_over(set(CBAR))),
        _told(rows, lambda row: row.retention_over(unseen)),
        _told(base, lambda row: row.retention_over(unseen)) if base else NONE,
        _told(rows, lambda row: row.ece),
        *costs,
    )


def _unseen(rows: Sequence[Row], types: Iterable[str]) -> frozenset[str]:
    """The types that no training of an arm showed; none where one of them does not tell."""
    if any(row.seen is None for row in rows):
        return frozenset()
    return frozenset(types).difference(*(row.seen or () for row in rows))


def _beside(rows: Sequence[Row], base: Sequence[Row]) -> str:
    """The difference of mean retentions in points, and its standard error; without it where there is one baseline."""
    own, other = ([100 * row.retention for row in some] for some in (rows, base))
    difference = f"{fmean(own) - fmean(other):+.1f}"
    if len(other) < 2:
        return difference
    spreads = [stdev(own if len(own) > 1 else other), stdev(other)]
    error = math.hypot(spreads[0] / len(own) ** 0.5, spreads[1] / len(other) ** 0.5)
    return f"{difference} ± {error:.1f}"


def _told(rows: Sequence[Row], value: Callable[[Row], float | None]) -> str:
    """Mean and spread of a number in percent."""
    values = [found for row in rows if (found := value(row)) is not None]
    if len(values) < len(rows):
        return NONE
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    over_seeds = spread(values)
    return f"{100 * over_seeds.mean:.1f} ± {100 * over_seeds.std:.1f}"


def evidence_markdown(evidence: Evidence) -> str:
    """The table under its caption; C-bar without the types that a training shows; which rows are unfinished."""
    table = evidence_table(evidence)
    text = f"{table.caption[0].upper()}{table.caption[1:]}.\n\n{markdown_table(table)}"
    base = evidence.rows.get(BASELINE)
    for arm, rows in evidence.rows.items():
        unseen = _unseen(rows, CBAR)
        if rows[0].bar and 0 < len(unseen) < len(CBAR):
            shown = [name for name in CBAR if name not in unseen]
            own = _told(rows, lambda row, types=unseen: row.retention_over(types))  # type: ignore[misc]
            there = _told(base, lambda row, types=unseen: row.retention_over(types)) if base else NONE  # type: ignore[misc]
            text += (
                f"\n\nThe training of {arm} shows {', '.join(shown)} of C-bar. Retention over the others: {own}; "
                f"baseline there: {there}."
            )
    if evidence.partly:
        text += f"\n\nJudged in part, and left out: {', '.join(evidence.partly)}."
    return text


def fill_page(text: str, name: str, evidence: Evidence) -> str:
    """A page with the table between its marks, ``<!-- evidence NAME -->`` and ``<!-- end NAME -->``.

    Raises:
        MMFanError: The page has no such marks.
    """
    return fill_marks(text, "evidence", name, evidence_markdown(evidence))
