"""Everything that mmfan measures, in one run: the segmentor in all its forms, judging, sets, corruptions, memory.

    mmfan bench suite --json bench.json
    mmfan bench suite --only segmentor forms --repeats 5
    mmfan bench suite --from bench.json --page docs/benchmarks.md

Parts whose packages are missing are left out and named. --page writes the tables of a result into a page, between
their marks; --from takes the result of an earlier run and measures nothing. Leave the machine idle meanwhile.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mmfan.benchmark.suite import PARTS, Settings, fill_page, measure_parts, suite_markdown
from mmfan.cli.commands.bench.segmentor import add_common_options, check_folders, say
from mmfan.cli.options import make_command_parser, whole
from mmfan.utils.files import write_whole


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line of all parts."""
    parser = make_command_parser(prog, __doc__)
    parser.epilog = "parts: " + "; ".join(f"{name}: {what}" for name, (_, what) in PARTS.items())
    standard = Settings()
    parser.add_argument(
        "--only", nargs="+", choices=tuple(PARTS), default=list(PARTS), metavar="PART", help="some parts"
    )
    parser.add_argument("--threads", type=whole(1), default=standard.threads, help="CPU threads of the model")
    parser.add_argument("--size", type=whole(1), default=standard.size, help="side of the picture in inference")
    parser.add_argument("--train-size", type=whole(1), default=standard.train_size, help="side in training")
    parser.add_argument(
        "--sizes",
        type=whole(1),
        nargs="+",
        default=standard.sizes,
        metavar="N",
        help="sides at which growth is measured",
    )
    parser.add_argument(
        "--workers", type=whole(1), nargs="+", default=standard.workers, metavar="N", help="numbers of processes"
    )
    parser.add_argument("--from", dest="result", type=Path, metavar="FILE", help="take this result, measure nothing")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables into this page")
    add_common_options(parser)
    parser.set_defaults(repeats=standard.repeats)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure, or read what was measured; print and write."""
    check_folders(parser, args)
    page = args.page.read_text(encoding="utf-8") if args.page else ""
    if args.result:
        result = json.loads(args.result.read_text(encoding="utf-8"))
    else:
        settings = Settings(
            args.repeats, args.threads, args.size, args.train_size, tuple(args.sizes), tuple(args.workers)
        )
        result = measure_parts(args.only, settings, say)
    text = suite_markdown(result)
    print(text)
    if args.json:
        write_whole(args.json, (json.dumps(result, indent=2) + "\n").encode())
    if args.markdown:
        write_whole(args.markdown, (text + "\n").encode())
    if args.page:
        write_whole(args.page, fill_page(page, result).encode())
    return 0
