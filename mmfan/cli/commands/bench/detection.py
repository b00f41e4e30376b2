"""Memory of a detector at full size: its backbone, and one training step.

    mmfan bench detection --arch small --size 1344x800

Prints the machine and a table.
"""

from __future__ import annotations

import argparse

from mmfan.cli.commands.bench.segmentor import SIZES, add_file_options, check_folders, picture_size, say, show
from mmfan.cli.options import make_command_parser, whole


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line of the detector."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("--arch", choices=SIZES, default="small", help="size of FAN-Hybrid")
    parser.add_argument(
        "--size", type=picture_size, default=(1344, 800), metavar="WxH", help="of the picture, in pixels"
    )
    parser.add_argument("--threads", type=whole(1), default=2, help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    add_file_options(parser)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure the detector's memory, print."""
    import torch

    from mmfan.benchmark.detector import DetectorJob, detector_page, measure_detector
    from mmfan.benchmark.machine import describe_torch_machine
    from mmfan.environment import check_environment

    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device here")
    check_folders(parser, args)
    check_environment("mmdet")
    job = DetectorJob(args.arch, args.size[1], args.size[0], args.threads, args.device)
    rows = measure_detector(job, say)
    show(args, detector_page(job, rows, describe_torch_machine(args.device)))
    return 0
