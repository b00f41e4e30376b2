"""Rows of a folder of evidence, read from their results files or from the lines that were kept of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmfan.benchmark.robust.arms import ARMS
from mmfan.benchmark.robust.kept import DIGITS, KEPT, SHOWABLE, Judged, Row, read_kept, write_kept
from mmfan.benchmark.robust.rows import SEVERITY, make_folder, paths_of_rows
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS, Protocol
from mmfan.evaluation.protocol.definition import grid
from mmfan.evaluation.results import Record, ResultsStore, group_runs
from mmfan.evaluation.summary import MissingCellsError, summarize
from mmfan.evaluation.summary.calibration import summarize_calibration
from mmfan.utils.files import write_whole

FULL = PROTOCOLS["kamann16"]
AT_ONE = Protocol(f"kamann16 at severity {SEVERITY}", grid(dict.fromkeys(FULL.corruptions, (SEVERITY,))), FULL.groups)
BAR = Protocol(f"C-bar at severity {SEVERITY}", grid(dict.fromkeys(CBAR, (SEVERITY,))))
COSTS = "costs.json"
LARGEST = sys.float_info.max  # JSON has whole numbers beyond it, which are no floats


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
        MMFanError: There is no finished row, two were judged on different pictures or severities or by different
            scores, or a file is damaged.
        ResultsError: A results file holds something else than records.
    """
    found = {(row.arm, row.seed): row for row in read_kept(folder / KEPT)}
    partly: list[str] = []
    for arm, seed, path in paths_of_rows(folder, ".jsonl"):
        records = ResultsStore(path).records()
        try:
            row = row_of(records, arm, seed, path) if records else None
        except MissingCellsError:
            row = None
        if row is None:
            partly.append(path.stem)
        else:
            found[arm, seed] = row
    if not found:
        raise MMFanError(f"{folder} holds no finished row, <arm>-<seed>.jsonl: `mmfan bench robust ARM` makes one.")
    return evidence_of(found.values(), read_costs(folder), tuple(partly), folder)


def evidence_of(rows: Iterable[Row], costs: Mapping[str, Any], partly: tuple[str, ...], folder: Path) -> Evidence:
    """Put rows together, one at least.

    Args:
        rows: In any order.
        costs: As :func:`read_costs` has them.
        partly: Names of trainings whose judgement is not finished.
        folder: Where the rows are from, for messages.

    Raises:
        MMFanError: Two were judged on different pictures or severities, or by different scores.
    """
    found = sorted(rows, key=lambda row: row.seed)
    first: dict[Judged, Row] = {}
    for row in found:
        first.setdefault(row.judged, row)
    if len(first) > 1:
        told = "; ".join(f"{row.arm}-{row.seed} on {judged}" for judged, row in first.items())
        raise MMFanError(f"The rows of {folder} were judged differently and cannot be compared: {told}.")
    by_arm = {arm: tuple(row for row in found if row.arm == arm) for arm in ARMS}
    measured = {name: costs[name] for name in ("config", "rounds") if name in costs}
    rows_there = {arm: some for arm, some in by_arm.items() if some}
    return Evidence(rows_there, partly, next(iter(first)), costs["arms"], measured)


def keep_evidence(evidence: Evidence, folder: Path) -> Evidence:
    """Keep rows and costs in another folder, beside those that it holds; those it has of the same name are replaced.

    Args:
        evidence: What is kept.
        folder: Where; made if it is missing.

    Returns:
        All that the folder holds.

    Raises:
        MMFanError: What it holds was judged differently, its costs were measured with another config, or it is damaged.
    """
    make_folder(folder)
    kept = {(row.arm, row.seed): row for row in read_kept(folder / KEPT)}
    kept |= {(row.arm, row.seed): row for rows in evidence.rows.values() for row in rows}
    costs = _joined_costs(evidence, folder)
    evidence_of(kept.values(), costs, (), folder)  # before anything is written
    write_kept(folder / KEPT, kept.values())
    if costs["arms"]:
        write_whole(folder / COSTS, f"{json.dumps(costs, indent=2)}\n".encode())
    # with the digits that were kept, so that a table of it is the same at any time
    return evidence_of(read_kept(folder / KEPT), costs, (), folder)


def _joined_costs(evidence: Evidence, folder: Path) -> dict[str, Any]:
    """The costs of a folder, and those of the evidence, which replace them."""
    before = read_costs(folder)
    if not evidence.costs:
        return before
    own, other = evidence.measured.get("config"), before.get("config")
    if before["arms"] and own and other and not same_config(own, other):  # earlier versions did not tell it
        raise MMFanError(
            f"Expected costs measured with {other}, as those of {folder / COSTS} were, got costs of {own}, which "
            "cannot be compared with them. Keep them in another folder, or delete that file."
        )
    return {**before, **evidence.measured, "arms": {**before["arms"], **evidence.costs}}


def same_config(first: str, second: str) -> bool:
    """Whether two are one config, each given by its name or its path."""
    return Path(first).stem == Path(second).stem


def read_costs(folder: Path) -> dict[str, Any]:
    """What was measured in a folder: ``arms`` and, where they are known, ``config`` and ``rounds``.

    Raises:
        MMFanError: The file is damaged.
    """
    path = folder / COSTS
    if not path.is_file():
        return {"arms": {}}
    cure = "delete it, and measure the costs again"
    try:
        costs = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MMFanError(f"{path} is no JSON ({error}): {cure}.") from error
    arms = costs.get("arms") if isinstance(costs, dict) else None
    if not isinstance(arms, dict) or not all(isinstance(one, dict) for one in arms.values()):
        raise MMFanError(f"{path} does not hold the costs of arms: {cure}.")
    if not isinstance(costs.get("config", ""), str):
        raise MMFanError(f"Expected `config` of {path} to be a name, got {costs['config']!r:.40}: {cure}.")
    for arm, one in arms.items():
        for name, value in one.items():
            if type(value) not in (int, float) or not 0 < value <= LARGEST:
                raise MMFanError(
                    f"Expected {name} of {arm} in {path} to be a finite number above 0, got {value!r:.40}: {cure}."
                )
    return costs


def row_of(records: Sequence[Record], arm: str, seed: int, path: Path) -> Row:
    """What the records of one training say.

    Args:
        records: All that the results file holds.
        arm: Name of the arm.
        seed: Of the training.
        path: The results file, for messages.

    Raises:
        MissingCellsError: It is not judged to the end.
        MMFanError: The file holds several runs.
    """
    if len(group_runs(records)) > 1:
        raise MMFanError(f"{path} holds several runs: a row is one training, judged once.")
    protocol = FULL if any(record["severity"] not in (0, SEVERITY) for record in records) else AT_ONE
    own = summarize(records, protocol)
    if not own.clean or not round(own.clean, DIGITS):
        raise MMFanError(f"{path} has no clean score, or 0, and so no retention.")
    with_bar = any(record["corruption"] in CBAR for record in records)
    calibration = summarize_calibration(records, protocol)
    told = [record["training_overlap"] for record in records if record.get("training_overlap")]
    first = records[0]
    return Row(
        arm=arm,
        seed=seed,
        judged=Judged(protocol.name, first["dataset"], first.get("limit"), first.get("pictures"), own.metric),
        clean=own.clean,
        by_type=own.by_corruption,
        bar=summarize(records, BAR).by_corruption if with_bar else {},
        # a plug-in of one's own may show what nobody tests: that has no bearing on the table
        seen=SHOWABLE.intersection(name for one in told for name in one.get("overlaps", ())) if told else None,
        ece=calibration.corrupted.get("ECE") if calibration else None,
    )
