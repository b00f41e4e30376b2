"""Facts that a report's numbers stand on, from its records: data, pictures, seed, protocol, weights, versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from mmfan.evaluation.report.contents import Report, Run
from mmfan.evaluation.report.notes import limit_of
from mmfan.evaluation.report.page.markup import Markup, element, joined, plain
from mmfan.evaluation.report.tables.words import standing
from mmfan.evaluation.results.hashes import HASH_LENGTH
from mmfan.evaluation.results.store import Record, key_of
from mmfan.utils.text import counted, duration, one_line
from mmfan.version import __version__

UNKNOWN = "not recorded"
LONG = 80  # letters; longer values get a line of the page
MOST_SECONDS = 1e9  # that a cell can have taken: thirty years
_ARXIV = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DOORS = {
    "fly": "made on the fly, while the model was judged",
    "disk": "read from a corrupted set on disk",
    "stored": "read as they were published, corrupted by others",
}


class Own(NamedTuple):
    """One run, and its records of the report's cells.

    Attributes:
        classes: Over which its means are, where that is not all.
    """

    run: Run
    records: tuple[Record, ...]
    classes: str = ""

    @classmethod
    def all_of(cls, report: Report) -> list[Own]:
        """Those of a report; where it has no models, those of its families."""
        of_model = {model.name: model.summary for model in report.models}
        protocols = [report.protocol] if report.models else [one.protocol for one in report.sections]
        cells = {cell for protocol in protocols for cell in (protocol.reference, *protocol.cells)}
        found = []
        for run in report.runs or [model.run for model in report.models]:
            summary = of_model.get(run.name)
            classes = str(summary.classes) if summary is not None and summary.over_some_classes else ""
            records = tuple(record for record in run.records if key_of(record)[1] in cells)
            found.append(cls(run, records, classes))
        return found

    def values(self, key: str) -> list[Any]:
        """What the records say under a key, each once."""
        found: list[Any] = []
        for record in self.records:
            value = record.get(key)
            if value is not None and value not in found:
                found.append(value)
        return found


class Fact(NamedTuple):
    """One line of the list: its title, and what a model's records tell of it; empty where they tell nothing."""

    title: str
    told: Callable[[Own], str]


def trust(report: Report) -> Markup:
    """The list of facts: one value where all models agree, else one a model."""
    models = Own.all_of(report)
    protocol = _entry("protocol", joined(*_protocol(report), between=" "), wide=True)
    return element(
        "section",
        element("h2", "What the numbers stand on"),
        element("dl", protocol, *(_line(fact, models) for fact in FACTS), class_="facts"),
        element(
            "details",
            element("summary", "Further hashes"),
            element("dl", *(_line(fact, models) for fact in HASHES), class_="facts"),
        ),
        id="facts",
    )


def linked(text: str) -> Markup:
    """A text with links to the papers on arXiv that it names.

    >>> linked("see arXiv 1908.05005")
    'see <a href="https://arxiv.org/abs/1908.05005" rel="noreferrer">arXiv 1908.05005</a>'
    """
    text, parts, at = one_line(text), [], 0
    for found in _ARXIV.finditer(text):
        address = f"https://arxiv.org/abs/{found[1]}"
        parts += [plain(text[at : found.start()]), element("a", found[0], href=address, rel="noreferrer")]
        at = found.end()
    return Markup("".join([*parts, plain(text[at:])]))


def _protocol(report: Report) -> list[str]:
    protocol = report.protocol
    cells = f"{counted(protocol.size, 'cell')} beside the clean pictures, {counted(len(protocol.corruptions), 'type')}"
    return [
        element("strong", protocol.name),
        f"({cells}; {protocol.averaging});",
        linked(f"{protocol.source}. {standing(protocol)}".rstrip()),
    ]


def _entry(title: str, value: str, wide: bool = False) -> Markup:
    return element("div", element("dt", title), element("dd", value), class_="wide" if wide else "narrow")


