"""What the command lines of ``tools/`` have in common: options that OpenMMLab users know, and how errors end them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.config import DictAction

from mmfan.cli.problems import known_problem


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--work-dir --cfg-options --launcher --local-rank``, with the meaning they have in mmsegmentation."""
    parser.add_argument(
        "--work-dir", help="where logs and checkpoints go (default: the config's work_dir, else work_dirs/CONFIG_NAME)"
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        default={},
        metavar="KEY=VALUE",
        help="override settings of the config, e.g. train_cfg.max_iters=100 'crop_size=[512,512]'",
    )
    parser.add_argument(
        "--launcher",
        choices=("none", "pytorch", "slurm", "mpi"),
        default="none",
        help="how several processes were started: pytorch means torchrun",
    )
    # torch.distributed.launch passes it; torchrun sets the variable LOCAL_RANK instead.
    parser.add_argument("--local-rank", "--local_rank", type=int, default=0, help=argparse.SUPPRESS)


def export_local_rank(local_rank: int) -> None:
    """Make ``--local-rank`` known to mmengine, which reads the variable ``LOCAL_RANK``; torchrun's own value wins."""
    os.environ.setdefault("LOCAL_RANK", str(local_rank))


@contextmanager
def exits_on_problem(prog: str, code: int) -> Iterator[None]:
    """End the program with one message on stderr when the user caused the error; let every other error through.

    Args:
        prog: Name to start the message with.
        code: Exit status: 2 while the input is read, 1 for failures at work.
    """
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError, TypeError, KeyError) as error:
        message = known_problem(error)
        if message is None:
            raise
        sys.stdout.flush()
        print(f"{prog}: error: {message}", file=sys.stderr)
        raise SystemExit(code) from error
