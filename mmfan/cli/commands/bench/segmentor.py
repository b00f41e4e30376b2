"""Speed of mmfan beside a yardstick, measured in one run: the segmentor, the corruptions, or a detector's memory.

    mmfan bench inference --size 512 --threads 4 --markdown table.md
    mmfan bench corruptions --severity 3 --repeats 5
    mmfan bench detection --arch small --size 1344x800

The segmentor (inference, training, all): time, memory and operations beside the plain form of the same function. The
two forms get the same weights, and are compared before anything is measured: a different function has no speed-up.
The corruptions: milliseconds of one picture beside the package imagecorruptions, type by type, on one thread; needs
no torch. A detector (detection): memory of backbone and training step at full size. Prints the machine, its floor and
a table. Leave the machine idle meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmfan.cli.options import make_command_parser, whole
from mmfan.utils.commands import command_name
from mmfan.utils.files import write_whole

if TYPE_CHECKING:
    from mmfan.benchmark.page import Page

SIZES = ("tiny", "small", "base", "large", "xlarge")  # of FAN-Hybrid


def picture_size(text: str) -> tuple[int, int]:
    """``WIDTHxHEIGHT`` in pixels."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 2048x1024, but got '{text}'")
    return int(sides[0]), int(sides[1])


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line of the segmentor's tasks."""
    parser = make_command_parser(prog, __doc__)
    parser.epilog = f"corruptions and detection have options of their own: {command_name('bench')} corruptions --help"
    parser.add_argument(
        "task", nargs="?", choices=("inference", "training", "all", "corruptions", "detection"), default="all"
    )
    parser.add_argument("--size", type=whole(1), default=1024, help="side of the picture for inference, in pixels")
    parser.add_argument("--train-size", type=whole(1), default=512, help="side for the training step, in pixels")
    parser.add_argument("--arch", choices=SIZES, default="tiny", help="size of FAN-Hybrid")
    parser.add_argument("--batch", type=whole(1), default=1, help="pictures at once")
    parser.add_argument("--threads", type=whole(1), default=2, help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--amp", action="store_true", help="both forms under bfloat16 autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile mmfan's form")
    parser.add_argument(
        "--recompute", choices=("none", "light", "full"), default="light", help="in mmfan's backward pass"
    )
    parser.add_argument("--with-cp", dest="recompute", action="store_const", const="full", help="--recompute full")
    add_common_options(parser)
    return parser


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """What the timed tasks have."""
    parser.add_argument("--repeats", type=whole(1), default=5, help="measured rounds of each form")
    add_file_options(parser)


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Where the result goes."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured, unrounded")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write what is printed")


def check_folders(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find out before the measurement that its result could not be written."""
    for path in filter(None, (args.json, args.markdown)):
        if not path.resolve().parent.is_dir():
            parser.error(f"the folder of {path} does not exist: make it first")


def show(args: argparse.Namespace, page: Page) -> None:
    """Print the result, and write what was asked for."""
    text = page.markdown()
    print(text)
    if args.json:
        write_whole(args.json, (page.json() + "\n").encode())
    if args.markdown:
        write_whole(args.markdown, (text + "\n").encode())


def say(line: str) -> None:
    """Progress, beside the result."""
    print(line, file=sys.stderr)


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure the segmentor, print."""
    import torch

    from mmfan.benchmark.compare import compare, comparison_page
    from mmfan.benchmark.floor import measure_rates
    from mmfan.benchmark.machine import describe_torch_machine
    from mmfan.benchmark.workload import DifferentFunctionError, Job, Task

    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device here")
    check_folders(parser, args)
    if args.task in ("corruptions", "detection"):
        parser.error(f"put '{args.task}' first: {command_name('bench')} {args.task} ...")
    tasks: tuple[Task, ...] = ("inference", "training") if args.task == "all" else (args.task,)
    jobs = [
        Job(
            task=task,
            size=args.size if task == "inference" else args.train_size,
            arch=args.arch,
            batch=args.batch,
            device=args.device,
            threads=args.threads,
            amp=args.amp,
            compiled=args.compile,
            recompute=args.recompute,
        )
        for task in tasks
    ]
    torch.set_num_threads(args.threads)
    rates = measure_rates(args.device, jobs[0].dtype)
    try:
        comparisons = [compare(job, args.repeats, say) for job in jobs]
    except (DifferentFunctionError, MemoryError, torch.cuda.OutOfMemoryError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    rates = rates.best(measure_rates(args.device, jobs[0].dtype))
    show(args, comparison_page(comparisons, describe_torch_machine(args.device), rates))
    return 0
