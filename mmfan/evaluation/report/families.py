"""Families of a report: a section for each, with its own tables; no mean is taken over two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions import at_work, beside_of, plain_of
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.protocol.definition import family_text
from mmfan.evaluation.report.contents import ModelReport, Report, Run, Section
from mmfan.evaluation.report.tables.cues import cue_summaries, cue_tables, trained_on
from mmfan.evaluation.report.tables.words import percent, standing
from mmfan.evaluation.results.store import key_of
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.strengths import Strengths, summarize_strengths
from mmfan.evaluation.summary.summary import Summary, summarize
from mmfan.evaluation.summary.truth import values_of
from mmfan.utils.tables import Table
from mmfan.utils.text import counted, one_line, signed, spoken

MOST = 100_000  # letters of a note
# Makes the report of some runs on a protocol of one family.
Build = Callable[[Sequence[Run], Protocol], Report]


def sections_of(
    runs: Sequence[Run], families: Sequence[Protocol], metric: str, build: Build, *, partial: bool
) -> tuple[list[Section], list[str]]:
    """The sections of families.

    Args:
        runs: All of a report; those without a cell of a family are not in its section.
        families: Protocols of one family each.
        metric: Which metric.
        build: Makes the report of a family whose scores are averaged.
        partial: Take runs that lack cells too.

    Returns:
        The sections, and which families have none and why, a sentence each.
    """
    made, notes = [], []
    shorts = _shorts(families)
    for family in families:
        own = [run for run in runs if any(key_of(record)[1] in family.cells for record in run.records)]
        try:
            if not own:
                raise SummaryError("no model was judged on it")
            found = _averaged(own, family, metric, build) if family.kind.averaged else None
            found = found or (_each if family.kind.each else _by_strength)(own, family, metric, partial)
            before = shorts[family.name]
            tables = (
                replace(one, title=f"{before}: {one.title}" if before != one.title else before) for one in found.tables
            )
            # names of models and protocols come from files: no line of theirs begins another one in a report
            text, said = one_line(found.text, MOST), tuple(one_line(note, MOST) for note in found.notes)
            made.append(replace(found, tables=tuple(tables), text=text, notes=said))
        except SummaryError as error:
            notes.append(one_line(f"There is no section on {family.name}: {error}", MOST))
    return made, notes


def _shorts(families: Sequence[Protocol]) -> dict[str, str]:
    """What stands before the titles of a family's tables: a name, with settings where two families have one name."""
    names = {family.name: _short(family) for family in families}
    twice = [name for name in names.values() if list(names.values()).count(name) > 1]
    return {one.name: family_text(one.first) if names[one.name] in twice else names[one.name] for one in families}


def _short(family: Protocol) -> str:
    condition, kind = family.first.condition, family.kind
    if condition is None:
        return family.name
    return kind.title if kind.together or kind.each else condition.name


def title_of(family: Protocol) -> str:
    """The heading of a family."""
    told = "" if family.first.condition is None or family.kind.each else f": {family_text(family.first)}"
    return f"{family.kind.title}{told}"


def text_of(family: Protocol) -> str:
    """What the scores of a family are held against, and what they can be compared with."""
    return f"Protocol {family.name}. {standing(family)}".rstrip()


def _averaged(runs: Sequence[Run], family: Protocol, metric: str, build: Build) -> Section:
    """The section of a family that has means, and so a retention."""
    report = build(runs, family)
    title = title_of(family)
    numbers = tuple({"name": model.name, **model.summary.to_dict()} for model in report.models)
    return Section(title, family, text_of(family), report.tables, report.notes, numbers)


def beside_the_model(report: Report) -> Table:
    """The scores under a condition beside those of the model as it is, as far as they were judged: rows are models.

    Empty where nothing adapts.
    """
    family, metric = report.protocol, report.metric
    head = (
        "model", "clean", "clean, with it", "corrupted", "corrupted, with it", "gain", "retention", "retention, with it"
    )  # fmt: skip
    if plain_of(family.first) is None:
        return Table("", "", head, ())
    rows = []
    for model in report.models:
        plain, clean = _as_it_is(model, family, metric), _clean_with_it(model, family, metric)
        gain = "-" if plain is None else signed(100 * (model.summary.corrupted - plain.corrupted))
        rows.append(
            (
                model.name, percent(model.summary.clean), percent(clean), percent(plain.corrupted if plain else None),
                percent(model.summary.corrupted), gain, percent(plain.retention if plain else None),
                percent(model.summary.retention),
            )
        )  # fmt: skip
    caption = (
        f"{metric} and retention in %, of the model as it is and with {at_work(family.first)}, over the same "
        f"{counted(family.size, 'cell')}; the gain in points; both retentions are held against the first column"
    )
    return Table("Beside the model as it is", caption, head, tuple(rows))


def _as_it_is(model: ModelReport, family: Protocol, metric: str) -> Summary | None:
    cells = dict.fromkeys(one for one in map(plain_of, family.cells) if one is not None)
    plain = Protocol("the same pictures", tuple(cells), family.groups)
    try:
        return summarize(model.run.records, plain, metric)
    except SummaryError:
        return None  # they were not judged without it


def _clean_with_it(model: ModelReport, family: Protocol, metric: str) -> float | None:
    wanted: Cell | None = beside_of(family.first)
    record = next((one for one in model.run.records if key_of(one)[1] == wanted), None)
    if wanted is None or record is None:
        return None
    return values_of({wanted: record}, metric)[0][wanted]


def _each(runs: Sequence[Run], family: Protocol, metric: str, partial: bool) -> Section:
    """The section of a family whose conditions stand each for itself."""
    found = cue_summaries(runs, family, metric, partial)
    numbers = tuple(one.to_dict() for one in found)
    return Section(
        title_of(family), family, text_of(family), cue_tables(found, metric), trained_on(runs, family), numbers
    )


def _by_strength(runs: Sequence[Run], family: Protocol, metric: str, partial: bool) -> Section:
    """The section of a family without means: its scores at each strength."""
    found = [replace(summarize_strengths(run.records, family, metric, partial=partial), name=run.name) for run in runs]
    title = title_of(family)
    types = dict.fromkeys(name for one in found for name in one.scores)
    tables = tuple(_strength_table(found, name, family, metric) for name in types)
    numbers = tuple(one.to_dict() for one in found)
    return Section(title, family, text_of(family), tables, (), numbers, tuple(found))


def _strength_table(found: Sequence[Strengths], name: str, family: Protocol, metric: str) -> Table:
    """The scores of one type: rows are models, columns strengths."""
    levels = sorted({level for one in found for level in one.scores.get(name, {})})
    what = family.kind.strength or "strength"
    rows = []
    for one in found:
        half, own = one.halves.get(name), one.scores.get(name, {})
        scores = (percent(own.get(level)) for level in levels)
        # beyond the largest that this one was judged at: a partial run may lack those of others
        reached = "-" if not one.clean or not own else f"> {max(own)}" if half is None else f"{half:.2f}"
        rows.append((one.name, percent(one.clean), *scores, reached))
    caption = (
        f"{metric} in % at each {what}; half: the {what} at which half of the clean score is left, between those "
        "judged, or that it is more than the largest"
    )
    return Table(spoken(name), caption, ("model", "clean", *map(str, levels), "half"), tuple(rows))
