"""Pictures of an evaluation as they are embedded into a page: small, each once, with the errors of each prediction."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.shown_cells import CLEAN_WORDS, CellWords, cells_with_words, classes_of, runs_with_pictures
from mmfan.evaluation.results.pictures import CellFiles, PictureFiles, find_files, read_picture, read_shown
from mmfan.utils.text import one_line

LONGEST_SIDE = 640  # pixels: 73 cells take 2 to 4 MB a picture, and half a megabyte for each model
WEBP_QUALITY = 60
PNG_LEVEL = 5  # the highest takes four times as long for a tenth of the bytes
UNLABELLED = 255
# An overlay: clear where the prediction is right, red where it is wrong, half dark where nothing is labelled.
_OVERLAY = ((0, 0, 0, 0), (230, 0, 50, 235), (0, 0, 0, 140))


class Embedded(NamedTuple):
    """One picture as the bytes of a file."""

    kind: str
    content: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        """The picture as an address that holds it."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode('ascii')}"


class Prediction(NamedTuple):
    """What one model says of one picture.

    Attributes:
        picture: Its label map in colours, or the picture with its objects.
        wrong: Overlay of the pixels it has wrong; None where that is not known, as of objects.
        right: Share of the labelled pixels that it has right.
    """

    picture: Embedded
    wrong: Embedded | None = None
    right: float | None = None


class EmbeddedCell(NamedTuple):
    """One picture under one corruption; None for models without a prediction of it."""

    cell: Cell
    words: CellWords
    picture: Embedded
    predictions: tuple[Prediction | None, ...]


