"""Tables of classifiers: ImageNet-C's scores, and accuracies on sets that are the shift themselves (ImageNet-A, -R)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.report.contents import ModelReport, OtherSet, Report, Run
from mmfan.evaluation.report.published import PublishedRow
from mmfan.evaluation.report.tables.words import MISSING, percent, published_name
from mmfan.evaluation.results.recorded_protocol import recorded_protocols
from mmfan.evaluation.results.store import is_defined, key_of
from mmfan.evaluation.summary.imagenet_c import METRIC, ImageNetC, imagenet_c_of
from mmfan.evaluation.summary.selection import per_class_of
from mmfan.utils.tables import Rivals, Table

_SCORES = ("clean", "15 types", "19 types", "types not stated", "retention", "mCE", "relative mCE")
_SOURCES = {"stored": "as stored", "fly": "made while judging", "disk": "of a corrupted set"}


def other_sets(runs: Sequence[Run]) -> tuple[list[Run], list[OtherSet]]:
    """The runs with corrupted cells, and the scores of the classifiers that have clean pictures alone.

    A run that has no more than its clean pictures so far is none of these: its protocol has cells, which are missing.
    """
    kept: list[Run] = []
    others: list[OtherSet] = []
    for run in runs:
        records = run.records
        clean = all(key_of(record)[1] == CLEAN and METRIC in record["metrics"] for record in records)
        if clean and not any(protocol.cells for protocol in recorded_protocols(records)):
            key, told = run.key, records[-1]["metrics"]
            metrics = {name: value if is_defined(value) else None for name, value in told.items()}
            others.append(OtherSet(key.model, key.dataset, metrics, run.name, key.checkpoint_hash))
        else:
            kept.append(run)
    return kept, others


def imagenet_scores(report: Report) -> Table:
    """ImageNet-C's scores, and those on other sets: rows are models, then published ones.

    Models of sets with few classes are left out: AlexNet's errors are those among a thousand. What is best is told
    among models of one data set whose corrupted pictures were made alike.
    """
    found = [(model, imagenet_c_of(model.summary)) for model in report.models if not _few_classes(model)]
    own = [(model, scores) for model, scores in found if scores is not None]
    published = [row for row in report.published if row.metric == METRIC]
    if not own:
        return Table("ImageNet-C", "", ("model", *_SCORES), ())
    sets = _datasets(other.dataset for other in report.others if any(other.of(model.run) for model, _ in own))
    sets += [name for row in published for name in row.more if name != "mCE" and name not in sets]
    sets = list(dict.fromkeys(sets))
    several = len({model.summary.dataset for model, _ in own}) > 1
    rows = [
        (model.name, *([model.summary.dataset] if several else []), _pictures(model), *_own(model, scores),
         *_others(report, model, sets))
        for model, scores in own
    ]  # fmt: skip
    rows += [
        (published_name(report, row), *([row.dataset] if several else []), MISSING, *_published(row, sets))
        for row in published
    ]
    caption = (
        "top-1 accuracy in %; over the 15 common types, over all 19, and as published where it is not stated which; "
        "retention is that of the 15 (of published rows, of what is printed); mCE over the 15 with AlexNet's published "
        "errors, lower is better; only pictures as stored can be compared with published rows"
    )
    alike = _alike([model for model, _ in own])
    caption += "; what is best is marked among models of the same pictures" if len(alike) > 1 else ""
    rivals = Rivals(alike, only=("clean", *_SCORES[1:3], *_SCORES[4:]), lower=_SCORES[5:])
    sections = (len(own),) if published else ()
    words = ("model", *(["data set"] if several else []), "pictures")
    return Table("ImageNet-C", caption, (*words, *_SCORES, *sets), tuple(rows), len(words), sections, rivals)


def table_of_sets(others: Sequence[OtherSet]) -> Table:
    """Accuracies on the clean pictures of several sets: rows are models and sets."""
    metrics = list(dict.fromkeys(name for other in others for name in other.metrics))
    places = [(one.model, one.dataset) for one in others]
    named = [one.run if places.count(place) > 1 else one.model for one, place in zip(others, places, strict=True)]
    rows = [
        (name, one.dataset, *(percent(one.metrics.get(metric)) for metric in metrics))
        for name, one in zip(named, others, strict=True)
    ]
    return Table("Clean pictures", "scores in %", ("model", "data set", *metrics), tuple(rows), 2)


def _few_classes(model: ModelReport) -> bool:
    """Whether the set has so few classes that records tell the score of each: Imagenette, a part of ImageNet."""
    return any(per_class_of(record).get(METRIC) for record in model.run.records)


def _datasets(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_plain(name) for name in names))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _pictures(model: ModelReport) -> str:
    found = {_SOURCES.get(str(record.get("source")), MISSING) for record in model.run.records}
    return ", ".join(sorted(found))


def _alike(models: Sequence[ModelReport]) -> tuple[tuple[int, ...], ...]:
    """The numbers of the models of one data set whose corrupted pictures come from the same place in the same form."""
    sets: dict[tuple[str, ...], list[int]] = {}
    for place, model in enumerate(models):
        forms = {str(record.get("form")) for record in model.run.records}
        sets.setdefault((model.summary.dataset, _pictures(model), *sorted(forms)), []).append(place)
    return tuple(map(tuple, sets.values()))


def _own(model: ModelReport, scores: ImageNetC) -> list[str]:
    error = scores.error
    parts = (model.summary.clean, scores.acc15, scores.acc19, None, scores.retention15, error.mce, error.relative_mce)
    return [percent(part) for part in parts]


def _others(report: Report, model: ModelReport, sets: Sequence[str]) -> list[str]:
    """The accuracies of a model on other sets; none where several of its runs on a set give different ones."""
    there: dict[str, set[float | None]] = {}
    for one in report.others:
        if one.of(model.run):
            there.setdefault(_plain(one.dataset), set()).add(one.metrics[METRIC])
    return [percent(next(iter(found)) if len(found := there.get(name, set())) == 1 else None) for name in sets]


def _published(row: PublishedRow, sets: Sequence[str]) -> list[str]:
    parts = (row.clean, None, None, row.corrupted, row.retention, row.more.get("mCE"), None)
    return [percent(part) for part in (*parts, *(row.more.get(name) for name in sets))]
