"""``python -m mmfan``: the command ``mmfan``."""

import sys

from mmfan.cli import main

if __name__ == "__main__":
    sys.exit(main())
