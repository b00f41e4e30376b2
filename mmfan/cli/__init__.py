"""Command lines: all commands of ``mmfan``, the options that they share, and how errors end them."""

from mmfan.cli.commands import main, run_tool

__all__ = ["main", "run_tool"]
