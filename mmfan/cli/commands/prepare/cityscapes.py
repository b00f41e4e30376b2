"""Make the train-id label images of a downloaded Cityscapes, and count whether the set is complete.

    mmfan prepare cityscapes data/cityscapes
    mmfan prepare cityscapes data/mini_cityscapes --check-only --expected train=200 val=40

Only what is missing is made, so a run that was interrupted can be started again. Ends with exit code 1 if a file could
not be converted or the set is not complete, with 2 if the arguments or the folder are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmfan.cli.options import add_workers, make_command_parser
from mmfan.cli.stopping import status_of
from mmfan.datasets.prepare.cityscapes import check_root, prepare
from mmfan.datasets.prepare.cityscapes_tree import FULL_COUNTS, report_split
from mmfan.utils.progress import ProgressLine
from mmfan.utils.resources import cores


def split_count(text: str) -> tuple[str, int]:
    """Read ``SPLIT=NUMBER``."""
    split, _, count = text.partition("=")
    if split not in FULL_COUNTS or not count.isdecimal():
        raise argparse.ArgumentTypeError(f"expected SPLIT=NUMBER with a split of {list(FULL_COUNTS)}, got {text!r}")
    return split, int(count)


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("root", metavar="ROOT", help="folder that holds leftImg8bit/ and gtFine/")
    parser.add_argument(
        "--splits",
        nargs="+",
        choices=list(FULL_COUNTS),
        help="splits to work on (default: those of --expected, else all three)",
    )
    add_workers(parser, "processes (default: all cores)")
    parser.add_argument("--force", action="store_true", help="make label images anew that are there already")
    parser.add_argument("--check-only", action="store_true", help="make nothing, only count")
    parser.add_argument(
        "--instances", action="store_true", help="write boxes and masks of train and val in COCO's form too"
    )
    parser.add_argument(
        "--expected",
        nargs="+",
        type=split_count,
        metavar="SPLIT=NUMBER",
        help="pictures there should be (default: " + " ".join(f"{k}={v}" for k, v in FULL_COUNTS.items()) + ")",
    )
    parser.add_argument("--allow-partial", action="store_true", help="accept any number, as long as all are in pairs")
    return parser


def _write_instances(args: argparse.Namespace, splits: Sequence[str]) -> None:
    from mmfan.datasets.prepare import cityscapes_instances

    for split in splits:
        if split == "test":  # its truth is not public
            continue
        made = cityscapes_instances.prepare(
            args.root, split, workers=args.workers or cores(), progress=ProgressLine(f"objects of {split}")
        )
        print(f"{made.file}: {made.pictures} pictures, {made.objects} objects, {made.groups} groups")


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool and return its exit code."""
    expected = dict(args.expected or ())
    splits = args.splits or list(expected) or list(FULL_COUNTS)
    stray = sorted(set(expected) - set(splits))
    if stray:
        parser.error(f"--expected names {stray}, which --splits leaves out")
    ignored = [f"--{name}" for name in ("force", "instances") if getattr(args, name)]
    if args.check_only and ignored:
        parser.error(f"--check-only makes nothing: leave {', '.join(ignored)} out")
    failures = []
    try:
        if args.check_only:
            check_root(Path(args.root))
        else:
            done = prepare(
                args.root,
                splits,
                workers=args.workers or cores(),
                force=args.force,
                progress=ProgressLine("label images"),
            )
            failures = done.failures
            print(f"polygon files: {done.made} converted, {done.kept} converted before, {len(failures)} failed")
        if args.instances:
            _write_instances(args, splits)
    except KeyboardInterrupt as stop:
        print("Interrupted; what was made is whole and is kept. Run it again to go on.", file=sys.stderr)
        return status_of(stop)
    incomplete = False
    for split in splits:
        default = None if args.allow_partial else FULL_COUNTS[split]
        report = report_split(args.root, split, expected.get(split, default))
        failures += report.problems
        incomplete |= bool(report.problems)
        wanted = "any number" if report.expected is None else report.expected
        verdict = "NOT COMPLETE" if report.problems else "complete"
        print(f"{split}: {report.pictures} pictures, {report.labels} labels, expected {wanted}: {verdict}")
    for failure in failures:
        print(failure, file=sys.stderr)
    if incomplete and not args.allow_partial:
        print(
            "Name the parts that you have with --splits, other numbers with --expected, or pass --allow-partial.",
            file=sys.stderr,
        )
    return 1 if failures else 0
