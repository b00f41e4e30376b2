"""The table of evidence of robust training: a row of it, what an iteration costs, the table itself.

    mmfan bench robust cwfa --seed 0 --out runs/evidence
    mmfan bench robust --costs --out runs/evidence
    mmfan bench robust --out runs/evidence --keep docs/evidence/yardstick --page docs/robust_training.md

An arm is trained and judged, and goes on where it was killed. --costs measures the CPU time of an iteration, the arms
in turn on one thread, and its memory. Without either, the table of the rows that are there is printed; --page writes it
into a page, between its marks. --keep adds the rows as lines of rows.csv to those of another folder, whose table it
then is. With either of the two, --costs is followed by the table.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmfan.benchmark.robust.arms import ARMS, CONFIG
from mmfan.benchmark.robust.rows import AT_SEVERITY, LIMIT
from mmfan.cli.commands.bench.segmentor import say
from mmfan.cli.options import make_command_parser, whole
from mmfan.utils.files import write_whole

if TYPE_CHECKING:
    from mmfan.benchmark.robust.evidence import Evidence

ROUNDS = 6
BLOCK = "yardstick"


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.epilog = f"arms: {', '.join(ARMS)}"
    parser.add_argument("arm", nargs="?", metavar="ARM", choices=tuple(ARMS), help="train and judge this one")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the evidence")
    parser.add_argument("--seed", type=whole(0), help="of ARM: of the training (default: 0)")
    parser.add_argument("--config", metavar="CONFIG", help=f"of ARM and --costs: what is trained (default: {CONFIG})")
    parser.add_argument(
        "--limit", type=whole(1), metavar="N", help=f"of ARM: pictures that it is judged on (default: {LIMIT})"
    )
    parser.add_argument(
        "--protocol", choices=(AT_SEVERITY, "kamann16"),
        help=f"of ARM: judge kamann16 and C-bar at severity 3, or all of kamann16 (default: {AT_SEVERITY})",
    )  # fmt: skip
    parser.add_argument("--costs", action="store_true", help="measure time and memory of an iteration")
    parser.add_argument("--arms", nargs="+", choices=tuple(ARMS), metavar="ARM", help="of --costs: beside the baseline")
    parser.add_argument("--rounds", type=whole(1), help=f"of --costs: iterations of each (default: {ROUNDS})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="add the rows to rows.csv there")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table into this page")
    parser.add_argument("--block", metavar="NAME", help=f"of --page: between the marks of this name (default: {BLOCK})")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Make a row, or measure costs, or print the table."""
    if args.arm and (args.costs or args.page or args.keep):
        parser.error("ARM makes one row; leave it out for --costs and for the table")
    _refuse_unused(args, parser)
    config = args.config or CONFIG
    if args.arm:
        from mmfan.benchmark.robust.rows import make_row

        protocol, limit = args.protocol or AT_SEVERITY, args.limit or LIMIT
        print(make_row(args.arm, args.seed or 0, args.out, config, protocol, limit, say))
        return 0
    from mmfan.benchmark.robust.evidence import read_evidence

    block = args.block or BLOCK
    if args.page:
        from mmfan.benchmark.robust.table import read_page

        read_page(args.page, block)  # before anything is measured or kept
    if args.costs:
        _measure_costs(args, config)
        if not (args.keep or args.page):
            return 0
    evidence = read_evidence(args.out)
    if not args.page:
        _show(evidence, args.keep)
        return 0
    from mmfan.benchmark.robust.alone import alone
    from mmfan.benchmark.robust.table import fill_page

    # others that fill the page wait with what they keep as well: its table is that of all that was kept
    with alone(args.page.with_name(f".{args.page.name}.lock"), str(args.page), wait=True):
        evidence = _show(evidence, args.keep)
        write_whole(args.page, fill_page(read_page(args.page, block), block, evidence).encode())
    return 0


def _show(evidence: Evidence, keep: Path | None) -> Evidence:
    """Print the table of a folder; with ``keep`` that of the folder where its rows are kept, which is returned."""
    from mmfan.benchmark.robust.evidence import keep_evidence
    from mmfan.benchmark.robust.table import evidence_markdown

    shown = keep_evidence(evidence, keep) if keep else evidence
    print(evidence_markdown(shown))
    return shown


def _measure_costs(args: argparse.Namespace, config: str) -> None:
    from mmfan.benchmark.robust.costs import measure_costs, write_costs
    from mmfan.benchmark.robust.costs_file import joined_costs
    from mmfan.benchmark.robust.evidence import joined, read_evidence
    from mmfan.benchmark.robust.rows import make_folder, refuse_others

    make_folder(args.out)
    # what would be refused in the end is said before an hour of measuring, as that without rows there is no table
    nothing = {"config": config, "arms": {}}
    refuse_others(args.out, config)
    joined_costs(args.out, nothing)
    if args.keep or args.page:
        evidence = read_evidence(args.out)
        if args.keep:
            joined(evidence, args.keep)
            joined_costs(args.keep, nothing)
    for known in measure_costs(args.arms or list(ARMS), config, args.rounds or ROUNDS, say):
        write_costs(args.out, known)


def _refuse_unused(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """An option that would not be heeded is a mistake; those that were not given are None."""
    for names, of, there in (
        (("seed", "limit", "protocol"), "ARM", args.arm),
        (("config",), "ARM or --costs", args.arm or args.costs),
        (("arms", "rounds"), "--costs", args.costs),
        (("block",), "--page", args.page),
    ):
        given = [f"--{name}" for name in names if getattr(args, name) is not None]
        if given and not there:
            parser.error(f"{', '.join(given)} is of no use without {of}")
