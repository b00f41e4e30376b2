"""``python -m mmfan``: the command ``mmfan``."""

import sys

from mmfan.cli import main

if __name__ == "__main__":
    __spec__ = None  # processes that are started anew run this file then, and so end with this one, see mmfan.cli
    sys.exit(main())
