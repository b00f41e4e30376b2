"""Pack predictions of ACDC's test pictures for its server, in label ids and under its names, after checking them.

    mmfan submit acdc predictions --root data/acdc --out acdc.zip
    mmfan submit acdc --check acdc.zip --root data/acdc

Predictions are what `mmfan test --out` writes for the test split (docs/real_weather.md). The same archive goes to each
of the server's evaluations: all adverse conditions, fog, night, rain, snow. Ends with exit code 2 and names the file if
a prediction is missing, or has another size or ids of no class; nothing is written then.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmfan.cli.options import make_command_parser
from mmfan.datasets.prepare.acdc_submission import check_archive, write_archive
from mmfan.utils.progress import ProgressLine


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument(
        "predictions", nargs="?", metavar="PREDICTIONS", help="folder of label maps, named like the pictures"
    )
    parser.add_argument("--root", default="data/acdc", metavar="DIR", help="where ACDC is (default: %(default)s)")
    parser.add_argument("--out", default="acdc.zip", metavar="FILE", help="archive to write (default: %(default)s)")
    parser.add_argument("--check", metavar="FILE", help="write nothing, check this archive")
    parser.add_argument(
        "--ids", choices=("label", "train"), default="label", help="what the label maps hold (default: %(default)s)"
    )
    parser.add_argument("--split", choices=("test", "val"), default="test", help="val is for trying it out")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Pack or check."""
    if (args.predictions is None) == (args.check is None):
        parser.error("expected a folder of predictions, or --check FILE")
    if args.check is None:
        if Path(args.out).suffix != ".zip":
            parser.error(f"argument --out: expected a name that ends in .zip, got {args.out}")
        made = write_archive(
            args.predictions,
            args.root,
            args.out,
            ids=args.ids,
            split=args.split,
            progress=ProgressLine("label maps"),
        )
    else:
        if args.ids != "label":
            parser.error("--ids train changes predictions while they are packed, and cannot stand beside --check")
        made = check_archive(args.check, args.root, args.split)
    counts = ", ".join(f"{condition} {count}" for condition, count in made.pictures.items())
    print(f"{made.path}: {sum(made.pictures.values())} label maps in label ids ({counts})")
    return 0
