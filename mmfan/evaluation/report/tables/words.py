"""Words and rounded numbers that the tables of a report share: percentages, names of models, captions."""

from __future__ import annotations

import string

from mmfan.evaluation.conditions import reference_text
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.published import PublishedRow
from mmfan.evaluation.results.store import is_defined
from mmfan.evaluation.summary.uncertainty.spread import Spread
from mmfan.utils.text import counted, one_line, spoken

MISSING = "-"
# model names side by side that are wider than this are replaced by letters
WIDEST_HEADER = 90


def percent(fraction: float | Spread | None, digits: int = 1) -> str:
    """A fraction as a percentage, a spread with its standard deviation; what is not there as a dash.

    >>> percent(0.70314), percent(1), percent(None), percent(float("nan"))
    ('70.3', '100.0', '-', '-')
    >>> percent(Spread(0.8124, 0.0031, 0.81, 0.815, 3))
    '81.2 ± 0.3'
    """
    if isinstance(fraction, Spread):
        return f"{100 * fraction.mean:.{digits}f} ± {100 * fraction.std:.{digits}f}"
    return f"{100 * fraction:.{digits}f}" if is_defined(fraction) else MISSING


def labels_of(report: Report) -> dict[str, str]:
    """What models and groups are called at the head of columns: their names, or letters where those are too wide."""
    names = [entry.name for entry in report.entries]
    models = [model.name for model in report.models]
    columns = 2 if any(model.per_class for model in report.models) else 1
    widest = max(sum(map(len, one)) for one in (names, models)) * columns
    names += [model.name for model in report.members]
    if widest <= WIDEST_HEADER:
        return {name: name for name in names}
    letters = string.ascii_uppercase
    return {
        name: letters[at] if at < len(letters) else f"{letters[at // 26 - 1]}{letters[at % 26]}"
        for at, name in enumerate(names)
    }


def labels(report: Report) -> list[str]:
    """The label of each model; see :func:`labels_of`."""
    named = labels_of(report)
    return [named[model.name] for model in report.models]


def sources(report: Report) -> list[str]:
    """Where the published rows come from, each once."""
    return list(dict.fromkeys(row.source for row in report.published))


def published_name(report: Report, row: PublishedRow) -> str:
    """What a published row is called in tables: with the number of its source, and whether it is quoted."""
    return f"{row.name} [{sources(report).index(row.source) + 1}]{'†' if row.quoted else ''}"


def sentence(text: str) -> str:
    """A caption as a sentence; names like mIoU keep their first letter.

    >>> sentence("mIoU in %"), sentence("mean drop")
    ('mIoU in %.', 'Mean drop.')
    """
    first = text.split(maxsplit=1)[0] if text else ""
    return f"{text[:1].upper() if first.islower() else text[:1]}{text[1:]}."


def with_protocol(report: Report, what: str) -> str:
    """What is shown, with the protocol and the number of cells; per model where those differ."""
    found = dict.fromkeys(model.summary.label for model in report.models)
    if len(found) == 1:
        return f"{what}; {next(iter(found))}"
    named = labels_of(report)
    each = (f"{named[model.name]}: {model.summary.label}" for model in report.models)
    return f"{what}; {'; '.join(each)}"


def title(report: Report) -> str:
    """The name of the report."""
    return one_line(f"Robustness: {report.metric} on {report.protocol.name}")


def preamble(report: Report) -> str:
    """What the report was taken over, in words."""
    of = "" if report.protocol.kind.strength not in ("", "severity") else " of corruption"
    types = counted(len(report.protocol.corruptions), "type" if report.protocol.graded else "condition")
    return one_line(
        f"Protocol {report.protocol.name}: {counted(report.protocol.size, 'cell')} beside the clean pictures, "
        f"{types}{of}; {report.protocol.averaging}. Source: {report.protocol.source}. {standing(report.protocol)}"
    )


def standing(protocol: Protocol) -> str:
    """What the scores of a family are held against, where that goes without saying not, and what compares with them.

    >>> from mmfan.evaluation.protocol import get_protocol
    >>> standing(get_protocol("level5"))
    'Comparable with papers that name the same protocol.'
    """
    compared = f"Comparable with {protocol.kind.comparable}." if protocol.kind.comparable else ""
    held = "" if protocol.first.condition is None else f"Held against {reference_text(protocol.first)}. "
    return f"{held}{compared}"


def cell_words(name: str, level: float, graded: bool) -> str:
    """A cell in a table: its type, and its severity where types have some.

    >>> cell_words("motion_blur", 3, True), cell_words("night", 1, False)
    ('motion blur 3', 'night')
    """
    return f"{spoken(name)} {level}" if graded else spoken(name)


def of_each(report: Report) -> str:
    """What the score of a type is taken over, for a caption."""
    return ", mean over the severities of each corruption" if report.protocol.graded else " of each condition"


def types_word(report: Report) -> str:
    """What the types are called: corruptions, or conditions of real weather."""
    return "corruption" if report.protocol.graded else "condition"
