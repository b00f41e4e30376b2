"""Notes of a report: what a reader must know before comparing its numbers."""

from __future__ import annotations

from collections.abc import Sequence, Set

from mmfan.corruptions.cell import Cell, listed
from mmfan.evaluation.conditions import kind_of
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import ModelReport, Run
from mmfan.evaluation.report.published import PublishedRow, same_dataset
from mmfan.evaluation.results.store import key_of
from mmfan.evaluation.summary.truth import classes_of
from mmfan.utils.text import counted, spoken

# the pictures of the validation sets that the published rows are of
PUBLISHED_PICTURES = {"cityscapes": 500, "coco": 5000, "imagenet": 50000}


def number_of_pictures(run: Run) -> int | None:
    """How many pictures a model was judged on, if its records say: a number, or one before the hash of their list."""
    number = str(run.key.pictures).partition("-")[0]
    return int(number) if number.isdecimal() else None


def limit_of(run: Run) -> str | int | None:
    """The limit that chose the pictures of a run; None where there was none, or the set has no more than it asks for.

    Records of one run are of the same pictures: where some were made without a limit, the limit of others chose none.
    """
    said = [record.get("limit") for record in run.records]
    limits = [limit for limit in said if limit is not None]
    number = number_of_pictures(run)
    if not limits or len(limits) < len(said):
        return None
    return None if number is not None and any(isinstance(one, int) and one > number for one in limits) else limits[0]


def _other_classes(protocol: Protocol, model: ModelReport) -> list[str]:
    """Cells of pictures of their own whose truth holds other classes than the clean one: their means are over these."""
    records = {key_of(record)[1]: record for record in model.run.records}
    clean = classes_of(records[protocol.reference]) if protocol.reference in records else None
    found = {}
    for cell in (cell for cell in protocol.cells if kind_of(cell).other_pictures):
        own = classes_of(records[cell]) if cell in records else None
        if own and clean and own.held != clean.held:
            found[str(cell)] = f"{cell} {len(own.held)}"
    if not found or clean is None:
        return []
    return [
        f"Means are over the classes that the truth of each set holds: the clean reference {len(clean.held)} of "
        f"{clean.named}, {', '.join(found.values())}."
    ]


def notes_on(protocol: Protocol, models: Sequence[ModelReport], published: Sequence[PublishedRow]) -> list[str]:
    """What is partial, a subset, unlike or quoted, a sentence each."""
    notes = []
    for model in models:
        if model.summary.partial:
            missing = model.summary.missing
            notes.append(f"PARTIAL: {model.name} lacks {counted(len(missing), 'cell')}: {spoken(listed(missing))}.")
        if model.run.key.unchecked and model.run.key.config_hash is not None:
            notes.append(
                f"The records of {model.name} do not say which contents of pictures and labels they are of (mmfan "
                "before 0.2.0 wrote them): whether the data changed between two cells cannot be told."
            )
        limit = limit_of(model.run)
        if limit is not None:
            notes.append(f"{model.name} was judged on a subset of the pictures ({limit}).")
        said: dict[str, list[Cell]] = {}
        for record in model.run.records:
            if record.get("note"):
                said.setdefault(str(record["note"]), []).append(key_of(record)[1])
        notes += [f"{model.name}, {spoken(listed(cells))}: {note}" for note, cells in said.items()]
    notes += list(dict.fromkeys(note for model in models for note in _other_classes(protocol, model)))
    own_sets = {model.summary.dataset for model in models}
    for row in published:
        if row.protocol != protocol.name:
            notes.append(
                f"{row.name} ({row.label}) is not comparable in corrupted score and retention: this report is on "
                f"{protocol.name}, {counted(protocol.size, 'cell')}."
            )
        if not any(same_dataset(row.dataset, name) for name in own_sets):
            notes.append(f"{row.name} was judged on {row.dataset}, not on {' or '.join(sorted(own_sets))}.")
        counts = {number_of_pictures(model.run) for model in models} - {None, PUBLISHED_PICTURES[row.dataset]}
        if counts:
            own = " and ".join(map(str, sorted(filter(None, counts))))
            notes.append(f"{row.name} was judged on {PUBLISHED_PICTURES[row.dataset]} pictures, not on {own}.")
    named: dict[str, list[str]] = {}
    for row in published:
        for note in filter(None, (row.quoted, row.note)):
            named.setdefault(note, []).append(row.name)
    notes += [f"{', '.join(names)}: {note}" for note, names in named.items()]
    for what, values in (
        ("data sets", own_sets),
        ("seeds of the corruptions", {model.run.key.seed for model in models}),
        ("lists of pictures", {model.run.key.pictures for model in models}),
    ):
        notes += _unlike(what, values)
    return notes + _stored_beside_made(models)


def _stored_beside_made(models: Sequence[ModelReport]) -> list[str]:
    """That some models were judged on corrupted pictures of others (ImageNet-C's archive), and some on our own."""
    stored = [model.name for model in models if any(record.get("source") == "stored" for record in model.run.records)]
    if not 0 < len(stored) < len(models):
        return []
    return [
        f"The corrupted pictures of {', '.join(stored)} are stored ones, made by others, those of the other models are "
        "not: their corrupted scores and retentions are not comparable."
    ]


def _unlike(what: str, values: Set[str | int | None]) -> list[str]:
    """That models were judged on different things, or may have been, where the records of some do not say."""
    if len(values) < 2:
        return []
    known = sorted(str(value) for value in values if value is not None)
    told = ", ".join([*known, *(["not recorded"] if None in values else [])])
    return [
        f"The models {'were' if len(known) > 1 else 'may have been'} judged on different {what} ({told}); compare with "
        "care."
    ]
