"""Train a segmentor or detector from a config, on one device or many.

    mmfan train fan_segformer_mini
    torchrun --nproc_per_node 8 -m mmfan train fan_segformer_cityscapes --launcher pytorch --amp

A run that was killed continues with --resume. Exit status: 2 for a mistake in the command or config, 1 for data or
checkpoints that fail during the run, 130 after Ctrl-C, 143 after SIGTERM.
"""

from __future__ import annotations

import argparse
import sys

from mmfan.cli.options import add_config, add_run_options, export_local_rank, make_command_parser
from mmfan.cli.problems import exits_on_problem
from mmfan.cli.stopping import status_of
from mmfan.utils.processes import end_children


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; options carry the names they have in mmsegmentation and mmdetection."""
    parser = make_command_parser(prog, __doc__)
    add_config(parser)
    add_run_options(parser)
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="continue from CHECKPOINT, or without a value from the newest one in the work folder, if there is one",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision (bfloat16 on a CPU)")
    parser.add_argument(
        "--auto-scale-lr",
        action="store_true",
        help="scale the learning rate with the batch over all GPUs, relative to the config's auto_scale_lr",
    )
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, build, train."""
    from mmfan.apis import build_runner, load_config

    export_local_rank(args.local_rank)
    runner = build_runner(
        load_config(args.config, args.cfg_options),
        work_dir=args.work_dir,
        resume=args.resume or False,
        amp=args.amp,
        launcher=args.launcher,
        auto_scale_lr=args.auto_scale_lr,
    )
    try:
        with exits_on_problem(parser.prog, code=1):
            runner.train()
    except KeyboardInterrupt as stop:
        end_children()  # torch would wait for each of the loading processes
        print(f"\nStopped; the same command with --resume continues from {runner.work_dir}.", file=sys.stderr)
        return status_of(stop)
    return 0
