"""Names of the commands as the reader starts them: ``mmfan report``, or ``python tools/report.py`` in a checkout."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import PurePath

# command -> the file in tools/ that bears its old name
TOOLS = {
    "analyze": "analyze.py",
    "bench": "benchmark.py",
    "convert": "convert_checkpoint.py",
    "corrupt --sheet": "browse_corruptions.py",
    "corrupt": "make_corrupted_set.py",
    "infer --compare": "show_predictions.py",
    "infer": "infer.py",
    "judge": "test_robustness.py",
    "mini": "make_mini_set.py",
    "prepare camvid": "prepare_camvid.py",
    "prepare cityscapes": "prepare_cityscapes.py",
    "report": "report.py",
    "test": "test.py",
    "train": "train.py",
}
_NAMED = re.compile(r"\bmmfan (" + "|".join(sorted(map(re.escape, TOOLS), key=len, reverse=True)) + r")\b")


def command_name(command: str) -> str:
    """The words that start a command, for a message: as a tool where the running program is one.

    Worker processes know how their parent was started, so they say the same.

    Args:
        command: ``'report'``, ``'prepare cityscapes'``, ``'corrupt --sheet'``, ...

    >>> command_name("prepare cityscapes")
    'mmfan prepare cityscapes'
    """
    tool = _tool(command)
    return f"python {tool}" if tool else f"mmfan {command}"


def torchrun_name(command: str) -> str:
    """What torchrun is given to start a command: ``-m mmfan train``, or ``tools/train.py``.

    >>> torchrun_name("train")
    '-m mmfan train'
    """
    return _tool(command) or f"-m mmfan {command}"


def _tool(command: str) -> str | None:
    """The tool for a command, beside the one that is running, if one is."""
    program = PurePath(sys.argv[0] if sys.argv else "")
    if command in TOOLS and program.parent.name == "tools" and program.name in TOOLS.values():
        return shlex.quote(str(program.with_name(TOOLS[command])))
    return None


def name_commands(text: str) -> str:
    """A text that says ``mmfan report``, with the words that start each command here; see :func:`command_name`."""
    return _NAMED.sub(lambda found: command_name(found.group(1)), text)
