"""Tables of calibration: what confidence is worth, clean and corrupted, and whether a loss of accuracy is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mmfan.corruptions.cell import listed
from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.tables.overview import rival_sets
from mmfan.evaluation.report.tables.words import MISSING, labels_of, of_each, percent, types_word, with_protocol
from mmfan.evaluation.results.store import is_defined
from mmfan.evaluation.summary.calibration import CalibrationSummary, Scores, known_share
from mmfan.evaluation.summary.imagenet_c import METRIC as TOP1
from mmfan.utils.tables import Rivals, Table
from mmfan.utils.text import spoken


class _Row(NamedTuple):
    """One score: its name in records, what it is called, how it is printed, and whether models compete in it."""

    key: str
    title: str
    text: Callable[[float | None], str] = percent
    ranked: bool = True
    lower: bool = True


def _plain(value: float | None) -> str:
    return f"{value:.3f}" if is_defined(value) else MISSING


_ROWS = (
    _Row("accuracy", "accuracy", ranked=False),
    _Row("confidence", "confidence", ranked=False),
    _Row("ECE", "ECE"),
    _Row("classwise_ECE", "class-wise ECE"),
    _Row("NLL", "NLL", _plain),
    _Row("Brier", "Brier", _plain),
    _Row("AUROC", "AUROC", lower=False),
    _Row("FPR95", "FPR at 95 %"),
)


def _tempered_rows(things: str) -> tuple[_Row, ...]:
    return (
        _Row("ECE", f"ECE, sampled {things}"),
        _Row("ECE_T", "ECE at the temperature"),
        _Row("NLL", f"NLL, sampled {things}", _plain),
        _Row("NLL_T", "NLL at the temperature", _plain),
    )


def things_of(model: ModelReport, summary: CalibrationSummary) -> str:
    """What is counted: of a classifier each picture counts as a pixel does."""
    return "pictures" if any(TOP1 in record["metrics"] for record in model.run.records) else summary.of


def _calibrated(report: Report) -> list[tuple[ModelReport, CalibrationSummary]]:
    return [(model, model.calibration) for model in report.models if model.calibration is not None]


def calibration_tables(report: Report) -> list[Table]:
    """Both tables; without rows where no model was judged with calibration."""
    return [calibration_scores(report), calibration_by_corruption(report)]


def calibration_scores(report: Report) -> Table:
    """Every score, clean and corrupted: two columns a model."""
    found = _calibrated(report)
    named = labels_of(report)
    things = [things_of(model, summary) for model, summary in found]
    rows = [_row(one, [(summary.clean, summary.corrupted) for _, summary in found]) for one in _ROWS]
    tempered = [summary.tempered for _, summary in found]
    parts: list[tuple[Scores, Scores]] = [(one.clean, one.corrupted) if one else ({}, {}) for one in tempered]
    known = ("confidence lost / accuracy lost", *(text for _, one in found for text in (MISSING, percent(one.known))))
    rows.insert(2, known)
    begin = len(rows)
    temperatures = [MISSING if one is None else f"{one.temperature:.2f}" for one in tempered]
    rows.append(("temperature", *(text for one in temperatures for text in (one, one))))
    sampled = things[0] if found else ""
    rows += [_row(one, parts) for one in _tempered_rows(sampled)]
    rows = [row for row in rows if any(text != MISSING for text in row[1:])]
    caption = ""
    if found:
        caption = with_protocol(
            report,
            f"calibration of {' and '.join(dict.fromkeys(things))}, in % but for NLL, Brier and "
            "the temperature; lower is better but for AUROC; corrupted is the mean over severities, then over types; "
            "confidence lost / accuracy lost, over the types that lose any, is 100 where a model knows what it "
            "loses, 0 where it does not",
        )
        if any(tempered):
            caption += (
                "; the temperature has the lowest NLL on the clean pictures and is carried to the corrupted ones, on "
                + ("every fourth picture" if sampled == "pictures" else "every fourth pixel of every fourth row")
            )
    sets = rival_sets(report, [model for model, _ in found])
    return Table(
        "Calibration", caption,
        ("score", *(f"{named[model.name]}: {part}" for model, _ in found for part in ("clean", "corrupted"))),
        tuple(rows) if found else (), sections=(begin,) if begin < len(rows) else (),
        rivals=Rivals(
            tuple(tuple(1 + 2 * at + part for at in one) for one in sets for part in (0, 1)), across=True,
            only=tuple(row.title for row in _ROWS if row.ranked),
            lower=tuple(row.title for row in _ROWS if row.ranked and row.lower),
        ),
    )  # fmt: skip


def _row(one: _Row, parts: Sequence[tuple[Scores, Scores]]) -> tuple[str, ...]:
    return (one.title, *(one.text(scores.get(one.key)) for pair in parts for scores in pair))


def calibration_by_corruption(report: Report) -> Table:
    """ECE of each type, and how much of the loss of accuracy is known: two columns a model."""
    found = _calibrated(report)
    named = labels_of(report)
    rows: list[tuple[str, ...]] = [("clean", *(text for _, one in found for text in _pair(one, one.clean)))]
    sections = [1]
    for names in (report.protocol.groups or {"": report.protocol.corruptions}).values():
        rows += [
            (spoken(name), *(text for _, one in found for text in _pair(one, one.by_corruption.get(name, {}))))
            for name in names
        ]
        sections.append(len(rows))
    rows.append(
        (
            "mean of types" if report.protocol.graded else "mean of conditions",
            *(text for _, one in found for text in (percent(one.corrupted.get("ECE")), percent(one.known))),
        )
    )
    caption = ""
    if found:
        caption = with_protocol(
            report,
            f"ECE in %{of_each(report)}, lower is better; known: confidence lost / accuracy lost in %, 100 where the "
            "confidence falls as the accuracy does, 0 where it stays, below 0 where it rises; "
            "none where less than half a point of accuracy is lost",
        )
    head = (types_word(report), *(f"{named[model.name]}: {part}" for model, _ in found for part in ("ECE", "known")))
    sets = rival_sets(report, [model for model, _ in found])
    return Table(
        f"Calibration by {types_word(report)}", caption, head, tuple(rows) if found else (), sections=tuple(sections),
        rivals=Rivals(
            tuple(tuple(1 + 2 * at for at in one) for one in sets), across=True, lower=tuple(row[0] for row in rows)
        ),
    )  # fmt: skip


def _pair(summary: CalibrationSummary, scores: Scores) -> tuple[str, str]:
    return percent(scores.get("ECE")), percent(known_share(summary.clean, scores))


def notes_of(name: str, summary: CalibrationSummary) -> list[str]:
    """What a reader must know of the calibration of a model."""
    notes = []
    if summary.empty:
        notes.append(
            f"{name} has no calibration in {spoken(listed(summary.empty))}, where it found nothing: the means are over "
            "the other cells."
        )
    if summary.tempered is not None and summary.tempered.at_edge:
        notes.append(
            f"The temperature of {name}, {summary.tempered.temperature:g}, is the last one that was tried: its scores "
            "may be no logits."
        )
    return notes
