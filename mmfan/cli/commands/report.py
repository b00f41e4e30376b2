"""Report on results files: clean, corrupted and retained scores of one or many models, side by side.

    mmfan report work_dirs/fan_segformer_mini/robustness.jsonl
    mmfan report fan.jsonl segformer.jsonl --published SegFormer-B0 --format html --out report.html
    mmfan report fan.jsonl --write-expect expected.json --tolerance 0.005
    mmfan report fan.jsonl --expect expected.json
    mmfan report results/*.jsonl --leaderboard --group fan='fan_s*' --format latex --columns clean corrupted retention
    mmfan report fan.jsonl --card fan.json
    mmfan report mine.jsonl --check fan.json

Reads what `mmfan judge` wrote (or a file written by hand), under the protocol that it recorded; needs no torch. Prints
markdown, JSON, CSV or LaTeX, or writes one HTML file with its pictures inside; beside --out the overview is printed.
With --expect it is a regression gate: exit status 1 names every score that is not as expected. With --check one's own
run is compared with a card that somebody shared: exit status 1 names every hash and score that differs.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from mmfan.cli.options import make_command_parser, whole
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS, Protocol, make_protocol
from mmfan.evaluation.report import Report, Run, build_report, read_runs
from mmfan.evaluation.report.card import TOLERANCE, differences_from_card, other_versions, read_card, write_card
from mmfan.evaluation.report.contents import OtherSet
from mmfan.evaluation.report.formats import FORMATS
from mmfan.evaluation.report.gate import Expectations, differences, read_expectations, write_expectations
from mmfan.evaluation.report.published import PublishedRow
from mmfan.evaluation.report.report import published_beside
from mmfan.evaluation.report.runs.choice import (
    RECORDED,
    choose_families,
    choose_groups,
    choose_metric,
    choose_models,
    choose_protocol,
    find_protocol,
    other_protocols,
)
from mmfan.evaluation.report.tables.classifiers import other_sets, table_of_sets
from mmfan.evaluation.report.tables.ranking import SORTED_BY
from mmfan.evaluation.report.tables.tables import sentence
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.utils.commands import command_name
from mmfan.utils.files import write_whole
from mmfan.utils.tables import markdown_line, markdown_table
from mmfan.utils.text import counted, one_line


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__, allow_abbrev=False)
    parser.add_argument("results", nargs="+", metavar="RESULTS", help="results files (JSON lines)")
    parser.add_argument("--model", nargs="+", default=[], metavar="NAME", help="of the files, these models alone")
    parser.add_argument(
        "--protocol",
        help=f"{', '.join(PROTOCOLS)}; {RECORDED}: all cells that are in the files; or a JSON file that describes one "
        "(default: that of --expect, else the one that the files were judged on)",
    )
    parser.add_argument("--corruptions", nargs="+", metavar="NAME", help="a protocol of these types instead")
    parser.add_argument("--severities", nargs="+", type=whole(1), metavar="N", help="their severities (default: all)")
    parser.add_argument(
        "--metric",
        help="of the records: mIoU, aAcc, bbox_mAP, ...; IoU.car for one class (default: mIoU, else the first)",
    )
    parser.add_argument("--format", choices=(*FORMATS, "html"), default="markdown")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there instead of printing it")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write the plots and picture grids there, as PNG")
    parser.add_argument("--pictures", type=whole(0), default=4, metavar="N", help="pictures at most (%(default)s)")
    parser.add_argument(
        "--published", nargs="*", metavar="NAME", help="show published rows beside: these, or all that fit the data set"
    )
    parser.add_argument(
        "--reference",
        default="",
        metavar="MODEL",
        help="the model that differences are told from, and mCE and relative mCE against",
    )
    parser.add_argument("--partial", action="store_true", help="average what is there if cells are missing")
    parser.add_argument(
        "--columns",
        nargs="+",
        default=[],
        metavar="NAME",
        help="columns of the first table, such as: clean noise fog "
        "'worst type' retention (markdown, CSV, LaTeX, HTML; another name lists them all)",
    )
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="NAME=RUNS",
        help="show these runs as one row, mean and standard deviation: fan=fan_s0,fan_s1 or fan='fan_s*'",
    )
    parser.add_argument("--leaderboard", action="store_true", help="rank the models within each data set")
    parser.add_argument(
        "--sort",
        choices=SORTED_BY,
        metavar="SCORE",
        help=f"of the leaderboard: {', '.join(SORTED_BY)} (default: {SORTED_BY[0]})",
    )
    parser.add_argument("--card", type=Path, metavar="FILE", help="write the run's results card: JSON to share")
    parser.add_argument("--check", type=Path, metavar="CARD", help="say whether the run equals that of a card")
    parser.add_argument("--expect", type=Path, metavar="FILE", help="fail unless the scores are those of this file")
    parser.add_argument("--write-expect", type=Path, metavar="FILE", help="write the scores as expected from now on")
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="T",
        help="of expected scores, a fraction (to write: 0.005; of a card: 0.0005; else the file's)",
    )
    return parser


def asked_protocol(args: argparse.Namespace, runs: list[Run], expected: Expectations | None = None) -> Protocol:
    """The protocol that the command line asks for, else that of the expected values, else that of the records."""
    if args.corruptions:
        return make_protocol(args.corruptions, args.severities)
    if expected and expected.described and args.protocol == expected.protocol:
        return expected.described  # not the cells that happen to be there
    if args.protocol:
        return find_protocol(args.protocol, runs)
    chosen = choose_protocol(runs)
    for remark in other_protocols(runs, chosen):
        warnings.warn(remark, stacklevel=2)
    return chosen


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what contradicts itself."""
    if args.corruptions and args.protocol:
        parser.error("take --protocol or --corruptions, not both")
    if args.severities and not args.corruptions:
        parser.error("--severities needs --corruptions")
    if args.expect and args.write_expect:
        parser.error("take --expect or --write-expect, not both")
    if args.expect and args.partial:
        parser.error("--expect needs every cell: leave --partial out")
    if args.columns and args.format == "json":
        parser.error("--columns is of tables; JSON has everything")
    if args.sort and not args.leaderboard:
        parser.error("--sort needs --leaderboard")
    if args.tolerance is not None and not (args.expect or args.write_expect or args.check):
        parser.error("--tolerance needs --expect, --write-expect or --check")
    if args.partial and (args.leaderboard or args.group or args.card):
        parser.error("--leaderboard, --group and --card need every cell: leave --partial out")
    if args.check:
        refuse_beside_check(parser, args)


