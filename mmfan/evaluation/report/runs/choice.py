"""Choice of what a report is made on where nothing is named: its protocol, its metric, its models."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mmfan.corruptions.cell import CLEAN, Cell, listed
from mmfan.evaluation.conditions import family_of, plain_of, reference_of
from mmfan.evaluation.protocol import PROTOCOLS, Protocol, get_protocol, protocol_of_cells, read_protocol
from mmfan.evaluation.report.contents import ReportError, Run
from mmfan.evaluation.results.recorded_protocol import recorded_protocols
from mmfan.evaluation.results.store import key_of
from mmfan.utils.text import counted, did_you_mean, one_line, shortlist

RECORDED = "recorded"
FIRST_METRIC = "mIoU"


def choose_models(runs: Sequence[Run], names: Sequence[str]) -> list[Run]:
    """The runs of some models.

    Args:
        runs: From :func:`mmfan.evaluation.report.read_runs`.
        names: Of models, or of runs as a report shows them; none for all.

    Raises:
        ReportError: There is no such model.
    """
    chosen = list(runs)
    if names:
        chosen = []
        for name in names:
            found = [run for run in runs if run.name == name] or [run for run in runs if run.key.model == name]
            if not found:
                there = list(dict.fromkeys(run.name for run in runs))
                raise ReportError(
                    f"There is no model {name!r} in the results.{did_you_mean(name, there)} There are "
                    f"{', '.join(map(repr, there))}."
                )
            chosen += [run for run in found if run not in chosen]
    return chosen


def choose_groups(runs: Sequence[Run], asked: Sequence[str]) -> dict[str, list[str]]:
    """The groups that a command line asks for.

    Runs of several data sets under one name make a group for each set, with its name in brackets; the only run of a set
    stays by itself then.

    Args:
        runs: From :func:`mmfan.evaluation.report.read_runs`.
        asked: ``NAME=RUN,RUN,...`` each; a run is named as in :func:`choose_models`, or by a pattern with ``*``.

    Returns:
        Name of a group -> names of its runs.

    Raises:
        ReportError: One is not of that form, is named twice, or names no run.
    """
    groups: dict[str, list[str]] = {}
    for said in asked:
        name, equals, members = (part.strip() for part in said.partition("="))
        if not name or not equals or not members:
            raise ReportError(f"Expected a group as NAME=RUN,RUN,... or NAME='RUN*', got {said!r}.")
        chosen: dict[str, Run] = {}
        for part in [members] if _matching(runs, members) else members.split(","):
            found = _matching(runs, part.strip())
            if not found:
                there = list(dict.fromkeys(run.name for run in runs))
                raise ReportError(
                    f"There is no run {part.strip()!r} for the group {name!r}.{did_you_mean(part, there)} There are "
                    f"{', '.join(map(repr, there))}."
                )
            chosen.update((run.name, run) for run in found)
        found_in = [run.key.dataset for run in chosen.values()]
        several = [dataset for dataset in dict.fromkeys(found_in) if found_in.count(dataset) > 1]
        datasets = several or list(dict.fromkeys(found_in))
        for dataset in datasets:
            title = name if len(datasets) == 1 else f"{name} ({dataset})"
            if title in groups:
                raise ReportError(f"There are two groups of the name {title!r}.")
            groups[title] = [run.name for run in chosen.values() if run.key.dataset == dataset]
    return groups


def _matching(runs: Sequence[Run], text: str) -> list[Run]:
    """The runs of a name, of a model's name, or of a pattern, whichever is met first."""
    return (
        [run for run in runs if run.name == text]
        or [run for run in runs if run.key.model == text]
        or [run for run in runs if fnmatchcase(run.name, text)]
    )


def choose_metric(runs: Sequence[Run]) -> str:
    """MIoU where all have it, else the first metric of the first run that all have: bbox_mAP of detectors.

    Raises:
        ReportError: There are no runs, or none of their metrics is common to them.
    """
    each = [dict.fromkeys(name for record in run.records for name in record["metrics"]) for run in runs]
    of_files = len({run.results for run in runs}) > 1
    common = [name for name in (each[0] if each else ()) if all(name in names for names in each)]
    if FIRST_METRIC in common or len(common) > 0:
        return FIRST_METRIC if FIRST_METRIC in common else common[0]
    told = "; ".join(
        f"{f'{run.results.name}: {run.name}, ' if of_files else f'{run.name}: '}{shortlist(list(names))}"
        for run, names in zip(runs, each, strict=True)
    )
    raise ReportError(f"The models have no metric in common ({told}). Choose some with --model.")


def choose_protocol(runs: Sequence[Run]) -> Protocol:
    """The protocol that runs were judged on: the one recorded last that all of them have every cell of.

    It is of one family: of corruptions, where there are cells of any, else of real weather before attacks, and of a
    model as it is before one that adapts.
    :func:`choose_families` finds the others.

    Records that do not say (written by hand, or by older versions) are taken to be of a named protocol whose cells are
    all there. Where one protocol was recorded alone it is taken whether its cells are there or not, so that what is
    missing is told.

    Raises:
        ReportError: The records do not tell, or the runs were judged on different protocols.
        mmfan.evaluation.results.store.ResultsError: A record names a protocol that is none.
    """
    cells = [{key_of(record)[1] for record in run.records} for run in runs]
    each = [_families_recorded(run) or _filled(own) for run, own in zip(runs, cells, strict=True)]
    corrupted = any(cell.condition is None and cell != CLEAN for own in cells for cell in own)
    if corrupted and any(not family_of(one.first) for found in each for one in found):
        each = [[one for one in found if not family_of(one.first)] for found in each]
    # a model that adapts stands beside itself as it is, where it was judged so; what has no mean beside what has one
    for protocol in sorted((one for found in each for one in found), key=_behind):
        if all(own >= {protocol.reference, *protocol.cells} for own in cells):
            return protocol
    firsts = [found[0] for found in each if found]
    if len(firsts) == len(runs) and all(first == firsts[0] for first in firsts):
        return firsts[0]
    raise ReportError(_told(runs, each, cells))


