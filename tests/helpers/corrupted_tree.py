"""Small sets of pictures, and a corruption that costs nothing, for the tests of making corrupted sets."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[2]

# A user's own corruption, as --import finds it.
MODULE = """
import time
import numpy as np
from mmfan.corruptions import register_corruption

def tint(image, severity, seed):
    if {sleep}:
        time.sleep({sleep})
    shift = np.random.default_rng(seed).integers(1, 20, 3, dtype=np.uint8)
    return image + severity * (shift if image.ndim == 3 else shift[0])

register_corruption("tint", tint, severities={severities}, version="{version}")
"""


def write_module(folder, name="my_tint", sleep=0, severities=(1, 2, 3), version="1"):
    (folder / f"{name}.py").write_text(MODULE.format(sleep=sleep, severities=severities, version=version))
    return name


def write_picture(path, seed, size=(40, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 3)
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
    return path


def write_cityscapes(root, count=7):
    for index in range(count):
        city = ("ulm", "jena")[index % 2]
        write_picture(root / f"leftImg8bit/val/{city}/{city}_{index:06d}_000019_leftImg8bit.png", index)
    write_picture(root / "leftImg8bit/train/bonn/bonn_000000_000019_leftImg8bit.png", 99)
    return root


def tree_bytes(root):
    """Content of every file of a set, by its path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def start_tool(*arguments, cwd=None, **environment):
    import os

    command = [sys.executable, str(ROOT / "tools/make_corrupted_set.py"), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
