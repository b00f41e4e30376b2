"""Closing words of a finished run: the table of what was judged, and the command that reports it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report import Run, build_report, read_runs
from mmfan.evaluation.report.runs.choice import choose_families, choose_metric, choose_protocol
from mmfan.evaluation.report.tables.tables import sentence
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.results.store import RunKey, key_of
from mmfan.evaluation.summary import summarize
from mmfan.utils.tables import markdown_line, markdown_table


def overview_text(results: Path, key: RunKey, protocol: Protocol) -> str:
    """The table of a finished run: clean, corrupted, retention, groups; as ``mmfan report`` prints it.

    Where the clean score is 0 there is no retention, and a sentence says so in the place of the table.

    Args:
        results: The results file.
        key: Of the run.
        protocol: What it was judged on.
    """
    _, own = _runs_of(results, key)
    metric = choose_metric([own])
    clean = [record for record in own.records if key_of(record)[1] == protocol.reference]
    corrupted = [record for record in own.records if record not in clean]
    if any(record["metrics"].get(metric) == 0 for record in clean) and protocol.families[0].kind.averaged:
        protocol = protocol.families[0]
        score = 100 * summarize(corrupted, protocol, metric, partial=True).corrupted
        return (
            f"{own.name} has the score 0 ({metric}) on the clean pictures, so that there is no retention; on the "
            f"corrupted ones it has {score:.2f} %."
        )
    report = build_report([own], protocol, metric)
    tables = [(sentence(table.caption), table) for table in report.tables[:1]]
    for section in report.sections:
        shown = section.tables if section.protocol.kind.each else section.tables[:1]
        tables += [(f"{table.title}: {sentence(table.caption)}", table) for table in shown]
    return "\n\n".join(f"{markdown_line(words)}\n\n{markdown_table(table)}" for words, table in tables)


def report_words(results: Path, key: RunKey, protocol: Protocol) -> list[str]:
    """The arguments with which ``mmfan report`` shows what a finished run has judged: the file, mostly, and no more.

    The file may hold other models, and this one on other protocols; then model and protocol are named as well.

    Args:
        results: The results file.
        key: Of the run.
        protocol: What it was judged on.
    """

    def shows_it(runs: Sequence[Run]) -> bool:
        try:
            chosen = choose_protocol(runs)
            shown = [*chosen.families, *choose_families(runs, chosen)]
            return all(one in shown for one in protocol.families) and choose_metric(runs) == choose_metric([own])
        except MMFanError:
            return False

    runs, own = _runs_of(results, key)
    words = [str(own.results)]
    if shows_it(runs):
        return words
    words += [] if len(runs) == 1 else ["--model", own.name]
    if not shows_it([own]):
        said = protocol_entry(protocol)
        words += ["--protocol", said if isinstance(said, str) else json.dumps(said)]
    return words


def _runs_of(results: Path, key: RunKey) -> tuple[list[Run], Run]:
    """The runs of a results file, and the one of a key."""
    runs = read_runs([results])
    return runs, next(run for run in runs if run.key == key)