def _line(fact: Fact, models: Sequence[Own]) -> Markup:
    """One fact; where models differ, each value with the models that it is of."""
    distinct: dict[str, list[str]] = {}
    for own in models:
        distinct.setdefault(one_line(fact.told(own)) or UNKNOWN, []).append(own.run.name)
    wide = max(map(len, distinct)) > LONG
    if len(distinct) == 1:
        return _entry(fact.title, next(iter(distinct)), wide)
    each = [element("li", element("b", f"{', '.join(names)}: "), value) for value, names in distinct.items()]
    return _entry(fact.title, element("ul", *each), wide)


def _dataset(own: Own) -> str:
    sets = " and ".join(map(str, own.values("dataset")))
    return f"{sets} ({own.classes})" if own.classes else sets


def _pictures(own: Own) -> str:
    """How many, and the hash of their list, which stands behind the number."""
    said = own.run.key.pictures
    if said is None:
        return ""
    number, _, digits = str(said).partition("-")
    if not number.isdecimal():
        return str(said)
    limit = limit_of(own.run)
    chosen = "" if limit is None else f", by a limit of {limit}"
    return f"{number}{chosen}" + (f" (hash of their names {digits})" if digits else "")


def _door(own: Own) -> str:
    return " and ".join(_DOORS.get(str(said), str(said)) for said in own.values("source"))


def _versions(own: Own) -> str:
    """Packages with every version that made some of the cells; that of the corruptions is one of them."""
    found: dict[str, dict[str, None]] = {}
    for versions in own.values("versions"):
        for package, version in versions.items():
            name = "corruptions" if package == "corruption" else str(package)
            found.setdefault(name, {})[str(version)] = None
    return ", ".join(f"{package} {' and '.join(versions)}" for package, versions in found.items())


def _date(own: Own) -> str:
    """When it was judged: what the records say; else the time of the file, which is that of its last line."""
    dates = sorted(str(value)[:10] for value in own.values("date"))
    if dates:
        return dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    known = sorted(filter(None, (_changed(path) for path, _ in own.run.files)))
    return f"{UNKNOWN}; results file last written {known[-1]}" if known else ""


def _changed(path: Path) -> str:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).strftime("%Y-%m-%d")
    except OSError:  # records need not lie on a disk
        return ""


def _time(own: Own) -> str:
    told = [value for record in own.records if isinstance(value := record.get("seconds"), (int, float))]
    seconds = [value for value in told if 0 <= value < MOST_SECONDS]  # others are no times: NaN of a script's own file
    return f"{duration(sum(seconds))} for {counted(len(seconds), 'cell')}" if seconds else ""


def _key(name: str) -> Callable[[Own], str]:
    return lambda own: "" if (value := getattr(own.run.key, name)) is None else str(value)


def _checkpoint(own: Own) -> str:
    """The begin of a hash, which tells checkpoints apart; other names whole."""
    said = str(own.run.key.checkpoint_hash or "")
    return f"SHA-256 {said[:HASH_LENGTH]}…" if _SHA256.fullmatch(said) else said


FACTS = (
    Fact("data set", _dataset),
    Fact("pictures", _pictures),
    Fact("seed of the corruptions", _key("seed")),
    Fact("corrupted pictures", _door),
    Fact("checkpoint", _checkpoint),
    Fact("precision", _key("precision")),
    Fact("judged on", _date),
    Fact("time", _time),
    Fact("versions", _versions),
)
HASHES = (
    Fact("checkpoint", _key("checkpoint_hash")),
    Fact("config", _key("config_hash")),
    Fact("contents of the pictures", _key("contents")),
    Fact("labels or annotations", _key("truth")),
    Fact("metric and classes", _key("metric")),
)


def made_by(report: Report, files: Iterable[str]) -> Markup:
    """The last line of the page."""
    names = ", ".join(dict.fromkeys(files))
    return element("footer", element("p", f"Made by mmfan {__version__} from {one_line(names)}."))
