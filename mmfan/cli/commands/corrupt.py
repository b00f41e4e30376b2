"""Corrupt every picture of a set, once and to disk: Cityscapes-C, COCO-C, or any folder of pictures.

    mmfan corrupt data/mini_cityscapes data/mini_cityscapes_c --corruptions fog snow --severities 1 3 5
    mmfan corrupt data/coco data/coco_c --protocol common15 --shard 1/4

Only what is missing is made, so a run that was killed can be started again, and the files are the same bytes for any
number of workers and machines. Each corruption and severity gets a manifest with the SHA-256 of its files; --verify
checks a set against them. Ends with exit code 1 if a picture could not be used, the disk is full or --verify found
something, with 2 if the arguments or the folders are wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from mmfan.cli.options import add_imports, add_seed, add_workers, import_modules, make_command_parser, whole
from mmfan.cli.stopping import INTERRUPTED
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted import (
    DiskFullError,
    Making,
    Plan,
    WorkerDiedError,
    default_workers,
    free_space,
    make_corrupted_set,
    make_plan,
    parse_shard,
    read_record,
    shard_from_environment,
    survey,
    verify_set,
)
from mmfan.datasets.corrupted.layout import FORMATS, LAYOUTS
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import PROTOCOLS, get_protocol, make_protocol
from mmfan.utils.processes.shards import Shard
from mmfan.utils.progress import ProgressLine


def shard(text: str) -> Shard:
    """Read ``i/n``."""
    try:
        return parse_shard(text)
    except MMFanError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__, allow_abbrev=False)
    parser.add_argument("source", metavar="SOURCE", help="root of the clean set")
    parser.add_argument("target", metavar="TARGET", help="root of the corrupted set")
    what = parser.add_argument_group("what is made")
    which = what.add_mutually_exclusive_group()
    which.add_argument("--protocol", help=f"all cells of a protocol: {', '.join(PROTOCOLS)} (default: all19)")
    which.add_argument("--corruptions", nargs="+", metavar="NAME", help="these corruptions")
    what.add_argument("--severities", nargs="+", type=whole(1), metavar="N", help="only these severities")
    what.add_argument("--split", help="split of the set (default: val)")
    what.add_argument("--layout", choices=("auto", *LAYOUTS), default="auto", help="tree of SOURCE (%(default)s)")
    what.add_argument("--format", choices=tuple(FORMATS), help="of the pictures made (default: png)")
    what.add_argument("--quality", type=whole(1), help="of JPEGs, 1 to 100 (default: 95)")
    add_seed(what, "base seed of all pictures", None)
    add_imports(what)
    how = parser.add_argument_group("how it is made")
    add_workers(how, "processes (default: all cores); the files do not depend on it")
    how.add_argument(
        "--shard",
        type=shard,
        metavar="I/N",
        help="make the I-th of N parts; several machines may share TARGET (default: the rank under torchrun or srun)",
    )
    how.add_argument("--no-space-check", action="store_true", help="start although the disk seems too small")
    only = how.add_mutually_exclusive_group()
    only.add_argument("--dry-run", action="store_true", help="make nothing, say what would be made and how large")
    only.add_argument("--verify", action="store_true", help="make nothing, check what is there file by file")
    return parser


def chosen_cells(args: argparse.Namespace) -> tuple[Cell, ...]:
    """The cells that the options ask for.

    Raises:
        MMFanError: A name or severity is not known, or nothing is left.
    """
    if args.corruptions:
        return make_protocol(args.corruptions, args.severities).cells
    protocol = get_protocol(args.protocol or "all19")
    if not args.severities:
        return protocol.cells
    cells = tuple(cell for cell in protocol.cells if cell.severity in args.severities)
    absent = sorted(set(args.severities) - {cell.severity for cell in cells})
    if absent:
        raise MMFanError(f"The protocol {protocol.name} has no severity {', '.join(map(str, absent))}.")
    return cells


def show_plan(plan: Plan) -> None:
    """Print what a plan would make."""
    found = survey(plan)
    shown = f", shard {plan.shard}" if plan.shard.total > 1 else ""
    print(f"{plan.source} -> {plan.target} ({plan.record.layout}, {plan.listing.split}{shown})")
    print(f"{len(plan.own)} pictures x {len(plan.cells)} cells ({plan.record.format}, seed {plan.record.seed})")
    print(f"{found.kept} are there, {found.count} to make, about {found.size / 1e9:.2f} GB")
    print(f"free: {free_space(plan.target) / 1e9:.2f} GB")
    for text in (*found.remarks, *plan.listing.problems):
        print(text, file=sys.stderr)


def show_made(plan: Plan, done: Making, seconds: float) -> None:
    """Print what was made and where the time went."""
    rate = f", {done.made / seconds:.1f} pictures/s" if done.made else ""
    print(f"made {done.made} ({done.size / 1e9:.2f} GB), kept {done.kept}, {seconds:.1f} s{rate}")
    if done.made:
        total = sum(done.spent.values())
        shares = (f"{what} {spent / total:.1%}" for what, spent in done.spent.items())
        print(f"time of the workers: {', '.join(shares)}")
    print(f"complete: {len(done.merge.complete)} of {len(plan.cells)} corruptions x severities")
    if done.merge.incomplete:
        total = len(plan.listing.pictures)
        cell, there = next(iter(done.merge.incomplete.items()))
        others = f" and {len(done.merge.incomplete) - 1} more" if len(done.merge.incomplete) > 1 else ""
        print(f"not complete: {cell} with {there} of {total} pictures{others}", file=sys.stderr)


def check_asked(args: argparse.Namespace) -> None:
    """See that a set that is verified was made with the settings that are given; those that are not may be any.

    Raises:
        MMFanError: It was made with others.
    """
    record = read_record(args.target)
    asked = {"seed": args.seed, "format": args.format, "quality": args.quality}
    for name, value in asked.items() if record is not None else ():
        there = getattr(record, name)
        if value not in (None, there):
            raise MMFanError(f"{args.target} was made with {name} {there}, got --{name} {value}. Leave it out.")


def verify(plan: Plan, args: argparse.Namespace, workers: int) -> int:
    """Check the set and return the exit code."""
    named = args.corruptions or args.protocol or args.severities
    cells = plan.cells if named else None
    done = verify_set(plan.target, plan.listing, cells, workers=workers, progress=ProgressLine("verified"))
    print(
        f"{done.cells} corruptions x severities, {done.files} files as in the manifests, {len(done.problems)} problems"
    )
    for text in (*done.remarks, *done.problems):
        print(text, file=sys.stderr)
    if done.problems:
        print("Delete what is altered or surplus and run without --verify: what is missing is made.", file=sys.stderr)
    return 1 if done.problems else 0


def work(args: argparse.Namespace, plan: Plan, workers: int) -> int:
    """Do what the options ask for and return the exit code."""
    if args.dry_run:
        show_plan(plan)
        return 0
    if args.verify:
        return verify(plan, args, workers)
    start = time.perf_counter()
    done = make_corrupted_set(
        plan,
        workers=workers,
        imports=args.imports,
        check_space=not args.no_space_check,
        progress=ProgressLine("pictures"),
        remark=lambda text: print(text, file=sys.stderr),
    )
    show_made(plan, done, time.perf_counter() - start)
    for failure in done.failures:
        print(failure, file=sys.stderr)
    return 1 if done.failures else 0


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the tool and return its exit code."""
    try:
        import_modules(args.imports)
        part, launcher = (args.shard, None) if args.shard else shard_from_environment(os.environ)
        if args.verify:
            check_asked(args)
        plan = make_plan(
            args.source,
            args.target,
            chosen_cells(args),
            layout=args.layout,
            split=args.split,
            picture_format=args.format or "png",
            quality=None if args.verify else args.quality,
            seed=args.seed or 0,
            shard=part,
        )
        if launcher:
            print(f"shard {part}, from {launcher}", file=sys.stderr)
        return work(args, plan, args.workers or default_workers(os.environ))
    except (DiskFullError, WorkerDiedError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was made is whole and is kept. Run it again to go on.", file=sys.stderr)
        return INTERRUPTED
