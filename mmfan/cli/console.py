"""Console of a command: what is shown of the logs, warnings and prints of the libraries below; the log file has all.

Results go to the standard output, and everything else to the standard error. Shown are the words of mmfan and of the
user's own modules, errors, and of mmengine's log the lines on progress, in short. Whole configs, environments, lists of
hooks, and what libraries print and warn of while they are imported and built are written to the log file of the run
alone. ``--verbose`` shows them too, ``--quiet`` not even the progress.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from mmfan.cli.progress_lines import progress_line
from mmfan.utils.text import one_line

# Packages whose words are for the log file.
_OPENMMLAB = frozenset({"mmengine", "mmcv", "mmseg", "mmdet", "mmpretrain"})
LIBRARIES = _OPENMMLAB | {
    "pycocotools", "torch", "torchvision", "numpy", "scipy", "PIL", "cv2", "matplotlib", "numba", "timm", "yapf",
    "pkg_resources", "setuptools", "cityscapesscripts", "terminaltables", "prettytable", "rich", "requests",
    "faster_coco_eval", "imagecorruptions", "imgaug", "albumentations", "transformers", "tensorboard",
}  # fmt: skip
# Modules that pass on what others say.
_MESSENGERS = ("logging", "warnings", "mmengine.logging", "mmfan.cli.console")
# What OpenMMLab logs without a warning's level and a user wants to see.
_NEWS = re.compile(
    r"Load checkpoint from|Saving checkpoint at|The best checkpoint with|The previous best checkpoint|resumed epoch|"
    r"Auto resumed|Advance dataloader|LR is set based on|Enabling the |Model has been .compiled|early ?stop|"
    r"monitored metric|stopping threshold|per class results|\n\+-",
    re.IGNORECASE,
)
_TABLE = re.compile(r"per class results|\n\+-")
# What OpenMMLab warns of although nothing is to be done.
_NO_NEWS = re.compile(
    r"is skipped since its requires_grad=False|The prefix is not set in metric class|FileClient|HardDiskBackend|"
    r"Failed to search registry with scope|is not a meta-data|init_cfg is a key|The `?model`? and loaded state dict "
    r"match|Duplicate key is detected|will be deprecated|is deprecated|Implicit dimension choice"
)


def add_output_options(parser: argparse._ActionsContainer) -> None:
    """Add ``--verbose`` and ``--quiet``."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-v", "--verbose", action="store_true", help="show the whole log, as the log file has it")
    how.add_argument("-q", "--quiet", action="store_true", help="show results, warnings and errors alone")


