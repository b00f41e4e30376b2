"""Judge a segmentor, detector or classifier on clean and corrupted pictures: what does it retain?

    mmfan judge fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth
    mmfan judge CONFIG CHECKPOINT --corruptions fog snow --severities 1 3 --limit 100 --dry-run
    mmfan judge --onnx model.onnx --images DIR --labels DIR --classes FILE
    mmfan judge --classifier fan_tiny.pth.tar --images imagenet/val --stored imagenet-c --imagenet-c

Works with any config of mmsegmentation or mmdetection. Each cell (a corruption at a severity) is one line of the
results file as soon as it is finished; started again, the run goes on with the next cell. `mmfan report` makes
tables and plots of results files. Exit status: 2 for a mistake in the command or config, 1 for data that fail
during the run.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mmfan.cli.attack_options import add_attack_options, asked_with_attacks, check_attack_options
from mmfan.cli.commands.judge import classifier as classifiers
from mmfan.cli.commands.judge.onnx import add_onnx_options, check_form, judge_onnx
from mmfan.cli.console import add_output_options, log_place, own_console
from mmfan.cli.cue_options import add_cue_options, asked_with_cues, check_cue_options
from mmfan.cli.options import (
    add_limit,
    add_run_options,
    add_seed,
    add_workers,
    export_local_rank,
    make_command_parser,
    whole,
)
from mmfan.cli.problems import exits_on_problem
from mmfan.cli.stopping import status_of
from mmfan.cli.weather_options import add_weather_options, asked_weather, check_weather_options
from mmfan.evaluation.conditions.adaptation_settings import DEFAULTS as ADAPTATIONS
from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.utils.commands import command_name
from mmfan.utils.processes.children import end_children

RESULTS_NAME = "robustness.jsonl"


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; shared options carry the names they have in mmsegmentation and mmdetection."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("config", nargs="?", help="config of mmfan, mmsegmentation or mmdetection, a file or a name")
    parser.add_argument("checkpoint", nargs="?", help="checkpoint file (not needed for --dry-run)")
    cells = parser.add_argument_group("what is judged")
    cells.add_argument("--protocol", help=f"{', '.join(PROTOCOLS)}, or a JSON file (default: kamann16)")
    cells.add_argument("--corruptions", nargs="+", metavar="NAME", help="a protocol of these types instead")
    cells.add_argument("--severities", nargs="+", type=whole(1), metavar="N", help="their severities (default: all)")
    cells.add_argument(
        "--adapt",
        metavar="NAME",
        help=f"judge a model that adapts to each corruption: {', '.join(ADAPTATIONS)}, or JSON with settings, such as "
        '{"name": "bn", "prior": 16, "reset": "cell"}',
    )
    add_attack_options(parser)
    add_cue_options(parser)
    add_weather_options(parser)
    add_limit(cells, "only N pictures, spread evenly over the set")
    add_seed(cells, "base seed of the corruptions", default=None)
    cells.add_argument("--source", choices=("fly", "disk"), help="corrupt while loading, or read --corrupted-root")
    cells.add_argument(
        "--corrupted-root", metavar="DIR", help=f"a set of {command_name('corrupt')}; means --source disk"
    )
    cells.add_argument(
        "--calibration", action="store_true", help="does the model know when it is wrong: ECE, NLL and the like, too"
    )
    cells.add_argument(
        "--flips", action="store_true", help="count the pixels that change class from one severity to the next, too"
    )
    cells.add_argument("--picture-root", metavar="DIR", help="the folder that names of pictures are relative to")
    kept = parser.add_argument_group("what is kept")
    kept.add_argument("--results", metavar="FILE", help=f"results file (default: {RESULTS_NAME} in the work folder)")
    kept.add_argument("--name", help="name of the model in the results (default: that of the config file)")
    kept.add_argument("--dataset-name", metavar="NAME", help="name of the data set (default: that of its class)")
    kept.add_argument(
        "--pictures",
        type=whole(0),
        metavar="N",
        help="write N pictures and what the model sees in them beside the results",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--dry-run", action="store_true", help="check everything, list the cells, estimate the time, then stop"
    )
    add_workers(how, "loading processes (default: the config's)", least=0)
    how.add_argument(
        "--cache",
        metavar="SIZE",
        help="memory for decoded pictures, such as 2GB; 0 for none (default: a quarter of what is free)",
    )
    how.add_argument(
        "--batch-size", type=whole(1), metavar="N", help="pictures at a time (default: the config's, or 1)"
    )
    how.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16"),
        help="what the model computes in (default: bf16 on a GPU, but fp32 with mmcv's operators; fp32 on a CPU)",
    )
    how.add_argument("--amp", action="store_true", help="the same as --precision bf16")
    how.add_argument(
        "--windows", type=whole(1), metavar="N", help="sliding windows at a time (default: 16 on a GPU, 1 on a CPU)"
    )
    how.add_argument("--compile", action="store_true", help="compile the model (torch.compile)")
    how.add_argument("--tta", action="store_true", help="test-time augmentation: the config's tta_pipeline")
    add_onnx_options(parser)
    classifiers.add_classifier_options(parser)
    add_run_options(parser)
    add_output_options(parser)
    return parser


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what contradicts itself."""
    classifiers.check_form(parser, args)
    by_itself = classifiers.is_classifier(args)
    if not by_itself:
        check_form(parser, args)
    if args.checkpoint is None and not args.dry_run and args.onnx is None and not by_itself:
        parser.error("the following arguments are required: checkpoint (only --dry-run goes without)")
    if args.protocol and args.corruptions:
        parser.error("take --protocol or --corruptions, not both")
    if args.severities and not args.corruptions:
        parser.error("--severities needs --corruptions")
    check_attack_options(parser, args)
    check_cue_options(parser, args)
    check_weather_options(parser, args)
    if args.source == "fly" and args.corrupted_root:
        parser.error("--corrupted-root is for --source disk")
    if args.amp and args.precision not in (None, "bf16"):
        parser.error("take --amp or --precision, not both")


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, build, judge, print."""
    check_arguments(parser, args)
    if classifiers.is_classifier(args):
        return classifiers.judge_classifier(args, parser, RESULTS_NAME)
    if args.onnx is not None:
        return judge_onnx(args, parser, RESULTS_NAME)
    with own_console(parser.prog, args, scores=False):
        return judge(args, parser)


def judge(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Do that, with the console of commands; the exit status."""
    from mmfan.apis import build_runner, load_config
    from mmfan.apis.cores import fit_to_cores
    from mmfan.apis.robustness import (
        built_loop,
        describe_plan,
        judged_config,
        old_records_text,
        overview_text,
        plan_text,
        report_words,
    )
    from mmfan.apis.runner import default_work_dir
    from mmfan.evaluation.judging.asked import asked_adaptation, asked_protocol

    export_local_rank(args.local_rank)
    cfg = load_config(args.config, args.cfg_options)
    work_dir = args.work_dir or cfg.get("work_dir") or default_work_dir(cfg)
    asked = asked_with_attacks(args, asked_protocol(args.protocol, args.corruptions, args.severities))
    protocol, weather = asked_weather(args, asked_with_cues(args, asked))
    cfg = judged_config(
        cfg,
        workers=args.workers,
        batch_size=args.batch_size,
        compiled=args.compile,
        fill_cores=not any(word.startswith("test_dataloader.num_workers=") for word in args.cfg_words),
        protocol=protocol,
        weather=weather,
        adapt=asked_adaptation(args.adapt),
        results=args.results or str(Path(work_dir) / RESULTS_NAME),
        limit=args.limit,
        seed=args.seed,
        source="disk" if args.corrupted_root else args.source,
        corrupted_root=args.corrupted_root,
        picture_root=args.picture_root,
        name=args.name,
        dataset_name=args.dataset_name,
        pictures=args.pictures,
        precision="bf16" if args.amp else args.precision,
        windows=args.windows,
        cache=args.cache,
        calibration=args.calibration,
        flips=args.flips or None,
    )
    if args.checkpoint is None:
        cfg.load_from = None  # what a training starts from is no model to judge, and may be a download
    fitted = fit_to_cores(cfg, ["test_dataloader"], args.cfg_words, asked=args.workers is not None)
    runner = build_runner(cfg, work_dir=work_dir, checkpoint=args.checkpoint, launcher=args.launcher, tta=args.tta)
    loop = built_loop(runner)
    if fitted:
        runner.logger.info(fitted)
    told = args.checkpoint or args.config
    runner.logger.info(f"Judging {told} on {loop.protocol.name}, {plan_text(loop)}; {log_place(runner)}")
    with exits_on_problem(parser.prog, code=1):
        if args.dry_run:
            print(describe_plan(loop, measure=args.checkpoint is not None))
            return 0
        try:
            runner.test()
        except KeyboardInterrupt as stop:
            end_children()  # torch would wait for each of the loading processes
            print("\nStopped; the same command goes on with the cell that was in work.", file=sys.stderr)
            return status_of(stop)
        if runner.rank == 0 and loop.store is not None:
            print(f"Results: {loop.store.path}")
            print(overview_text(loop))
            print(old_records_text(loop), end="\n" if old_records_text(loop) else "")
            print("\nTables and plots:")
            print(f"  {command_name('report')} {shlex.join(report_words(loop))}")
    return 0
