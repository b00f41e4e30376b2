"""Speed of the corruptions beside the package imagecorruptions: milliseconds of a picture, type by type, one thread.

    mmfan bench corruptions --severity 3 --repeats 5

Needs no torch. Leave the machine idle meanwhile.
"""

from __future__ import annotations

import argparse

from mmfan.cli.commands.bench.segmentor import add_common_options, check_folders, picture_size, say, show
from mmfan.cli.options import make_command_parser
from mmfan.corruptions import BUILT_IN, CORRUPTIONS, SEVERITIES


def severity_choice(text: str) -> tuple[int, ...]:
    """One severity, or all of them."""
    if text == "all":
        return SEVERITIES
    if text not in map(str, SEVERITIES):
        raise argparse.ArgumentTypeError(f"expected a severity from 1 to 5 or 'all', but got '{text}'")
    return (int(text),)


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line of the corruptions."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument(
        "--severity", type=severity_choice, default=(3,), metavar="{1,2,3,4,5,all}", help="which to measure"
    )
    parser.add_argument(
        "--size", type=picture_size, default=(2048, 1024), metavar="WxH", help="of the street scene, in pixels"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=BUILT_IN,
        default=CORRUPTIONS,
        metavar="TYPE",
        help="some types; those of C-bar and ImageNet-C have no reference",
    )
    add_common_options(parser)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure the corruptions, print."""
    from mmfan.benchmark.corruptions import corruptions_page, measure_corruptions

    check_folders(parser, args)
    show(args, corruptions_page(measure_corruptions(args.size, args.severity, args.repeats, args.only, say)))
    return 0