def speaker() -> str:
    """The name of the module whose words are being passed on: that of the code which logs, warns or prints."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not any(name == one or name.startswith(f"{one}.") for one in _MESSENGERS):
            return name
        frame = frame.f_back
    return ""


def is_library(module: str) -> bool:
    """Whether a module belongs to a package whose words are for the log file."""
    return module.partition(".")[0] in LIBRARIES


class Console:
    """What a command shows; see the module's head.

    Args:
        prog: How warnings begin.
        verbose: Show all.
        quiet: Show warnings and errors alone.
        tables: Show the tables of scores by class that metrics log: on the standard output, as they are results.
        scores: Show the line of scores that ends a validation or a test.
    """

    def __init__(
        self, prog: str, *, verbose: bool = False, quiet: bool = False, tables: bool = False, scores: bool = True
    ) -> None:
        self.prog, self.verbose, self.quiet, self.tables, self.scores = prog, verbose, quiet, tables, scores
        self.results = sys.stdout
        self.log_files: list[logging.Handler] = []
        self.pending: list[logging.LogRecord] = []
        self.warned: set[str] = set()
        self.replaced: list[tuple[logging.Logger, list[logging.Handler]]] = []

    def take_over(self, logger: logging.Logger, *, is_new: bool) -> None:
        """Show what a logger of mmengine gets in this console's way; a new one's file gets what came before it too."""
        self.replaced.append((logger, list(logger.handlers)))
        for at, handler in enumerate(logger.handlers):
            if isinstance(handler, logging.FileHandler):
                self.log_files += [handler] if is_new else []
            elif isinstance(handler, logging.StreamHandler):
                logger.handlers[at] = ConsoleHandler(self, handler)
        if self.log_files:
            for record in self.pending:
                self.log_files[-1].handle(record)
            self.pending.clear()

    def give_back(self) -> None:
        """Give loggers their handlers again."""
        for logger, handlers in reversed(self.replaced):
            logger.handlers[:] = handlers

    def write_to_log(self, text: str, level: int = logging.INFO) -> None:
        """Write a text to the log file alone; where there is none yet, as soon as there is one."""
        record = logging.LogRecord("mmfan", level, "", 0, text, None, None)
        if self.log_files:
            self.log_files[-1].handle(record)
        else:
            self.pending.append(record)
        if self.verbose:
            print(text, file=sys.stderr)

    def shown(self, record: logging.LogRecord) -> str | None:
        """What is shown of a record of a logger; None for nothing."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            if record.levelno == logging.WARNING and is_library(speaker()) and _NO_NEWS.search(text):
                return None
            # a library's error that is not raised ends nothing
            kind = "warning" if record.levelno == logging.WARNING or is_library(speaker()) else "error"
            return self.first_time(f"{self.prog}: {kind}: {text}")
        if self.quiet:
            return None
        short = progress_line(text)
        if short is not None:
            return short if self.scores or not short.startswith(("validation: ", "test: ")) else None
        if is_library(speaker()) and not _NEWS.search(text):
            return None
        if _TABLE.search(text):
            return text.replace("per class results:", "per class results, in %:") if self.tables else None
        return text

    def first_time(self, text: str) -> str | None:
        """A warning, if it has not been shown before."""
        if text in self.warned:
            return None
        self.warned.add(text)
        return text

    def warn(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        """Take the place of :func:`warnings.showwarning`."""
        module = speaker()
        text = one_line(str(message))
        # that a GPU cannot be used is said by a warning alone
        news = module.startswith("torch.cuda") and not issubclass(category, (DeprecationWarning, FutureWarning))
        if (is_library(module) and not news) or issubclass(category, (DeprecationWarning, ResourceWarning)):
            self.write_to_log(f"{module}: {category.__name__}: {text}", logging.WARNING)
            return
        shown = self.first_time(f"{self.prog}: warning: {text}")
        if shown is not None and os.environ.get("RANK", "0") == "0":  # of several processes each would say it
            self.write_to_log(text, logging.WARNING)
            print(shown, file=sys.stderr)


class ConsoleHandler(logging.Handler):
    """Shows the records of a logger, in the place of mmengine's own handler.

    Args:
        console: Says what of them.
        mine: The handler that it replaces, for its level and, with ``--verbose``, its form.
    """

    def __init__(self, console: Console, mine: logging.Handler) -> None:
        super().__init__(mine.level)
        self.console, self.mine = console, mine

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, if it is to be shown."""
        try:
            if self.console.verbose:
                if self.mine.filter(record):
                    print(self.mine.format(record), file=sys.stderr)
                return
            text = self.console.shown(record)
            if text is not None:
                is_result = _TABLE.search(text) and record.levelno < logging.WARNING
                print(text.strip("\n"), file=self.console.results if is_result else sys.stderr, flush=True)
        except OSError:
            self.handleError(record)


class LibraryFilter:
    """A text stream that hands what libraries print to the console's log, and all else on.

    Args:
        console: Gets whole lines for its log, and knows where the rest goes.
    """

    def __init__(self, console: Console) -> None:
        self.stream, self.console, self._line = console.results, console, ""

    def write(self, text: str) -> int:
        """Write, or put into the log."""
        if not is_library(speaker()):
            return self.stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in filter(None, map(str.rstrip, lines)):
            self.console.write_to_log(line)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def own_console(prog: str, args: argparse.Namespace, **shown: bool) -> Iterator[Console]:
    """Have libraries speak as :class:`Console` says while a command works.

    Args:
        prog: The name of the command.
        args: With ``verbose`` and ``quiet``.
        **shown: ``tables`` and ``scores`` of the console.
    """
    console = Console(prog, verbose=args.verbose, quiet=args.quiet, **shown)
    with warnings.catch_warnings(), redirect_stdout(LibraryFilter(console)):
        warnings.showwarning = console.warn
        from mmengine.logging import MMLogger

        plain = MMLogger.__init__

        def made(self: Any, *arguments: Any, **keywords: Any) -> None:
            plain(self, *arguments, **keywords)
            console.take_over(self, is_new=True)

        for logger in list(MMLogger._instance_dict.values()):
            console.take_over(logger, is_new=False)
        MMLogger.__init__ = made
        try:
            yield console
        finally:
            MMLogger.__init__ = plain
            console.give_back()


def shown_path(path: str | Path) -> str:
    """A path as short as it can be said: relative where it is below the current folder."""
    place = Path(path)
    return str(place.relative_to(Path.cwd())) if place.is_relative_to(Path.cwd()) else str(place)


def log_place(runner: Any) -> str:
    """Where the log file of a Runner is, in words."""
    return f"the whole log to {shown_path(runner.log_dir)}"