def refuse_beside_check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """A check takes protocol and metric from the card and prints no report."""
    others = (
        "protocol",
        "corruptions",
        "metric",
        "out",
        "plots",
        "published",
        "reference",
        "partial",
        "columns",
        "group",
        "leaderboard",
        "card",
        "expect",
        "write_expect",
    )
    if args.format != "markdown":
        parser.error("take --check or --format, not both")
    for name in others:
        given = getattr(args, name)
        if given or (name == "published" and given is not None):  # without names it is an empty list
            parser.error(f"take --check or --{name.replace('_', '-')}, not both")


def take_from_expected(args: argparse.Namespace, expected: Expectations | None) -> None:
    """Protocol and metric of the expected values are the defaults."""
    if not args.corruptions:
        args.protocol = args.protocol or (expected and expected.protocol)
    args.metric = args.metric or (expected and expected.metric)


def check_expected(args: argparse.Namespace, expected: Expectations, protocol: Protocol) -> None:
    """Refuse to compare scores of different protocols or metrics."""
    for what, asked, wanted in (
        ("protocol", protocol.name, expected.protocol),
        ("metric", args.metric, expected.metric),
    ):
        if wanted and asked != wanted:
            raise MMFanError(f"{args.expect} expects the {what} {wanted!r}, not {asked!r}.")
    if expected.protocol == RECORDED and expected.described is None:
        warnings.warn(
            f"{args.expect} does not say which cells its scores were made of, so that missing ones are not seen: write "
            f"it anew, with --protocol {RECORDED} --write-expect",
            stacklevel=2,
        )


def give_out(report: Report, args: argparse.Namespace) -> None:
    """Print or write the report and its figures."""
    if args.format == "html":
        # OpenCV and Pillow are not needed for the other forms
        from mmfan.evaluation.report.html import as_html
        from mmfan.evaluation.report.page.embedded import gallery

        text = as_html(report, pictures=gallery(report, args.pictures))
    else:
        text = FORMATS[args.format](report)
    if args.plots:
        # matplotlib takes a second to load
        from mmfan.evaluation.report.figures import picture_grids, plots, write_figures

        for path in write_figures([*plots(report), *picture_grids(report, args.pictures)], args.plots):
            print(f"wrote {path}", file=sys.stderr)
    if args.out:
        write_whole(args.out, text.encode())
        table = report.first_table
        print(f"{markdown_line(sentence(table.caption))}\n\n{markdown_table(table)}\n")
        print(f"wrote {args.out}", file=sys.stderr)
    elif not args.expect:
        print(text, end="")


def give_out_sets(others: list[OtherSet], args: argparse.Namespace) -> int:
    """Print or write what classifiers score on sets without corruptions, where there is nothing else."""
    of_cells = (
        "card", "expect", "write_expect", "plots", "leaderboard", "corruptions", "metric", "reference", "partial",
        "columns", "group",
    )  # fmt: skip
    refused = [f"--{name.replace('_', '-')}" for name in of_cells if getattr(args, name)]
    refused += [] if args.published is None else ["--published"]
    refused += [] if args.format == "markdown" else [f"--format {args.format}"]
    if refused:
        raise MMFanError(
            "The results have clean pictures alone: a table in markdown is all that can be made of them, without "
            f"{', '.join(refused)}."
        )
    table = table_of_sets(others)
    text = f"{markdown_line(sentence(table.caption))}\n\n{markdown_table(table)}\n"
    if args.out:
        write_whole(args.out, text.encode())
        print(f"wrote {args.out}", file=sys.stderr)
    else:
        print(text, end="")
    return 0


