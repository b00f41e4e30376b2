"""Pictures beside a results file of :mod:`helpers.small_results`, small enough to say every pixel."""

from pathlib import Path

import numpy as np
from PIL import Image

PALETTE = [128, 64, 128, 70, 130, 180, 0, 0, 142]
CELLS = ("clean-0", "fog-1", "fog-2", "contrast-1")


def save(path: Path, array: np.ndarray) -> None:
    """Write a label map with its palette, or an RGB picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    if array.ndim == 2:
        picture.putpalette(PALETTE + [0] * (768 - len(PALETTE)))
    picture.save(path)


def keep(results: Path, models=("fan-t",), names=("x",), cells=CELLS, size=(20, 40), boxes: bool = False) -> None:
    """One input a cell, of its own grey; truth class 0, its first column unlabelled.

    Predictions are 0, but for the upper half of corrupted pictures, which is 1. With ``boxes`` predictions and truth
    are pictures with objects.
    """
    root = Path(f"{results}.pictures")
    truth = np.zeros(size, np.uint8)
    truth[:, 0] = 255
    wrong = np.zeros(size, np.uint8)
    wrong[: size[0] // 2] = 1
    for name in names:
        save(root / "truth" / f"{name}.png", np.full((*size, 3), 9, np.uint8) if boxes else truth)
        for place, cell in enumerate(cells):
            save(root / "input" / cell / f"{name}.png", np.full((*size, 3), min(255, 100 + 20 * place), np.uint8))
            for model in models:
                said = np.zeros(size, np.uint8) if cell == "clean-0" else wrong
                shown = np.full((*size, 3), 50 + 20 * place, np.uint8) if boxes else said
                save(root / model / cell / f"{name}.png", shown)
