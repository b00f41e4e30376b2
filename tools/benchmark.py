"""Time, memory and operations of mmfan's segmentor beside the plain form of the same function, in one run.

Prints the machine, its floor and a table. The two forms get the same weights, and are compared before anything is
measured: a different function has no speed-up. Leave the machine idle meanwhile. Examples:

    python tools/benchmark.py
    python tools/benchmark.py inference --size 512 --threads 4 --markdown table.md
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from mmfan.benchmark.compare import compare
from mmfan.benchmark.floor import measure_rates
from mmfan.benchmark.machine import describe_machine
from mmfan.benchmark.table import as_json, markdown, write_text
from mmfan.benchmark.workload import ARCHS, DifferentFunctionError, Job, Task


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, but got '{text}'")
    return int(text)


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", choices=("inference", "training", "all"), default="all")
    parser.add_argument("--size", type=positive, default=1024, help="side of the picture for inference, in pixels")
    parser.add_argument("--train-size", type=positive, default=512, help="side for the training step, in pixels")
    parser.add_argument("--arch", choices=ARCHS, default="tiny", help="size of FAN-Hybrid")
    parser.add_argument("--batch", type=positive, default=1, help="pictures at once")
    parser.add_argument("--repeats", type=positive, default=5, help="measured rounds of each form")
    parser.add_argument("--threads", type=positive, default=2, help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--amp", action="store_true", help="both forms under bfloat16 autocast")
    parser.add_argument("--compile", action="store_true", help="torch.compile mmfan's form")
    parser.add_argument("--with-cp", action="store_true", help="mmfan recomputes its blocks in the backward pass")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured, unrounded")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write what is printed")
    return parser


def main() -> int:
    """Parse, measure, print."""
    parser = make_parser()
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device here")
    for path in filter(None, (args.json, args.markdown)):
        if not path.resolve().parent.is_dir():
            parser.error(f"the folder of {path} does not exist: make it first")
    tasks: tuple[Task, ...] = ("inference", "training") if args.task == "all" else (args.task,)
    try:
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
                with_cp=args.with_cp,
            )
            for task in tasks
        ]
    except ValueError as error:
        parser.error(str(error))

    torch.set_num_threads(args.threads)
    rates = measure_rates(args.device, jobs[0].dtype)
    try:
        comparisons = [compare(job, args.repeats, lambda line: print(line, file=sys.stderr)) for job in jobs]
    except (DifferentFunctionError, MemoryError, torch.OutOfMemoryError) as error:
        print(f"benchmark.py: {error}", file=sys.stderr)
        return 1
    rates = rates.best(measure_rates(args.device, jobs[0].dtype))
    machine = describe_machine(args.device)
    table = markdown(comparisons, machine, rates)
    print(table)
    if args.json:
        write_text(args.json, json.dumps(as_json(comparisons, machine, rates), indent=2) + "\n")
    if args.markdown:
        write_text(args.markdown, table + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
