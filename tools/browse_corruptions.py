"""``mmfan corrupt --sheet`` under its old name."""

import sys

from mmfan.cli import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("browse_corruptions.py"))
