"""The lowest score over several attacks at each radius, where one report has them: SemSegBench's ReM."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmfan.evaluation.conditions import ATTACK
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import Section
from mmfan.evaluation.report.tables.words import percent, standing
from mmfan.evaluation.summary.strengths import Strengths
from mmfan.evaluation.summary.worst import lowest_by_severity
from mmfan.utils.tables import Table

LOWEST = "lowest"  # in the place of an attack's name
BUDGET = ("norm", "rounded", "target")  # settings that attacks of one budget share, beside the radius


def worst_of_attacks(sections: Sequence[Section]) -> list[Section]:
    """A section for each budget that several attacks have in common: the lowest score over them at each radius.

    A budget is norm, rounding, target, and the pictures that are attacked. A minimum is no mean: that one of the
    attacks is weak takes nothing from it. Models that lack one of them are left out.

    Args:
        sections: All of a report.
    """
    budgets: dict[str, dict[str, Section]] = {}
    for one in sections:
        condition = one.protocol.first.condition
        if one.protocol.kind == ATTACK and condition is not None and one.curves:
            shared = {key: value for key in BUDGET if (value := condition.settings.get(key)) is not None}
            attacks = budgets.setdefault(json.dumps([shared, *one.protocol.first.pictures]), {})
            name = condition.name if condition.name not in attacks else str(condition.of_strength(None))
            attacks[name] = one
    found = (_of(attacks, json.loads(key)[0]) for key, attacks in budgets.items() if len(attacks) > 1)
    return [section for section in found if section is not None]


def _of(attacks: Mapping[str, Section], budget: Mapping[str, object]) -> Section | None:
    """The section of one budget; None where no model has a radius under all attacks."""
    first = next(iter(attacks.values()))
    called = f"the lowest score of {', '.join(attacks)} ({', '.join(f'{key} {budget[key]}' for key in budget)})"
    found: list[Strengths] = []
    by: list[dict[float, str]] = []
    for curve in first.curves:
        rows: dict[str, dict[float, float]] = {
            name: next(iter(one.scores.values()))
            for name, section in attacks.items()
            for one in section.curves
            if one.run == curve.run
        }
        radii = set.intersection(*map(set, rows.values())) if len(rows) == len(attacks) else set()
        if not radii:
            continue
        lowest = lowest_by_severity({name: {at: row[at] for at in radii} for name, row in rows.items()})
        scores = {LOWEST: {at: one.score for at, one in lowest.items()}}
        found.append(replace(curve, protocol=called, scores=scores))
        by.append({at: one.corruption for at, one in lowest.items()})
    if not found:
        return None
    cells = dict.fromkeys(cell for section in attacks.values() for cell in section.protocol.cells)
    text = (
        "At each radius that all of them were judged at. SemSegBench's ReM is this over its three attacks with 20 "
        f"steps, at 8/255; over more attacks, or stronger ones, it can only be lower. {standing(first.protocol)}"
    )
    numbers = (
        {**one.to_dict(), "attacks": {str(at): name for at, name in names.items()}}
        for one, names in zip(found, by, strict=True)
    )
    return Section(
        f"{ATTACK.title}: {called}", Protocol(called, tuple(cells)), text, (_table(found, by),), (), tuple(numbers),
        tuple(found),
    )  # fmt: skip


def _table(found: Sequence[Strengths], by: Sequence[Mapping[float, str]]) -> Table:
    radii = sorted({at for names in by for at in names})
    rows = []
    for one, names in zip(found, by, strict=True):
        half = one.halves[LOWEST]
        reached = "-" if not one.clean else f"> {max(names)}" if half is None else f"{half:.2f}"
        cells = (f"{percent(one.scores[LOWEST][at])} ({names[at]})" if at in names else "-" for at in radii)
        rows.append((one.name, percent(one.clean), *cells, reached))
    caption = (
        f"the lowest {found[0].metric} in % over the attacks at each {ATTACK.strength}, and the attack that it is of; "
        "half: where half of the clean score is left"
    )
    return Table("Lowest of the attacks", caption, ("model", "clean", *map(str, radii), "half"), tuple(rows))
