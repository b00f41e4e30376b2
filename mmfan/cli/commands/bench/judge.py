"""Speed of `mmfan.judge` beside what its worker processes can do by themselves, and what it adds to a model's time.

    mmfan bench judge --size 2048x1024 480x360 --workers 1 2 --repeats 3

Needs no torch. Leave the machine idle meanwhile.
"""

from __future__ import annotations

import argparse

from mmfan.cli.commands.bench.segmentor import add_common_options, check_folders, picture_size, say, show
from mmfan.cli.options import make_command_parser, whole


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line of judging."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument(
        "--size", nargs="+", type=picture_size, default=[(2048, 1024), (480, 360)], metavar="WxH",
        help="of the street scenes, in pixels",
    )  # fmt: skip
    parser.add_argument("--workers", nargs="+", type=whole(1), default=[1, 2], metavar="N", help="worker processes")
    parser.add_argument("--pictures", type=whole(2), default=24, metavar="N", help="how many there are")
    add_common_options(parser)
    parser.set_defaults(repeats=3)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure judging, print."""
    from mmfan.benchmark.judging import judging_page, measure_judging

    check_folders(parser, args)
    show(args, judging_page(measure_judging(args.size, args.workers, args.repeats, args.pictures, say)))
    return 0
