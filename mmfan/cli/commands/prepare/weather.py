"""Count whether a downloaded set of real weather is complete; of ExDark, write its boxes in COCO's form.

    mmfan prepare weather acdc data/acdc
    mmfan prepare weather acdc data/acdc --splits val --references
    mmfan prepare weather exdark data/exdark

What the trees look like is drawn in data/README.md. Ends with exit code 1 if something is missing, with 2 if the
arguments or the folder are wrong.
"""

from __future__ import annotations

import argparse
import sys

from mmfan.cli.options import make_command_parser
from mmfan.datasets.prepare import coco_o, exdark
from mmfan.datasets.prepare.weather_trees import TREES, problems_of_sums, report_tree, unreferenced
from mmfan.utils.progress import ProgressLine
from mmfan.utils.text import shortlist

SEGMENTATION = tuple(name for name in TREES if name != "acdc_reference")
SETS = (*SEGMENTATION, "coco_o", "exdark")


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("set", choices=SETS, help="which set")
    parser.add_argument("root", metavar="ROOT", help="its folder")
    parser.add_argument("--splits", nargs="+", metavar="SPLIT", help="splits to count (default: those with labels)")
    parser.add_argument("--allow-partial", action="store_true", help="accept any number, as long as all are in pairs")
    parser.add_argument(
        "--references", action="store_true", help="of acdc: each picture must have its frame in good weather too"
    )
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool and return its exit code."""
    if args.references and args.set != "acdc":
        parser.error("argument --references: only acdc has frames in good weather")
    if args.splits and args.set not in SEGMENTATION:
        parser.error(f"argument --splits: {args.set} is taken whole")
    if args.set == "exdark":
        failures = _exdark(args.root, args.allow_partial)
    elif args.set == "coco_o":
        failures = _coco_o(args.root, args.allow_partial)
    else:
        failures = _segmentation(args)
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures and not args.allow_partial:
        print("If parts are meant to be missing, pass --allow-partial.", file=sys.stderr)
    return 1 if failures else 0


def _segmentation(args: argparse.Namespace) -> list[str]:
    tree = TREES[args.set]
    splits = tuple(args.splits or tree.labelled)
    reports = report_tree(args.root, tree, splits)
    failures = []
    for report in reports:
        problems = report.problems
        if args.allow_partial:  # numbers may differ, and conditions may be left out
            problems = [problem for problem in problems if ": expected " not in problem and "no picture" not in problem]
        failures += problems
        wanted = "any number" if report.expected is None or args.allow_partial else report.expected
        labels = f"{report.labels} labels, " if report.labelled else ""
        print(f"{report.place}: {report.pictures} pictures, {labels}expected {wanted}: "
              f"{'NOT COMPLETE' if problems else 'complete'}")  # fmt: skip
    if not args.allow_partial:
        failures += problems_of_sums(reports, tree, splits)
    if not sum(report.pictures for report in reports) and not failures:
        failures.append(f"No picture of {tree.title} found in {', '.join(splits)}.\n{tree.advice(args.root)}")
    if args.references:
        failures += _references(args.root, splits)
    return failures


def _references(root: str, splits: tuple[str, ...]) -> list[str]:
    failures = []
    for split in splits:
        for condition in TREES["acdc"].conditions:
            alone = unreferenced(root, split, condition)
            if alone:
                failures.append(f"{split} {condition}: {len(alone)} pictures have no reference: {shortlist(alone)}.")
    print(f"references: {'NOT COMPLETE' if failures else 'complete'}")
    return failures


def _coco_o(root: str, partial: bool) -> list[str]:
    failures, pictures, boxes = [], 0, 0
    for domain in coco_o.DOMAINS:
        report = coco_o.report_domain(root, domain)
        failures += report.problems
        pictures, boxes = pictures + report.pictures, boxes + report.boxes
        print(f"{domain}: {report.pictures} pictures, {report.boxes} boxes")
    if not partial and (pictures, boxes) != (coco_o.PICTURES, coco_o.BOXES):
        failures.append(f"expected {coco_o.PICTURES} pictures and {coco_o.BOXES} boxes, got {pictures} and {boxes}.")
    return failures


def _exdark(root: str, partial: bool) -> list[str]:
    failures = []
    for split, made in exdark.prepare(root, ProgressLine("pictures")).items():
        clipped = f", {made.clipped} of them cut at the edge of their picture" if made.clipped else ""
        print(f"{made.file}: {made.pictures} pictures, {made.boxes} boxes{clipped}")
        if not partial and made.pictures != exdark.COUNTS[split]:
            failures.append(f"{split}: expected {exdark.COUNTS[split]} pictures, got {made.pictures}.")
    return failures
