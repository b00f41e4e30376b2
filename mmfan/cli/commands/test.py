"""Test a trained segmentor or detector with the metric of its config.

    mmfan test fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth
    mmfan test CONFIG CHECKPOINT --tta --out predictions --show-dir pictures

--out and --show-dir write label maps (of segmentors) or objects (of detectors), and painted pictures. Label maps of
Cityscapes' classes hold label ids, as its evaluation takes them; objects are in COCO's results files. The scores also
go to a JSON file under the work folder. Exit status: 2 for a mistake in the command or config, 1 for data that fail
during the run.
"""

from __future__ import annotations

import argparse

from mmfan.cli.console import add_output_options, log_place, own_console
from mmfan.cli.options import add_config, add_run_options, export_local_rank, make_command_parser
from mmfan.cli.problems import exits_on_problem
from mmfan.cli.scores import score_text


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; options carry the names they have in mmsegmentation and mmdetection."""
    parser = make_command_parser(prog, __doc__)
    add_config(parser, "checkpoint file of a training run")
    add_run_options(parser)
    parser.add_argument(
        "--out", metavar="DIR", help="write predictions into DIR: label maps as 8-bit PNG, objects as COCO's JSON"
    )
    parser.add_argument(
        "--ids", choices=["label", "train"],
        help="numbers in label maps: label ids of Cityscapes (0 to 33), or train ids, the class numbers of the model "
        "(default: label ids for the classes of Cityscapes)",
    )  # fmt: skip
    parser.add_argument("--show-dir", metavar="DIR", help="write every picture, painted with its prediction, into DIR")
    parser.add_argument("--tta", action="store_true", help="test-time augmentation: the config's tta_pipeline")
    add_output_options(parser)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, build, test."""
    if args.ids and not args.out:
        parser.error("argument --ids: says what label maps hold, which --out DIR writes")
    with own_console(parser.prog, args, tables=True, scores=False):
        return test(args, parser)


def test(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Do that, with the console of commands; the exit status."""
    from mmfan.apis import build_runner, load_config
    from mmfan.apis.cores import fit_to_cores
    from mmfan.apis.outputs.hooks import PredictionWriter, check_one_prediction

    export_local_rank(args.local_rank)
    cfg = load_config(args.config, args.cfg_options)
    fitted = fit_to_cores(cfg, ["test_dataloader"], args.cfg_words)
    runner = build_runner(cfg, work_dir=args.work_dir, checkpoint=args.checkpoint, launcher=args.launcher, tta=args.tta)
    if args.out or args.show_dir:
        check_one_prediction(cfg)
        runner.register_hook(PredictionWriter(args.out, args.show_dir, ids=args.ids))
    if fitted:
        runner.logger.info(fitted)
    runner.logger.info(f"Testing {args.checkpoint}; {log_place(runner)}")
    with exits_on_problem(parser.prog, code=1):
        scores = runner.test()
    if runner.rank == 0:
        print("  ".join(score_text(name, value) for name, value in scores.items()))
    return 0
