"""``mmfan test`` under its old name."""

import sys

from mmfan.cli import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("test.py"))
