"""Options that commands share, each with one spelling; former spellings still work and are not shown."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from mmfan.errors import MMFanError
from mmfan.utils.commands import name_commands


def make_command_parser(prog: str, text: str | None, **settings: Any) -> argparse.ArgumentParser:
    """A parser whose help is the head of a command's module, with commands as the reader starts them."""
    return argparse.ArgumentParser(
        prog=prog,
        description=name_commands(text or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **settings,
    )


def whole(least: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number of at least ``least``.

    >>> whole(1)("8")
    8
    """

    def read(text: str) -> int:
        if not text.isascii() or not text.lstrip("-").isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        return int(text)

    return read


def fraction(text: str) -> float:
    """The type of an option that takes a number from 0 to 1.

    >>> fraction("0.3")
    0.3
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def add_option(parser: argparse._ActionsContainer, name: str, *, formerly: Sequence[str] = (), **settings: Any) -> None:
    """Add an option, and its former spellings, which help does not show.

    Args:
        parser: Or one of its groups.
        name: ``'--limit'``.
        formerly: ``('--count',)``.
        **settings: As for :meth:`argparse.ArgumentParser.add_argument`.
    """
    action = parser.add_argument(name, **settings)
    if formerly:
        # the default comes from the shown one: a suppressed default sets nothing
        hidden = {**settings, "dest": action.dest, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
        hidden.pop("required", None)
        parser.add_argument(*formerly, **hidden)


def add_config(parser: argparse._ActionsContainer, checkpoint: str = "") -> None:
    """Add CONFIG, and CHECKPOINT where a help text for it is given."""
    parser.add_argument("config", help="config file, or the name of one of mmfan's (listed by `mmfan configs`)")
    if checkpoint:
        parser.add_argument("checkpoint", help=checkpoint)


def add_workers(
    parser: argparse._ActionsContainer, text: str = "processes (default: one a core)", least: int = 1
) -> None:
    """Add ``--workers``; None where it is not given."""
    add_option(parser, "--workers", type=whole(least), metavar="N", help=text)


def add_seed(parser: argparse._ActionsContainer, text: str, default: int | None = 0) -> None:
    """Add ``--seed``, from 0 on."""
    add_option(parser, "--seed", type=whole(0), default=default, metavar="N", help=f"{text} (default: {default or 0})")


def add_limit(parser: argparse._ActionsContainer, text: str, default: int | None = None, **settings: Any) -> None:
    """Add ``--limit``: how many pictures."""
    add_option(parser, "--limit", type=whole(1), default=default, metavar="N", help=text, **settings)


def add_device(parser: argparse._ActionsContainer) -> None:
    """Add ``--device`` as torch names them."""
    parser.add_argument("--device", help="cpu, cuda:0, ... (default: a GPU if there is one)")


def add_imports(parser: argparse._ActionsContainer) -> None:
    """Add ``--import``: modules of the user's that register corruptions."""
    parser.add_argument(
        "--import",
        dest="imports",
        nargs="+",
        default=[],
        metavar="MODULE",
        help="modules that call mmfan.corruptions.register_corruption",
    )


def import_modules(names: Sequence[str]) -> None:
    """Import the user's modules; those in the working folder are found too.

    Raises:
        MMFanError: One cannot be imported.
    """
    sys.path.insert(0, os.getcwd())
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            raise MMFanError(f"--import {name}: {error}") from error


class OverrideAction(argparse.Action):
    """``KEY=VALUE`` words as a dict, read as mmengine reads them; mmengine is imported when there are some."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Read the words and keep them beside those of earlier options of the same name."""
        for word in values:
            if "=" not in word:
                raise argparse.ArgumentError(self, f"expected KEY=VALUE, got {word!r}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the console of the command is not there yet
            from mmengine.config import DictAction

        DictAction(self.option_strings, self.dest, nargs=self.nargs)(parser, namespace, values, option_string)
        namespace.cfg_words = [*getattr(namespace, "cfg_words", []), *values]


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--work-dir --cfg-options --launcher --local-rank``, with the meaning they have in mmsegmentation."""
    parser.add_argument(
        "--work-dir", help="where logs and checkpoints go (default: the config's work_dir, else work_dirs/CONFIG_NAME)"
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=OverrideAction,
        default={},
        metavar="KEY=VALUE",
        help="override settings of the config, e.g. train_cfg.max_iters=100 train_dataloader.batch_size=4",
    )
    parser.set_defaults(cfg_words=[])
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