@dataclass(frozen=True)
class EmbeddedPicture:
    """One picture, clean and corrupted.

    Attributes:
        name: Of the picture.
        truth: None where there is none.
        cells: The clean one first.
        classes: Name and colour (``#rrggbb``) of each class in its label maps.
    """

    name: str
    truth: Embedded | None
    cells: tuple[EmbeddedCell, ...]
    classes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gallery:
    """The pictures of a report.

    Attributes:
        models: Places, in the report, of the models whose predictions are shown; where it has none, of its runs.
        pictures: Each with a prediction for each of these models.
    """

    models: tuple[int, ...] = ()
    pictures: tuple[EmbeddedPicture, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes they take in the page."""
        parts = [part for picture in self.pictures for part in _parts(picture)]
        return sum(-(-len(part.content) // 3) * 4 for part in parts)


def gallery(report: Report, limit: int = 4) -> Gallery:
    """Read and embed the pictures that an evaluation kept.

    Args:
        report: Whose cells and models are looked for.
        limit: No more pictures than this.

    Raises:
        mmfan.evaluation.results.pictures.PictureError: A picture cannot be read.
        MMFanError: A prediction is not of its truth's size.
    """
    runs, words = runs_with_pictures(report), cells_with_words(report)
    models = [(run.results, run.key.model) for run in runs.values()]
    found = find_files(models, list(words), limit, needed=None if report.models else words)
    names = [one_line(name) for name in classes_of(runs.values())]
    # most of it is encoding, which lets other threads run
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        pictures = tuple(_embedded(files, names, words, pool) for files in found)
    return Gallery(tuple(runs), pictures)


def _embedded(
    files: PictureFiles, names: Sequence[str], words: Mapping[Cell, CellWords], pool: ThreadPoolExecutor
) -> EmbeddedPicture:
    truth, palette = (None, np.zeros((0, 3), np.uint8)) if files.truth is None else read_shown(files.truth)
    known = {**words, CLEAN: CLEAN_WORDS}
    made = list(pool.map(lambda one: _cell(one, known[one.cell], truth, len(names) or UNLABELLED), files.cells))
    present = np.zeros(256, bool)
    for _, numbers, found in made:
        present |= numbers
        palette = found if len(found) > len(palette) else palette
    if truth is not None and truth.ndim == 2:
        present[np.unique(truth)] = True
    shown = [number for number in np.flatnonzero(present) if number < (len(names) or UNLABELLED)]
    classes = tuple((names[at] if names else f"class {at}", _colour(palette, at)) for at in shown)
    return EmbeddedPicture(
        files.name, None if truth is None else _any(truth, palette), tuple(cell for cell, _, _ in made), classes
    )


def _cell(
    files: CellFiles, words: CellWords, truth: NDArray[np.uint8] | None, classes: int
) -> tuple[EmbeddedCell, NDArray[np.bool_], NDArray[np.uint8]]:
    """One cell, which class numbers its predictions have, and the longest palette."""
    present, longest = np.zeros(256, bool), np.zeros((0, 3), np.uint8)
    predictions: list[Prediction | None] = []
    for path in files.predictions:
        if path is None:
            predictions.append(None)
            continue
        said, palette = read_shown(path)
        longest = palette if len(palette) > len(longest) else longest
        if said.ndim == 2:
            present[np.unique(said)] = True
        wrong, right = None, None
        if truth is not None and truth.ndim == said.ndim == 2:
            if truth.shape != said.shape:
                raise MMFanError(f"Expected {path} to be of its truth's size {truth.shape}, got {said.shape}.")
            wrong, right = _compared(said, truth, classes)
        predictions.append(Prediction(_any(said, palette), wrong, right))
    cell = EmbeddedCell(files.cell, words, _photograph(read_picture(files.picture)), tuple(predictions))
    return cell, present, longest


def _compared(said: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int) -> tuple[Embedded | None, float | None]:
    """The overlay of what is wrong, and the share that is right, of the labelled pixels."""
    labelled = truth < classes
    if not labelled.any():
        return None, None
    numbers = np.where(labelled, said != truth, 2).astype(np.uint8)
    return _overlay(numbers), float((said == truth)[labelled].mean())


def _overlay(numbers: NDArray[np.uint8]) -> Embedded:
    picture = Image.fromarray(_reduced(numbers, cv2.INTER_NEAREST))
    picture.putpalette([part for colour in _OVERLAY for part in colour[:3]])
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=PNG_LEVEL, transparency=bytes(colour[3] for colour in _OVERLAY))
    return Embedded("png", content.getvalue(), *picture.size)


def _any(shown: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Embedded:
    """A label map in its colours, or a picture with objects."""
    if shown.ndim == 3:
        return _photograph(shown)
    picture = Image.fromarray(_reduced(shown, cv2.INTER_NEAREST))
    colours = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    colours[: len(palette)] = palette
    picture.putpalette(colours.ravel().tolist())
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=PNG_LEVEL)
    return Embedded("png", content.getvalue(), *picture.size)


def _photograph(rgb: NDArray[np.uint8]) -> Embedded:
    small = _reduced(rgb, cv2.INTER_AREA)
    written, content = cv2.imencode(".webp", small[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    if not written:
        raise MMFanError(f"OpenCV cannot encode a picture of {rgb.shape} {rgb.dtype} as WebP.")
    return Embedded("webp", content.tobytes(), small.shape[1], small.shape[0])


def _reduced(picture: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    factor = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return picture if factor == 1 else cv2.resize(picture, size, interpolation=by).astype(np.uint8)


def _colour(palette: NDArray[np.uint8], number: int) -> str:
    red, green, blue = palette[number] if number < len(palette) else (number,) * 3
    return f"#{red:02x}{green:02x}{blue:02x}"


def _parts(picture: EmbeddedPicture) -> list[Embedded]:
    cells = [part for cell in picture.cells for part in (cell.picture, *_of(cell.predictions))]
    return [*cells, *([picture.truth] if picture.truth else [])]


def _of(predictions: Sequence[Prediction | None]) -> list[Embedded]:
    return [part for one in predictions if one for part in (one.picture, one.wrong) if part is not None]
