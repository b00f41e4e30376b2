"""Test a trained segmentor or detector with the metric of its config.

    python tools/test.py configs/fan_segformer_mini.py work_dirs/fan_segformer_mini/iter_700.pth
    python tools/test.py CONFIG CHECKPOINT --tta --out predictions --show-dir pictures

--out and --show-dir write label maps (of segmentors) or objects (of detectors), and painted pictures. The scores also
go to a JSON file under the work folder. Exit status: 2 for a mistake in the command or config, 1 for data that fail
during the run.
"""

from __future__ import annotations

import argparse

from mmfan.apis import build_runner, load_config
from mmfan.apis.hooks import PredictionWriter, check_one_prediction
from mmfan.cli.options import add_run_options, exits_on_problem, export_local_rank


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; options carry the names they have in mmsegmentation and mmdetection."""
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file of a training run")
    add_run_options(parser)
    parser.add_argument(
        "--out", metavar="DIR", help="write predictions into DIR: label maps as 8-bit PNG, objects as JSON"
    )
    parser.add_argument("--show-dir", metavar="DIR", help="write every picture, painted with its prediction, into DIR")
    parser.add_argument("--tta", action="store_true", help="test-time augmentation: the config's tta_pipeline")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, build, test."""
    export_local_rank(args.local_rank)
    with exits_on_problem(parser.prog, code=2):
        cfg = load_config(args.config, args.cfg_options)
        runner = build_runner(
            cfg, work_dir=args.work_dir, checkpoint=args.checkpoint, launcher=args.launcher, tta=args.tta
        )
        if args.out or args.show_dir:
            check_one_prediction(cfg)
            runner.register_hook(PredictionWriter(args.out, args.show_dir))
    with exits_on_problem(parser.prog, code=1):
        runner.test()
    return 0
