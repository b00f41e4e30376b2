"""Writer of an evaluation's pictures; :mod:`mmfan.evaluation.results.pictures` reads them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.results.names import safe_name
from mmfan.evaluation.results.pictures import cell_folder, folder_name
from mmfan.utils.files import write_whole

# The longer side of what is written, in pixels: grids show them smaller, and 73 cells of 2048x1024 take a gigabyte.
LONGEST_SIDE = 1024


class PictureWriter:
    """Writes what a model was given, what it said and what is true, as PNG.

    Args:
        results: The results file.
        model: Name of the model.
        palette: (classes, 3) colours, RGB, 0 to 255.
        names: Of all pictures that will be written: those that differ in their suffix alone keep it.
    """

    def __init__(
        self, results: str | Path, model: str, palette: Sequence[Sequence[int]], names: Sequence[str] = ()
    ) -> None:
        self.root = Path(f"{results}.pictures")
        self.model = folder_name(model)
        colours = np.zeros((256, 3), np.uint8)
        colours[: len(palette)] = np.asarray(palette, np.uint8).reshape(-1, 3)[:256]
        self.palette = colours.ravel().tolist()
        stems = Counter(map(_stem, set(names)))
        self.alike = {name for name in names if stems[_stem(name)] > 1}

    def write_input(self, cell: Cell, name: str, picture: NDArray[np.uint8]) -> None:
        """Write the corrupted picture, BGR (H, W, 3) or grey (H, W)."""
        picture = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
        small = cv2.resize(picture, _shown_size(picture), interpolation=cv2.INTER_AREA)
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB if small.ndim == 3 else cv2.COLOR_GRAY2RGB)
        self._write(Image.fromarray(rgb), "input", cell_folder(cell), name)

    def write_prediction(self, cell: Cell, name: str, shown: NDArray[np.integer]) -> None:
        """Write predicted class numbers (H, W), or a picture with the predicted objects, RGB (H, W, 3)."""
        self._write(self._painted(shown), self.model, cell_folder(cell), name)

    def write_truth(self, name: str, shown: NDArray[np.integer]) -> None:
        """Write true class numbers (H, W), 255 where nothing is labelled, or a picture with the objects, RGB."""
        self._write(self._painted(shown), "truth", name)

    def _painted(self, shown: NDArray[np.integer]) -> Image.Image:
        numbers = shown.astype(np.uint8)
        if numbers.ndim == 3:
            return Image.fromarray(cv2.resize(numbers, _shown_size(numbers), interpolation=cv2.INTER_AREA))
        picture = Image.fromarray(cv2.resize(numbers, _shown_size(numbers), interpolation=cv2.INTER_NEAREST))
        picture.putpalette(self.palette)
        return picture

    def _write(self, picture: Image.Image, *parts: str) -> None:
        content = io.BytesIO()
        picture.save(content, "PNG", compress_level=3)
        *folders, name = parts
        kept = name if name in self.alike else _stem(name)
        steps = [safe_name(step) for step in kept.split("/") if step]
        steps[-1] += ".png"
        write_whole(self.root.joinpath(*folders, *steps), content.getvalue())


def _stem(name: str) -> str:
    """The name of a picture without its suffix."""
    return name.removesuffix(PurePosixPath(name).suffix)


def _shown_size(picture: NDArray) -> tuple[int, int]:
    """Width and height to write a picture in: as it is, or reduced."""
    height, width = picture.shape[:2]
    factor = min(1.0, LONGEST_SIDE / max(height, width))
    return max(1, round(width * factor)), max(1, round(height * factor))
