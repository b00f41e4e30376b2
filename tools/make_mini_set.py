"""``mmfan mini`` under its old name."""

import sys

from mmfan.cli import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("make_mini_set.py"))
