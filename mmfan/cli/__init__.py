"""Command lines: all commands of ``mmfan``, the options that they share, and how errors end them."""

import sys

from mmfan.cli.commands import main, run_tool
from mmfan.utils.processes import end_with_parent

__all__ = ["main", "run_tool"]

if "multiprocessing" in sys.modules:  # a process that a command starts anew imports the command's main module first
    end_with_parent()
