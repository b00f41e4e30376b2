"""Rows of a folder of evidence, read from their results files or from the lines that were kept of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmfan.benchmark.robust.alone import alone
from mmfan.benchmark.robust.arms import ARMS
from mmfan.benchmark.robust.costs_file import COSTS, joined_costs, read_costs, same_config
from mmfan.benchmark.robust.kept import DIGITS, KEPT, Judged, Row, as_text, read_kept, write_kept
from mmfan.benchmark.robust.rows import (
    SEVERITY,
    config_of_row,
    make_folder,
    paths_of_rows,
    refuse_folder,
    row_name,
)
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.cue_settings import SHOWABLE
from mmfan.evaluation.protocol import PROTOCOLS, Protocol
from mmfan.evaluation.protocol.definition import grid
from mmfan.evaluation.results import Record, ResultsStore, group_runs, key_of
from mmfan.evaluation.summary import MissingCellsError, summarize
from mmfan.evaluation.summary.calibration import summarize_calibration
from mmfan.utils.files import write_whole

FULL = PROTOCOLS["kamann16"]
AT_ONE = Protocol(f"kamann16 at severity {SEVERITY}", grid(dict.fromkeys(FULL.corruptions, (SEVERITY,))), FULL.groups)
BAR = Protocol(f"C-bar at severity {SEVERITY}", grid(dict.fromkeys(CBAR, (SEVERITY,))))
LOCK = ".evidence.lock"  # of the lines and the costs of a folder, each read, changed and written again


@dataclass(frozen=True)
class Evidence:
    """All rows of a folder.

    Attributes:
        rows: Arm -> its trainings, in the order of their seeds.
        partly: Names of trainings whose judgement is not finished.
        judged: What they were judged on and by.
        costs: Arm -> ``seconds`` and ``memory`` of an iteration as shares of the baseline's.
        measured: The ``config`` that the costs were measured with and the number of ``rounds``, where they are known.
    """

    rows: Mapping[str, tuple[Row, ...]]
    partly: tuple[str, ...]
    judged: Judged
    costs: Mapping[str, Mapping[str, float]]
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def in_full(self) -> bool:
        """Whether all severities were judged, as of the few arms that are trained in full."""
        return self.judged.protocol == FULL.name


def read_evidence(folder: Path) -> Evidence:
    """Read the rows of a folder: its results files, ``<arm>-<seed>.jsonl`` each, and ``rows.csv``.

    A row that stands in both is that of its results file.

    Raises:
        MMFanError: There is no finished row; two are trainings of different configs, or were judged on different
            pictures or severities, by different scores or otherwise differently; or a file is damaged.
        ResultsError: A results file holds something else than records.
    """
    kept = read_kept(folder / KEPT)
    partly: list[str] = []
    judged: list[Row] = []
    for arm, seed, path in paths_of_rows(folder, ".jsonl"):
        refuse_folder(path)
        records = ResultsStore(path).records()
        try:
            row = row_of(records, arm, seed, path) if records else None
        except MissingCellsError:
            row = None
        if row is None:
            partly.append(path.stem)
        else:
            judged.append(row)
    if not (kept or judged):
        raise MMFanError(f"{folder} holds no finished row, <arm>-<seed>.jsonl: `mmfan bench robust ARM` makes one.")
    _refuse_unlike((*_named(kept, f" of {folder / KEPT}"), *_named(judged, f".jsonl of {folder}")))
    return evidence_of(_replaced(kept, judged), read_costs(folder), tuple(partly), folder)


def evidence_of(rows: Iterable[Row], costs: Mapping[str, Any], partly: tuple[str, ...], folder: Path) -> Evidence:
    """Rows as one table.

    Args:
        rows: At least one, in any order.
        costs: As :func:`~mmfan.benchmark.robust.costs_file.read_costs` has them.
        partly: Names of trainings whose judgement is not finished.
        folder: Where the rows are from, for messages.

    Raises:
        MMFanError: Two are trainings of different configs, or were judged differently; or the costs are of another.
    """
    found = sorted(rows, key=lambda row: row.seed)
    _refuse_unlike(_named(found, f" of {folder}"))
    _refuse_costs(found, costs, f" of {folder}")
    by_arm = {arm: tuple(row for row in found if row.arm == arm) for arm in ARMS}
    measured = {name: costs[name] for name in ("config", "rounds") if name in costs}
    rows_there = {arm: some for arm, some in by_arm.items() if some}
    return Evidence(rows_there, partly, found[0].judged, costs["arms"], measured)


def keep_evidence(evidence: Evidence, folder: Path) -> Evidence:
    """Keep rows and costs in another folder, beside those that it holds; those it has of the same name are replaced.

    Several processes may keep theirs in one folder: one waits for another.

    Args:
        evidence: What is kept.
        folder: Where; made if it is missing.

    Returns:
        All that the folder holds.

    Raises:
        MMFanError: See :func:`joined`.
    """
    make_folder(folder)
    with alone(folder / LOCK, f"the evidence of {folder}", wait=True):
        rows, costs = joined(evidence, folder)  # before anything is written
        write_kept(folder / KEPT, rows)
        if costs["arms"]:
            write_whole(folder / COSTS, f"{json.dumps(costs, indent=2)}\n".encode())
        # with the digits that were kept, so that a table of it is the same at any time
        return evidence_of(read_kept(folder / KEPT), costs, (), folder)


def joined(evidence: Evidence, folder: Path) -> tuple[list[Row], dict[str, Any]]:
    """The rows and costs of a folder together with those of an evidence that is to be kept there.

    Raises:
        MMFanError: The rows that it holds are trainings of another config, or were judged differently, those too that
            would be replaced; its costs were measured with another config; or it is damaged.
    """
    kept = read_kept(folder / KEPT)
    own = [row for rows in evidence.rows.values() for row in rows]
    _refuse_unlike((*_named(kept, f" of {folder / KEPT}"), *_named(own, ", which is to be kept there,")))
    costs = read_costs(folder)
    if evidence.costs:
        costs = joined_costs(folder, {**evidence.measured, "arms": evidence.costs})
    _refuse_costs((*kept, *own), costs, f" of {folder}")
    return _replaced(kept, own), costs


def _refuse_costs(rows: Sequence[Row], costs: Mapping[str, Any], where: str) -> None:
    """See that costs may stand beside rows: unless they do not tell, they are of the config that the rows are of."""
    measured, config = costs.get("config"), rows[0].judged.config if rows else None
    if costs["arms"] and measured and config and not same_config(measured, config):
        raise MMFanError(
            f"Expected costs measured with {config}, of which the rows{where} are trainings, got costs of {measured}: "
            f"measure them with --config {config}, or give them a folder of their own."
        )


def _replaced(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Both, but of two with one name the other one."""
    return list({row.name: row for row in (*rows, *others)}.values())


