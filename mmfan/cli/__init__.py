"""Command lines: all commands of ``mmfan``, the options that they share, and how errors end them."""

from mmfan.cli.entry import main, run_tool
from mmfan.utils.processes.children import guard_started

__all__ = ["main", "run_tool"]

guard_started()
