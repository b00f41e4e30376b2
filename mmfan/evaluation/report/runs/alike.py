"""Likeness of runs: what they must have in common before their scores are ranked, or joined to a mean."""

from __future__ import annotations

from collections.abc import Sequence

from mmfan.evaluation.report.contents import ReportError, Run

# what must agree, and how it is said; a run whose records do not say it is taken at its word
_SAME = (("dataset", "data sets"), ("pictures", "lists of pictures"), ("contents", "bytes of the pictures"))
# what may differ without making the comparison wrong, and what it then means
_SAID = (
    ("seed", "base seeds of the corruptions", "a small part of the differences is that of the draws"),
    ("metric", "settings of the metric (or ways of judging)", "see that they score alike"),
    ("precision", "precisions", "a part of the differences may be theirs"),
)


def check_alike(runs: Sequence[Run], who: str, what: str) -> list[str]:
    """See that runs were judged on the same pictures and labels.

    Args:
        runs: At least one.
        who: They are, in words: ``models on cityscapes``.
        what: Cannot be done otherwise: ``be ranked``.

    Returns:
        What else differs between them, a sentence each.

    Raises:
        ReportError: They were not; the message says which file has which.
    """
    same = list(_SAME)
    if len({run.key.metric for run in runs}) == 1:
        # the two drivers tell of annotations in their own ways
        same.append(("truth", "labels"))
    for part, said in same:
        values = _values(runs, part)
        if len(values) > 1:
            raise ReportError(
                f"The {who} cannot {what}: they were judged on unlike {said} ({_each(runs, part)}). "
                "Choose those that are alike: --model."
            )
    notes = [
        f"The {who} were judged with unlike {said} ({_each(runs, part)}): {meaning}."
        for part, said, meaning in _SAID
        if len(_values(runs, part)) > 1
    ]
    silent = [run.name for run in runs if run.key.contents is None]
    if silent and len(runs) > 1:
        notes.append(
            f"That the {who} were judged on the same pictures is taken on trust; the records do not say it of "
            f"{', '.join(silent)}."
        )
    return notes


def _values(runs: Sequence[Run], part: str) -> set[object]:
    return {getattr(run.key, part) for run in runs} - {None}


def _each(runs: Sequence[Run], part: str) -> str:
    return "; ".join(f"{run.results.name}: {run.name}, {getattr(run.key, part)}" for run in runs)