def _named(rows: Iterable[Row], where: str) -> list[tuple[str, Row]]:
    return [(f"{row.name}{where}", row) for row in rows]


def _refuse_unlike(rows: Sequence[tuple[str, Row]]) -> None:
    """See that rows may stand in one table: all were judged as the first one."""
    for name, row in rows:
        first, like = rows[0]
        pairs = zip(Judged._fields, like.judged, row.judged, strict=True)
        unlike = [f"{part} {here} and {there}" for part, here, there in pairs if here != there]
        if unlike:
            raise MMFanError(
                f"{first} and {name} were judged differently and cannot be compared: {'; '.join(unlike)}. Give each "
                "a folder of its own, or judge one as the other was."
            )


def row_of(records: Sequence[Record], arm: str, seed: int, path: Path) -> Row:
    """What the records of one training say.

    Args:
        records: All that the results file holds.
        arm: Name of the arm.
        seed: Of the training.
        path: The results file, for messages.

    Raises:
        MissingCellsError: It is not judged to the end.
        MMFanError: The file holds several runs, or that of another row; or its training's config is not told.
    """
    name = row_name(arm, seed)
    if records[0]["model"] != name:
        raise MMFanError(
            f"Expected the records of {name} in {path}, got those of {records[0]['model']!r:.80}: the file of a row "
            "has its name. Give it that, or restore it."
        )
    if len(group_runs(records)) > 1:
        raise MMFanError(f"{path} holds several runs: a row is one training, judged once.")
    protocol = FULL if any(record["severity"] not in (0, SEVERITY) for record in records) else AT_ONE
    own = summarize(records, protocol)
    if not own.clean or not round(own.clean, DIGITS):
        raise MMFanError(f"{path} has no clean score, or 0, and so no retention.")
    with_bar = any(record["corruption"] in CBAR for record in records)
    calibration = summarize_calibration(records, protocol)
    told = [record["training_overlap"] for record in records if record.get("training_overlap")]
    return Row(
        arm=arm,
        seed=seed,
        judged=_judged(records[0], protocol.name, own.metric, config_of_row(arm, seed, path.parent)),
        clean=own.clean,
        by_type=own.by_corruption,
        bar=summarize(records, BAR).by_corruption if with_bar else {},
        # a plug-in of one's own may show what nobody tests: that has no bearing on the table
        seen=SHOWABLE.intersection(name for one in told for name in one.get("overlaps", ())) if told else None,
        unknown=tuple(dict.fromkeys(name for one in told for name in one.get("unknown", ()))),
        ece=calibration.corrupted.get("ECE") if calibration else None,
    )


def _judged(record: Record, protocol: str, metric: str, config: str) -> Judged:
    """What rows must have in common: all that decides the scores of a run but the weights, and whose they are."""
    run, _ = key_of(record)
    parts = (run.config_hash, run.seed, run.contents, run.truth, run.metric, run.precision)
    return Judged(
        config,
        protocol,
        record["dataset"],
        record.get("limit"),
        as_text(record.get("pictures")),
        metric,
        *map(as_text, parts),
    )
