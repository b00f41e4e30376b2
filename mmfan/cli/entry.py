"""Entry of the command line ``mmfan``: a table of commands, and the one way in for all of them.

Each command is a module of ``commands`` with ``make_parser(prog)`` and ``run(args, parser) -> exit status``; it is
imported when it is asked for.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from mmfan.cli.problems import ends_quietly, exits_on_problem, show_bug
from mmfan.cli.stopping import take_signals
from mmfan.cli.waiting import wait_asleep
from mmfan.utils.commands import TOOLS
from mmfan.utils.text import did_you_mean
from mmfan.version import __version__

# words -> (module of ``commands``, what it does); an option among the words may stand anywhere after the command
COMMANDS = {
    "train": ("train", "train a segmentor or detector from a config"),
    "test": ("test", "test a checkpoint with the metric of its config"),
    "judge": ("judge.command", "judge a model on clean and corrupted pictures"),
    "report": ("report", "tables, plots and gates of judged models"),
    "corrupt": ("corrupt", "corrupt a whole set of pictures, once and to disk"),
    "corrupt --sheet": ("sheet", "draw one picture with every corruption at every severity"),
    "analyze": ("analyze", "look inside models: spectra, attention, loss landscapes, ..."),
    "infer": ("infer", "paint pictures of your own with their predictions"),
    "infer --compare": ("compare", "draw test pictures beside their truth and their prediction"),
    "convert": ("convert", "turn a published FAN file into an mmfan checkpoint"),
    "export": ("export", "write a segmentor as ONNX, OpenVINO or TorchScript"),
    "prepare cityscapes": ("prepare.cityscapes", "make the train-id labels of Cityscapes, and count its files"),
    "prepare camvid": ("prepare.camvid", "write CamVid as a Cityscapes tree"),
    "prepare weather": ("prepare.weather", "count the files of ACDC, MUSES, BDD100K, ...; convert ExDark"),
    "mini": ("mini", "draw an embedded miniature set, of Cityscapes' or COCO's form"),
    "bench": ("bench.segmentor", "measure speed and memory of the segmentor"),
    "bench suite": ("bench.suite", "measure all parts in one run, and fill a page with their tables"),
    "bench corruptions": ("bench.corruptions", "measure the speed of the corruptions"),
    "bench detection": ("bench.detection", "measure the memory of a detector"),
    "bench judge": ("bench.judge", "measure what judging adds to workers and model"),
    "bench robust": ("bench.robust", "train and judge ways of robust training; make the table of them"),
    "env": ("env", "print versions, packages and machine: what a report of a bug needs"),
    "configs": ("configs", "list mmfan's own configs with their scores"),
    "submit acdc": ("submit_acdc", "pack predictions for the server of ACDC, checked"),
}
# What leads to what: the order in which a newcomer meets the commands.
JOURNEYS = {
    "get data": ("mini", "prepare cityscapes", "prepare camvid", "prepare weather"),
    "train and use a model": ("configs", "train", "test", "infer", "infer --compare", "export", "convert"),
    "judge any model under corruption": ("judge", "report", "corrupt", "corrupt --sheet", "submit acdc"),
    "look inside models": ("analyze",),
    "measure, and report a problem": (
        "bench",
        "bench suite",
        "bench corruptions",
        "bench detection",
        "bench judge",
        "bench robust",
        "env",
    ),
}
FIRST_STEPS = (
    "mmfan mini cityscapes data/mini_cityscapes",
    "mmfan train fan_segformer_mini",
    "mmfan judge fan_segformer_mini work_dirs/fan_segformer_mini/iter_700.pth --limit 10",
    "mmfan report work_dirs/fan_segformer_mini/robustness.jsonl --format html --out report.html",
)
NAMES = tuple(dict.fromkeys(words.split()[0] for words in COMMANDS))


def usage() -> str:
    """The help of ``mmfan`` itself."""
    width = max(map(len, COMMANDS)) + 2
    parts = [
        "usage: mmfan COMMAND ...",
        "Robust dense prediction: how much of a model's accuracy survives when the picture gets worse?",
    ]
    for journey, commands in JOURNEYS.items():
        parts.append("\n".join([f"{journey}:", *(f"  {words:<{width}}{COMMANDS[words][1]}" for words in commands)]))
    parts.append("\n".join(["a first try, in any folder:", *(f"  {line}" for line in FIRST_STEPS)]))
    parts.append("`mmfan COMMAND --help` lists the options of a command; `mmfan --version` prints the version.")
    return "\n\n".join(parts)


def choose(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The command that a command line asks for, the most specific one, and what is left for its parser."""
    for words in sorted(COMMANDS, key=len, reverse=True):
        first, *more = words.split()
        if argv[0] != first or (more and not more[0].startswith("-") and list(argv[1:2]) != more):
            continue
        if more and more[0] not in argv:
            continue
        rest = list(argv[1:])
        for word in more:
            rest.remove(word)
        return words, rest
    raise KeyError(argv[0])


def run_command(words: str, argv: Sequence[str], prog: str) -> int:
    """Parse the options of one command and run it."""
    with exits_on_problem(prog, code=2):
        module = import_module(f"mmfan.cli.commands.{COMMANDS[words][0]}")
        logging.raiseExceptions = (
            False  # a log on a full disk would print a traceback a line; what follows says it once
        )
        parser: argparse.ArgumentParser = module.make_parser(prog)
        status: int = module.run(parser.parse_args(argv), parser)
    return status


def run_tool(name: str) -> int:
    """Run the command that a file of ``tools/`` stands for; returns the exit status."""
    sys.excepthook = show_bug
    take_signals()
    wait_asleep(os.environ)
    first = next(command for command, file in TOOLS.items() if file == name)
    words, rest = choose([*first.split(), *sys.argv[1:]])
    more = words[len(first) :]
    with ends_quietly():
        return run_command(words, rest, f"{name}{more}")


def _show_group(within: Sequence[str], rest: Sequence[str]) -> int:
    """The help of a word that several commands begin with, such as ``prepare``."""
    asked = rest[:1] in (["-h"], ["--help"])
    lines = [f"  mmfan {words} --help   {COMMANDS[words][1]}" for words in within]
    print("Expected one of", *lines, sep="\n", file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``mmfan`` with these arguments, those of the program by default; returns the exit status.

    Raises:
        SystemExit: After ``--help``, for a mistake of the user (status 2 or 1), after Ctrl-C (130) and SIGTERM (143).
    """
    if argv is None:
        sys.excepthook = show_bug
        take_signals()
        wait_asleep(os.environ)
        argv = sys.argv[1:]
    with ends_quietly():
        return _dispatch(list(argv))


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        print(usage())
        return 0 if argv else 2
    if argv[0] == "--version":
        print(f"mmfan {__version__}")
        return 0
    try:
        words, rest = choose(argv)
    except KeyError:
        within = [words for words in COMMANDS if words.split()[0] == argv[0]]
        if within:
            return _show_group(within, argv[1:])
        hint = did_you_mean(argv[0], NAMES, 0.6) or f" There are {', '.join(NAMES)}."
        print(f"mmfan: error: There is no command {argv[0]!r}.{hint}", file=sys.stderr)
        return 2
    return run_command(words, rest, f"mmfan {words}")