def gate(runs: list[Run], protocol: Protocol, args: argparse.Namespace, expected: Expectations) -> int:
    """Compare with the expected values; the exit status."""
    found = differences(runs, protocol, args.metric, expected)
    for line in found:
        print(f"report.py: differs: {one_line(line)}", file=sys.stderr)
    count = sum(map(len, expected.models.values()))
    what = f"{counted(count, 'number')} of {counted(len(expected.models), 'model')}, {args.metric}, {protocol.name}, "
    what += counted(protocol.size, "cell")
    print(f"{counted(len(found), 'difference')} in {what}" if found else f"as expected: {what}")
    return 1 if found else 0


def one_run(runs: list[Run], what: str) -> Run:
    """The run that a card is of, or is compared with."""
    if len(runs) != 1:
        raise MMFanError(
            f"{what} is of one run; the results have {', '.join(repr(run.name) for run in runs)}. Choose one: --model."
        )
    return runs[0]


def check(runs: list[Run], args: argparse.Namespace) -> int:
    """Compare a run with a card; the exit status."""
    card = read_card(args.check)
    # a file of several models may well hold the one of the card's name
    run = one_run([run for run in runs if len(runs) == 1 or run.name == card.model] or runs, f"The card {args.check}")
    tolerance = TOLERANCE if args.tolerance is None else args.tolerance
    found = differences_from_card(run, card, args.check, tolerance)
    for line in found:
        print(f"report.py: differs: {one_line(line)}", file=sys.stderr)
    for line in other_versions(run, card):
        print(f"report.py: version: {one_line(line)}", file=sys.stderr)
    stated = sum(value is not None for value in card.run.values())
    what = f"{run.name} and the card of {card.model} ({card.metric}, {card.protocol.name}, "
    what += (
        f"{counted(card.protocol.size, 'cell')}; {stated} of {len(card.run)} facts stated; scores within {tolerance:g})"
    )
    print(one_line(f"{counted(len(found), 'difference')} between {what}" if found else f"equal: {what}"))
    return 1 if found else 0


def summarise(args: argparse.Namespace) -> int:
    """Read, summarise, print; the exit status."""
    if args.check:
        return check(choose_models(read_runs(args.results), args.model), args)
    expected = read_expectations(args.expect, args.tolerance) if args.expect else None
    take_from_expected(args, expected)
    runs, others = other_sets(choose_models(read_runs(args.results), args.model))
    if not runs and others and not args.protocol:
        return give_out_sets(others, args)
    of_card = one_run(runs, "A card") if args.card else None
    protocol = asked_protocol(args, runs, expected)
    families = [] if args.protocol or args.corruptions else choose_families(runs, protocol)
    args.metric = args.metric or choose_metric(runs)
    if expected:
        check_expected(args, expected, protocol)
    rows: tuple[PublishedRow, ...] = ()
    if args.published is not None:
        rows = published_beside(runs, args.metric, args.published)
        if not rows:
            warnings.warn(
                f"no published row of {args.metric} is on {' or '.join(sorted({run.key.dataset for run in runs}))}; "
                "name the rows to show them all the same: --published SegFormer-B5",
                stacklevel=2,
            )
    status = gate(runs, protocol, args, expected) if expected else 0
    if expected and not (args.out or args.plots or args.card):
        return status
    try:
        report = build_report(
            runs, protocol, args.metric, partial=args.partial, published=rows, reference=args.reference,
            groups=choose_groups(runs, args.group), columns=args.columns,
            ranked_by=(args.sort or SORTED_BY[0]) if args.leaderboard else "", families=families, sets=others,
        )  # fmt: skip
    except SummaryError:
        if status:
            return status  # the gate has named it
        raise
    give_out(report, args)
    if of_card:
        write_card(args.card, of_card, protocol, args.metric)
        print(f"wrote {args.card}", file=sys.stderr)
    if args.write_expect:
        tolerance = 0.005 if args.tolerance is None else args.tolerance
        write_expectations(args.write_expect, report.models, tolerance, report.protocol)
        print(f"wrote {args.write_expect}", file=sys.stderr)
    return status


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool."""
    check_arguments(parser, args)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: print(
                f"{parser.prog}: warning: {one_line(str(message))}", file=sys.stderr
            )
            return summarise(args)
    except MissingCellsError as error:
        raise MMFanError(
            f"{error} That is: start the same `{command_name('judge')}` again, which goes on with them; or add "
            f"--partial, or --protocol {RECORDED} for the cells of the files."
        ) from error
