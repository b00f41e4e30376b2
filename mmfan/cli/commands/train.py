"""Train a segmentor or detector from a config, on one device or many.

    mmfan train fan_segformer_mini
    torchrun --nproc_per_node 8 -m mmfan train fan_segformer_cityscapes --launcher pytorch --amp
    mmfan train fan_segformer_camvid --robust cwfa augmix

A run that was killed continues with --resume. Exit status: 2 for a mistake in the command or config, 1 for data or
checkpoints that fail during the run, 130 after Ctrl-C, 143 after SIGTERM.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mmfan.cli.console import add_output_options, log_place, own_console, shown_path
from mmfan.cli.options import add_config, add_run_options, export_local_rank, make_command_parser
from mmfan.cli.problems import exits_on_problem
from mmfan.cli.stopping import status_of
from mmfan.utils.commands import command_name
from mmfan.utils.processes.children import end_children

# Settings that a test has no use for.
OF_TRAINING = (
    "train_",
    "val_",
    "optim_wrapper",
    "param_scheduler",
    "default_hooks",
    "resume",
    "load_from",
    "randomness",
)


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
    parser.add_argument(
        "--robust",
        nargs="+",
        metavar="RECIPE",
        help="train for what survives corruption: cwfa, augmix, teacher, apr, ...; docs/robust_training.md has all",
    )
    add_output_options(parser)
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, build, train."""
    with own_console(parser.prog, args):
        return train(args, parser)


def train(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Do that, with the console of commands; the exit status."""
    from mmfan.apis import build_runner, load_config
    from mmfan.apis.cores import fit_to_cores
    from mmfan.training.recipe_places import check_model, hooks_of
    from mmfan.training.seeds import seed_of

    export_local_rank(args.local_rank)
    cfg = load_config(args.config, args.cfg_options)
    seed, changes = seed_of(cfg) or 0, []
    hooks_of(cfg)
    check_model(cfg)
    if args.robust:
        from mmfan.apis.runner import default_work_dir
        from mmfan.training.recipes import apply_recipes

        changes = [f"--robust {line}" for line in apply_recipes(cfg, args.robust, seed=seed)]
        # a folder of its own: another training than that of the plain config
        cfg.work_dir = args.work_dir or "-".join((str(cfg.get("work_dir") or default_work_dir(cfg)), *args.robust))
    fitted = fit_to_cores(cfg, ["train_dataloader", "val_dataloader"], args.cfg_words)
    runner = build_runner(
        cfg,
        work_dir=args.work_dir,
        resume=args.resume or False,
        amp=args.amp,
        launcher=args.launcher,
        auto_scale_lr=args.auto_scale_lr,
    )
    if fitted:
        runner.logger.info(fitted)
    runner.logger.info(f"Training {args.config}; checkpoints go to {shown_path(runner.work_dir)}, {log_place(runner)}")
    for change in changes:
        runner.logger.info(change)
    try:
        with exits_on_problem(parser.prog, code=1):
            runner.train()
    except KeyboardInterrupt as stop:
        end_children()  # torch would wait for each of the loading processes
        print(f"\nStopped; the same command with --resume continues from {runner.work_dir}.", file=sys.stderr)
        return status_of(stop)
    if runner.rank == 0:
        print(told_at_the_end(args, runner.work_dir), end="")
    return 0


def told_at_the_end(args: argparse.Namespace, work_dir: str) -> str:
    """The newest checkpoint, and how to test and judge it; empty where none was written."""
    from mmfan.apis.resume import latest_checkpoint

    newest = latest_checkpoint(Path(work_dir))
    if newest is None:
        return ""
    lines = [f"Checkpoint: {shown_path(newest)}", "Test it, and judge it under corruption:"]
    words = shlex.join([args.config, shown_path(newest)])
    kept = [word for word in args.cfg_words if not word.startswith(OF_TRAINING)]
    more = f" --cfg-options {shlex.join(kept)}" if kept else ""
    # the plain config takes the weights; in results the two trainings need names of their own
    name = f" --name {'-'.join((Path(args.config).stem, *args.robust))}" if args.robust else ""
    lines += [f"  {command_name('test')} {words}{more}", f"  {command_name('judge')} {words}{name}{more}"]
    return "\n".join(lines) + "\n"