def _behind(family: Protocol) -> tuple[bool, bool]:
    return not family.kind.averaged, plain_of(family.first) is not None


def _families_recorded(run: Run) -> list[Protocol]:
    """The families of the protocols that a run was judged on, the last one's first."""
    return [family for protocol in recorded_protocols(run.records) for family in protocol.families]


def choose_families(runs: Sequence[Run], chosen: Protocol) -> list[Protocol]:
    """The families of cells that runs have beside those of the chosen protocol: a protocol each, in the order met.

    Of each family the protocol that was recorded last and that some run has every cell of; where none is whole, the one
    recorded last, so that what is missing is told.
    """
    own_families = {family_of(family.first) for family in chosen.families}
    found: dict[tuple[object, ...], list[Protocol]] = {}
    for run in runs:
        for family in _families_recorded(run):
            key = family_of(family.first)
            if key and key not in own_families:
                found.setdefault(key, []).append(family)
    cells = [{key_of(record)[1] for record in run.records} for run in runs]
    said = {key: [one for one in each if any(own >= set(one.cells) for own in cells)] for key, each in found.items()}
    references = {reference_of(cell) for own in cells for cell in own}
    judged = (cell for own in cells for cell in own if cell not in references)
    met = dict.fromkeys(key for cell in judged if (key := family_of(cell)) and key not in own_families)
    left = [key for key in met if key not in found]  # written by hand: the protocol of what there is
    by_hand = [protocol_of_cells(sorted({c for own in cells for c in own if family_of(c) == key})) for key in left]
    return [*((said[key] or each)[0] for key, each in found.items()), *by_hand]


def other_protocols(runs: Sequence[Run], chosen: Protocol) -> list[str]:
    """What runs were judged on last where that is not the protocol that was chosen for all of them; a sentence each."""
    told = []
    for run in runs:
        recorded = [one for one in _families_recorded(run) if family_of(one.first) == family_of(chosen.first)]
        last = next(iter(recorded), chosen)
        if last != chosen:
            there = len({last.reference, *last.cells} & {key_of(record)[1] for record in run.records})
            state = "" if there == last.size + 1 else f", of which {there} of {last.size + 1} cells are there"
            told.append(f"{run.name} was judged on {last.name} last{state}; this report is on {chosen.name}.")
    return told


def _filled(cells: set[Cell]) -> list[Protocol]:
    """The named protocols whose cells are all there: the one that has no others first, then the first of the table."""
    filled = [protocol for protocol in PROTOCOLS.values() if cells >= {CLEAN, *protocol.cells}]
    return sorted(filled, key=lambda protocol: {CLEAN, *protocol.cells} != cells)


def _told(runs: Sequence[Run], each: Sequence[Sequence[Protocol]], cells: Sequence[set[Cell]]) -> str:
    parts = []
    of_files = len({run.results for run in runs}) > 1
    for run, found, own in zip(runs, each, cells, strict=True):
        there = listed(sorted(own - {CLEAN})) or "no corrupted cell"
        said = ", ".join(protocol.name for protocol in found) or f"not recorded, with {there}"
        parts.append(f"{run.results.name}: {run.name}, {said}" if of_files else f"{run.name}: {said}")
    problem = f"The {counted(len(runs), 'model')} have no protocol in common"
    cure = f"Name one: --protocol {RECORDED} averages over all cells of the files, --protocol kamann16 over its own"
    if not any(each):
        problem = "The records do not say which protocol they are of"
    elif len(runs) > 1:
        cure += "; or choose models with --model"
    return one_line(f"{problem} ({'; '.join(parts)}). {cure}.", 4000)


def find_protocol(text: str, runs: Sequence[Run]) -> Protocol:
    """The protocol that a command line names: one of mmfan's, of a file, in JSON, of the records by its name.

    Args:
        text: ``'kamann16'``, ``'night.json'``, ``'{"corruptions": ["fog"]}'``, the name of one that the records
            describe, or ``'recorded'``: the cells that are there.
        runs: Of which the records may describe it.

    Raises:
        mmfan.evaluation.protocol.ProtocolError: There is no such protocol.
        OSError: The file cannot be read.
    """
    if text == RECORDED:
        cells = (key_of(record)[1] for run in runs for record in run.records)
        return protocol_of_cells(cells, RECORDED)
    asked = read_protocol(text)
    if isinstance(asked, str) and asked not in PROTOCOLS:
        described = [protocol for run in runs for protocol in recorded_protocols(run.records)]
        return next((protocol for protocol in described if protocol.name == asked), None) or get_protocol(asked)
    return get_protocol(asked)
