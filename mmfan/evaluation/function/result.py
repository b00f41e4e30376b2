"""Result of judging: clean score, corrupted score, retention, the worst, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import CUE
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report import Report, Run, build_report
from mmfan.evaluation.report.formats import FORMATS
from mmfan.evaluation.report.gate import expected_numbers, not_as_expected
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.page.embedded import gallery
from mmfan.evaluation.results.store import Record, RunKey, is_defined, key_of
from mmfan.evaluation.summary import Summary, summarize
from mmfan.evaluation.summary.calibration import CalibrationSummary, summarize_calibration
from mmfan.evaluation.summary.cues import CueSummary, summarize_cues
from mmfan.evaluation.summary.strengths import Strengths, summarize_strengths
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted

_FORM_OF = {".md": "markdown", ".json": "json", ".csv": "csv", ".tex": "latex"}


class NotAsRequiredError(MMFanError):
    """A model keeps less than is required of it."""


class Worst(NamedTuple):
    """The worst type and the worst cell, with their scores, which are fractions."""

    type: str
    score: float
    cell: Cell
    cell_score: float

    def __str__(self) -> str:
        return f"{self.type} {100 * self.score:.2f} %, {self.cell} {100 * self.cell_score:.2f} %"


@dataclass(frozen=True, repr=False)
class Judgement:
    """What :func:`mmfan.judge` found; scores are fractions, unrounded.

    Attributes:
        records: One a cell, the clean one first, then in the protocol's order.
        protocol: The cells, and how they are averaged.
        metric: Which score the numbers below are of: mIoU of a segmentor, bbox_mAP of a detector.
        key: Whose records they are.
        results: The results file; None where nothing was kept.
        seconds: Where the time of this run went, by activity; see :class:`mmfan.evaluation.judging.timing.Shares`.
    """

    records: tuple[Record, ...]
    protocol: Protocol
    metric: str
    key: RunKey
    results: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[Cell, ...]:
        """Cells that are not there yet: those of other shards. The numbers are then over the others."""
        there = {key_of(record)[1] for record in self.records}
        return tuple(cell for cell in self.protocol.judged if cell not in there)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all scores that are defined in every cell that is there."""
        names = self.records[0]["metrics"]
        return tuple(name for name in names if all(is_defined(record["metrics"].get(name)) for record in self.records))

    @cached_property
    def summary(self) -> Summary:
        """The summary of :attr:`metric`: by type, group and severity, with :attr:`Summary.label` to stand by it.

        Of a protocol with several families that of the first whose cells are averaged.
        """
        return self.summary_of(self.metric)

    def summary_of(self, metric: str) -> Summary:
        """The summary of another score.

        Args:
            metric: One of :attr:`metrics`.

        Raises:
            MMFanError: It is none of them, or there is no corrupted cell, or none that is averaged. Where the clean
                score is 0, the summary is of the corrupted cells alone, for there is no retention.
        """
        if metric not in self.metrics:
            raise MMFanError(f"{metric!r} is not among the scores that every cell has: {', '.join(self.metrics)}.")
        clean = [record for record in self.records if key_of(record)[1] == self.protocol.reference]
        zero = any(record["metrics"][metric] == 0 for record in clean)
        records = [record for record in self.records if not (zero and record in clean)]
        return summarize(records, self._averaged, metric, partial=zero or bool(self.missing))

    @property
    def _averaged(self) -> Protocol:
        """The first family of cells that are averaged: the corruptions, where there are some."""
        for family in self.protocol.families:
            if family.kind.averaged:
                return family
        raise MMFanError(f"{self.protocol.name!r} has nothing that is averaged, and so no retention: see `strengths`.")

    @cached_property
    def strengths(self) -> tuple[Strengths, ...]:
        """The scores at each strength, for each family of conditions that are not averaged: attacks, above all."""
        curves = [one for one in self.protocol.families if one.cells and not one.kind.averaged and not one.kind.each]
        return tuple(summarize_strengths(self.records, one, self.metric, partial=bool(self.missing)) for one in curves)

    @cached_property
    def cues(self) -> CueSummary | None:
        """What is kept without a cue, and the dense shape bias; None where no cues were changed."""
        family = next((one for one in self.protocol.families if one.cells and one.kind == CUE), None)
        partial = bool(self.missing)
        return None if family is None else summarize_cues(self.records, family, self.metric, partial=partial)

    @property
    def clean(self) -> float | None:
        """The score of the clean pictures; None while another shard has not judged them."""
        averaged = any(family.cells and family.kind.averaged for family in self.protocol.families)
        if averaged and self.summary.clean is not None:
            return self.summary.clean
        reference = self.protocol.reference
        return next((record["metrics"][self.metric] for record in self.records if key_of(record)[1] == reference), None)

    @property
    def corrupted(self) -> float:
        """The mean over the severities of a type, then over the types (mPC)."""
        return self.summary.corrupted

    @property
    def retention(self) -> float | None:
        """``corrupted / clean`` (rPC, robustness ratio); None without a clean score above 0."""
        return self.summary.retention

    @property
    def worst(self) -> Worst:
        """The type of the lowest mean, and the cell of the lowest score."""
        lowest = min(self.summary.by_corruption, key=lambda name: self.summary.by_corruption[name])
        cell = self.summary.worst
        return Worst(lowest, self.summary.by_corruption[lowest], Cell(*cell[:2]), cell.score)

    @cached_property
    def calibration(self) -> CalibrationSummary | None:
        """What the model's confidence is worth; None where it was judged without calibration.

        Raises:
            MMFanError: Some cells have it and others have not.
        """
        return summarize_calibration(self.records, self.protocol)

    def require(self, **least: float | Mapping[str, Any]) -> None:
        """End with an error where a score is lower than it must be: the gate of a build.

        Args:
            least: Part of the summary -> the least it may be, a fraction: ``retention=0.6``, ``clean=0.7``,
                ``by_group={"noise": 0.4}``, ``by_corruption={"fog": 0.5}``, ``scores={"fog": {"3": 0.5}}``.

        Raises:
            NotAsRequiredError: At least one is lower, or not there; the message names each, and by how much.
            MMFanError: No such part can be required, or its least is no number.
        """
        numbers = expected_numbers("require", {name: _at_least(value) for name, value in least.items()}, None)
        found = not_as_expected(self.key.model, self.summary, numbers)
        if found or self.missing:
            lacking = [f"{self.key.model}: {counted(len(self.missing), 'cell')} not judged yet"] if self.missing else []
            raise NotAsRequiredError(f"Not as required on {self.summary.label}: {'; '.join([*lacking, *found])}.")

    def report(self, path: str | Path | None = None, metric: str | None = None) -> Report:
        """The report, and its file.

        Args:
            path: ``.html`` (with plots and, where there are some, pictures), ``.md``, ``.csv``, ``.json`` or ``.tex``;
                None writes none.
            metric: One of :attr:`metrics`; :attr:`metric` by default.

        Raises:
            MMFanError: Nothing was kept, the suffix is another, or there is no such metric.
            OSError: The file cannot be written.
        """
        target = None if path is None else Path(path)
        if target is not None and target.suffix not in (".html", *_FORM_OF):
            raise MMFanError(f"Expected a report to end in .html, {', '.join(_FORM_OF)}, got {target}.")
        if self.results is None:
            raise MMFanError("A report is made of a results file: judge with results='robustness.jsonl'.")
        run = Run(self.key.model, self.key, ((self.results, self.records),))
        made = build_report([run], self.protocol, metric or self.metric, partial=bool(self.missing))
        if target is None:
            return made
        if target.suffix == ".html":
            text = as_html(made, pictures=gallery(made))
        else:
            text = FORMATS[_FORM_OF[target.suffix]](made)
        write_whole(target, text.encode())
        return made

    def __repr__(self) -> str:  # short, for it is what a notebook shows
        told = str(self) if len(self.records) > 1 else f"{self.key.model}, {counted(len(self.records), 'cell')}"
        return f"<Judgement: {told}>"

    def __str__(self) -> str:
        clean = "none yet" if self.clean is None else f"{100 * self.clean:.2f} %"
        curves = "; ".join(map(str, (*self.strengths, *([] if self.cues is None else [self.cues]))))
        if not any(family.kind.averaged for family in self.protocol.families):
            who = f"{self.key.model} on {self.key.dataset} ({self.protocol.name})"
            return f"{who}: {self.metric} clean {clean}; {curves}"
        kept = "none" if self.retention is None else f"{100 * self.retention:.2f} %"
        label = self.summary.label
        if self.clean == 0 and not self.missing:  # the summary leaves such a clean score out
            label = f"{self.protocol.name}, {counted(self.summary.cells, 'cell')}"
        return (
            f"{self.key.model} on {self.key.dataset} ({label}): {self.metric} clean {clean}, corrupted "
            f"{100 * self.corrupted:.2f} %, retention {kept}; worst {self.worst}{f'; {curves}' if curves else ''}"
        )


def _at_least(value: Any) -> Any:
    return {key: _at_least(item) for key, item in value.items()} if isinstance(value, Mapping) else {"min": value}


def in_order(records: Sequence[Record], protocol: Protocol) -> tuple[Record, ...]:
    """Records with the clean one first, then in the protocol's order."""
    place = {cell: at for at, cell in enumerate(protocol.judged)}
    return tuple(sorted(records, key=lambda record: place[key_of(record)[1]]))
