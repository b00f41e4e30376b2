"""Runs of models, read from results files, each with a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mmfan.evaluation.report.contents import ReportError, Run
from mmfan.evaluation.results.record import ResultsError
from mmfan.evaluation.results.store import Record, ResultsStore, RunKey, group_runs, key_of
from mmfan.utils.commands import command_name

# What tells two runs of one model apart, in the order in which it is tried, and how it is said.
_TELLING = (
    ("checkpoint_hash", "checkpoint {:.8}"),
    ("config_hash", "config {:.8}"),
    ("dataset", "{}"),
    ("seed", "seed {}"),
    ("pictures", "pictures {:.8}"),
    ("contents", "contents {:.8}"),
    ("truth", "truth {:.8}"),
    ("metric", "metric {:.8}"),
    ("precision", "{}"),
)


def read_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Read results files, and name each model in them once.

    One run may be spread over several files. Two runs of one model name (two checkpoints, say) are told apart in their
    names. Where records do not say whose they are but for the model's name, and two files have the same cells under
    it, they are two models, named after their files.

    Args:
        paths: Results files; one that is given twice counts once.

    Raises:
        ReportError: A file is not there, holds no records, or is a card.
        mmfan.evaluation.results.store.ResultsError: A line of a file is no record.
        OSError: A file cannot be read.
    """
    found: dict[tuple[RunKey, Path | None], list[tuple[Path, list[Record]]]] = {}
    named: dict[Path, Path] = {}
    for path in map(Path, paths):
        named.setdefault(path.resolve(), path)  # under one spelling, whatever link or folder it was named by
    for path in named.values():
        if not path.exists():
            raise ReportError(f"There is no results file {path}; `{command_name('judge')}` writes one.")
        try:
            records = ResultsStore(path).records()
        except ResultsError as error:
            if _is_card(path):
                raise ReportError(
                    f"{path} is a results card, no results file; to compare one's own run with it: "
                    f"`{command_name('report')} RESULTS --check {path}`."
                ) from error
            raise
        if not records:
            raise ReportError(f"The results file {path} holds no records; judge a model first.")
        for key, own in group_runs(records).items():
            there = {key_of(record)[1] for _, others in found.get((key, None), []) for record in others}
            overlap = key.checkpoint_hash is None and any(key_of(record)[1] in there for record in own)
            found.setdefault((key, path if overlap else None), []).append((path, own))
    if not found:
        raise ReportError("Expected at least one results file, got none.")
    runs = [Run("", key, tuple((path, tuple(own)) for path, own in files)) for (key, _), files in found.items()]
    return [replace(run, name=name) for name, run in zip(_names(runs), runs, strict=True)]


def _is_card(path: Path) -> bool:
    """Whether a file begins as the cards of :mod:`..report.card` do."""
    with open(path, "rb") as file:
        return b'"mmfan_card"' in file.read(100)


def _names(runs: Sequence[Run]) -> list[str]:
    """A name for each run that no other has; where one model has several, what tells them apart stands in brackets."""
    names = [run.key.model for run in runs]
    taken = {model for model in names if names.count(model) == 1}  # a model may be called "fan (seed 0)" itself
    for model in dict.fromkeys(names):
        places = [place for place, run in enumerate(runs) if run.key.model == model]
        if len(places) == 1:
            continue
        labels = {place: runs[place].key.dataset for place in places}
        if len(set(labels.values())) < len(places):  # what else differs between data sets goes without saying
            labels = {place: _told_apart(runs[place], [runs[other] for other in places]) for place in places}
        while len(set(labels.values())) < len(places) or any(f"{model} ({own})" in taken for own in labels.values()):
            labels = {
                place: f"{label}{', ' if label else ''}run {at}" for at, (place, label) in enumerate(labels.items(), 1)
            }
        for place, label in labels.items():
            names[place] = f"{model} ({label})"
            taken.add(names[place])
    return names


def _told_apart(run: Run, others: Sequence[Run]) -> str:
    parts: list[str] = []
    for part, form in _TELLING:
        values = {getattr(other.key, part) for other in others}
        if len(values) > 1:
            value = getattr(run.key, part)
            parts.append(f"no {form.split(maxsplit=1)[0]}" if value is None else form.format(str(value)))
    if len({other.results for other in others}) > 1 and len({other.key for other in others}) < len(others):
        parts.append(run.results.name if len({other.results.name for other in others}) > 1 else str(run.results))
    return ", ".join(parts)
