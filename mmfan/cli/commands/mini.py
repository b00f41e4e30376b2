"""Draw an embedded miniature set: street scenes with all labels (Cityscapes, COCO, ACDC), or their objects (ImageNet).

    mmfan mini cityscapes data/mini_cityscapes
    mmfan mini coco data/mini_coco
    mmfan mini weather data/mini_weather
    mmfan mini objects data/mini_objects
    mmfan mini cityscapes data/tiny --train 20 --val 8 --size 256 128 --seed 3

The pictures are drawn from a seed, so everybody gets the same ones; nothing is downloaded. They are for trying things
out and for tests, not for comparing models with published figures.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import time

from mmfan.cli.options import add_seed, add_workers, make_command_parser, whole
from mmfan.cli.stopping import status_of
from mmfan.datasets.miniature import write_cityscapes, write_coco, write_objects, write_weather
from mmfan.utils.progress import ProgressLine

WRITERS = {"cityscapes": write_cityscapes, "coco": write_coco, "weather": write_weather, "objects": write_objects}


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    defaults = {
        kind: {name: p.default for name, p in inspect.signature(write).parameters.items()}
        for kind, write in WRITERS.items()
    }
    standard = defaults["cityscapes"]  # all have the same size and seed
    counts = {
        split: ", ".join(f"{kind}: {default[split]}" for kind, default in defaults.items())
        for split in ("train", "val")
    }
    parser = make_command_parser(prog, __doc__, allow_abbrev=False)
    parser.add_argument("set", choices=tuple(WRITERS), help="which set to draw")
    parser.add_argument("target", help="folder to make")
    for split, what in (("train", "training"), ("val", "validation")):
        help_text = f"{what} pictures ({counts[split]}; of weather a condition, of objects the scenes to cut from)"
        parser.add_argument(f"--{split}", type=whole(0), metavar="N", help=help_text)
    add_seed(parser, "seed of the set", standard["seed"])
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), default=standard["size"], help="pixels (%(default)s)"
    )
    add_workers(parser, "processes (default: one a core); the pictures do not depend on it")
    parser.add_argument("--force", action="store_true", help="replace a miniature set made with other options")
    return parser


def take_defaults(args: argparse.Namespace) -> None:
    """The numbers of pictures that the set has by default."""
    for split in ("train", "val"):
        if getattr(args, split) is None:
            setattr(args, split, inspect.signature(WRITERS[args.set]).parameters[split].default)


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool."""
    take_defaults(args)
    start = time.perf_counter()
    try:
        drawn = WRITERS[args.set](
            args.target,
            args.train,
            args.val,
            tuple(args.size),
            args.seed,
            args.workers,
            ProgressLine("pictures"),
            args.force,
        )
    except KeyboardInterrupt as stop:
        print("\nstopped; nothing was left behind", file=sys.stderr)
        return status_of(stop)
    if drawn:
        seconds = time.perf_counter() - start
        each = " of each condition" if args.set == "weather" else ""
        what = "scenes cut up" if args.set == "objects" else "pictures"
        print(f"{args.target}: {args.train} train + {args.val} val {what}{each} in {seconds:.1f} s")
    else:
        print(f"{args.target}: already complete, nothing to do")
    return 0
