"""The table of evidence of robust training: a row of it, what an iteration costs, the table itself.

    mmfan bench robust cwfa --seed 0 --out runs/evidence
    mmfan bench robust --costs --out runs/evidence
    mmfan bench robust --out runs/evidence --keep docs/evidence/yardstick --page docs/robust_training.md

An arm is trained and judged, and goes on where it was killed. --costs measures the CPU time of an iteration, the arms
in turn on one thread, and its memory. Without either, the table of the rows that are there is printed; --page writes it
into a page, between its marks. --keep adds the rows as lines of rows.csv to those of another folder, whose table it
then is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmfan.benchmark.robust.arms import ARMS, CONFIG
from mmfan.benchmark.robust.rows import AT_SEVERITY, LIMIT
from mmfan.cli.commands.bench.segmentor import say
from mmfan.cli.options import make_command_parser, whole
from mmfan.utils.files import write_whole


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.epilog = f"arms: {', '.join(ARMS)}"
    parser.add_argument("arm", nargs="?", metavar="ARM", choices=tuple(ARMS), help="train and judge this one")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the evidence")
    parser.add_argument("--seed", type=whole(0), default=0, help="of the training")
    parser.add_argument("--config", default=CONFIG, metavar="CONFIG", help="what is trained (default: %(default)s)")
    parser.add_argument("--limit", type=whole(1), default=LIMIT, metavar="N", help="pictures that a row is judged on")
    parser.add_argument(
        "--protocol", choices=(AT_SEVERITY, "kamann16"), default=AT_SEVERITY,
        help="judge kamann16 and C-bar at severity 3, or all of kamann16",
    )  # fmt: skip
    parser.add_argument("--costs", action="store_true", help="measure time and memory of an iteration")
    parser.add_argument("--arms", nargs="+", choices=tuple(ARMS), metavar="ARM", help="of --costs: beside the baseline")
    parser.add_argument("--rounds", type=whole(1), default=6, help="of --costs: iterations of each arm")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="add the rows to rows.csv there")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table into this page")
    parser.add_argument("--block", default="yardstick", metavar="NAME", help="between the marks of this name")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Make a row, or measure costs, or print the table."""
    if args.arm and (args.costs or args.page or args.keep):
        parser.error("ARM makes one row; leave it out for --costs and for the table")
    if args.arm:
        from mmfan.benchmark.robust.rows import make_row

        print(make_row(args.arm, args.seed, args.out, args.config, args.protocol, args.limit, say))
        return 0
    if args.costs:
        from mmfan.benchmark.robust.costs import measure_costs, write_costs
        from mmfan.benchmark.robust.rows import make_folder

        make_folder(args.out)
        for known in measure_costs(args.arms or list(ARMS), args.config, args.rounds, say):
            write_costs(args.out, known)
        return 0
    from mmfan.benchmark.robust.evidence import keep_evidence, read_evidence
    from mmfan.benchmark.robust.table import evidence_markdown, fill_page

    evidence = read_evidence(args.out)
    if args.keep:
        evidence = keep_evidence(evidence, args.keep)
    print(evidence_markdown(evidence))
    if args.page:
        write_whole(args.page, fill_page(args.page.read_text(encoding="utf-8"), args.block, evidence).encode())
    return 0
