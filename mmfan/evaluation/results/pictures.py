"""Pictures that an evaluation left beside its results, for the picture grids of a report.

They lie in a folder named after the results file, ``<results>.pictures``::

    input/<corruption>-<severity>/<name>.png     what the models were given, RGB
    truth/<name>.png                             class numbers, with a palette; 255 where nothing is labelled
    <model>/<corruption>-<severity>/<name>.png   class numbers predicted, with a palette

In the place of class numbers stand, for detection, RGB pictures with the objects painted over them.

``clean-0`` holds the clean pictures. ``<name>`` may lie in folders of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import has_own_truth
from mmfan.evaluation.results.names import safe_name
from mmfan.picture_files import PictureFileError, content_of, open_with_pillow, read

T = TypeVar("T")


class PictureError(MMFanError):
    """A picture beside the results cannot be read, or is not of the kind that its place asks for."""


@dataclass(frozen=True)
class ShownCell:
    """One picture under one corruption.

    Attributes:
        cell: What was done to the picture.
        picture: (H, W, 3) uint8, RGB.
        predictions: (H, W) uint8 class numbers for each model, or a picture with objects, (H', W', 3) uint8, RGB;
            None where there is none.
    """

    cell: Cell
    picture: np.ndarray
    predictions: tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class ShownPicture:
    """One picture, clean and corrupted, with what the models predict.

    Attributes:
        name: Of the picture.
        truth: (H, W) uint8 class numbers, or a picture with objects; None where there is none.
        cells: The clean one first.
        palette: RGB colours, 0 to 255, (classes, 3) uint8.
    """

    name: str
    truth: np.ndarray | None
    cells: tuple[ShownCell, ...]
    palette: np.ndarray


def pictures_folder(results: str | Path) -> Path:
    """Where the pictures of a results file are: ``run.jsonl.pictures``, or ``run.pictures`` if only that is there.

    >>> pictures_folder("run.jsonl").as_posix()
    'run.jsonl.pictures'
    """
    full = Path(f"{results}.pictures")
    short = Path(results).with_suffix(".pictures")
    return short if short.is_dir() and not full.is_dir() else full


def folder_name(model: str) -> str:
    """The folder of a model's predictions: its name, where that can be one; see :func:`~..results.names.safe_name`.

    >>> folder_name("fan-t"), folder_name("truth")
    ('fan-t', 'truth~c5c4bad89ee4')
    """
    return safe_name(model, ("input", "truth"))


def _former_folder_name(model: str) -> str:
    """The same as version 0.1 had it: several models could come to one folder."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", model)


def cell_folder(cell: Cell) -> str:
    """The folder of a cell's pictures: ``fog-3``, ``clean-0``."""
    return safe_name(cell.slug)


@dataclass(frozen=True)
class CellFiles:
    """Where a picture under one corruption lies, with what the models predict; None where there is none."""

    cell: Cell
    picture: Path
    predictions: tuple[Path | None, ...]


@dataclass(frozen=True)
class PictureFiles:
    """Where the files of one picture lie.

    Attributes:
        name: Of the picture.
        truth: Its truth; None where there is none.
        cells: Those of which at least one model has a prediction, the clean one first.
    """

    name: str
    truth: Path | None
    cells: tuple[CellFiles, ...]


def find_files(
    models: Sequence[tuple[Path, str]], cells: Sequence[Cell], limit: int = 4, *, needed: Collection[Cell] | None = None
) -> list[PictureFiles]:
    """The files of the pictures that models have in common; nothing is read.

    Args:
        models: The results file and the recorded name of each model.
        cells: Those to look for, beside the clean one, in this order.
        limit: No more pictures than this.
        needed: Pictures that were kept under none of these are left out; None for all.

    Returns:
        One entry a picture, sorted by name, those of weather last, its conditions in turn; empty where no pictures were
        kept.
    """
    roots = list(dict.fromkeys(pictures_folder(results) for results, _ in models))
    names = sorted({name for root in roots for name in _names(root / "input")})
    folders = [_folder_of(pictures_folder(results), model, [other for _, other in models]) for results, model in models]
    found = (_files(name, roots, folders, [CLEAN, *cells]) for name in names)
    shown = [one for one in found if one.cells and (needed is None or any(cell.cell in needed for cell in one.cells))]
    return _in_turn(shown)[: max(0, limit)]


def _in_turn(found: list[PictureFiles]) -> list[PictureFiles]:
    """Those that were corrupted by name, then those of other pictures: of each condition the first, the second, ..."""
    apart: dict[Cell | None, list[PictureFiles]] = {}
    for files in found:
        first = files.cells[0].cell
        apart.setdefault(first if has_own_truth(first) and first != CLEAN else None, []).append(files)
    corrupted, others = apart.pop(None, []), apart.values()
    return [*corrupted, *(files for turn in zip_longest(*others) for files in turn if files is not None)]


def find_pictures(
    models: Sequence[tuple[Path, str]],
    cells: Sequence[Cell],
    limit: int = 4,
    cells_shown: int = 6,
    *,
    needed: Collection[Cell] | None = None,
) -> list[ShownPicture]:
    """Read the pictures that models have in common.

    Args:
        models: The results file and the recorded name of each model.
        cells: Those to show if they are there, beside the clean one, in this order.
        limit: No more pictures than this.
        cells_shown: No more corrupted cells of a picture than this; where more are there, they are taken evenly.
        needed: Pictures that were kept under none of these are left out; None for all.

    Returns:
        One entry a picture, sorted by name; empty where no pictures were kept.

    Raises:
        PictureError: A picture cannot be read, or is neither a label map nor RGB.
    """
    found = find_files(models, cells, limit, needed=needed)
    return [_read_all(files, cells_shown) for files in found]


def _folder_of(root: Path, model: str, models: Sequence[str]) -> tuple[Path, str]:
    """Where a model's predictions are: a folder of version 0.1 is taken where it can be no other model's."""
    own, former = folder_name(model), _former_folder_name(model)
    if own != former == folder_name(former) and former not in models and not (root / own).is_dir():
        return root, former
    return root, own


def _names(folder: Path) -> set[str]:
    """Names of the pictures below the cells' folders."""
    if not folder.is_dir():
        return set()
    found = (path.relative_to(folder).parts for path in folder.rglob("*.png") if not path.name.startswith("."))
    return {"/".join(parts[1:]) for parts in found if len(parts) > 1}


def _files(
    name: str, roots: Sequence[Path], folders: Sequence[tuple[Path, str]], cells: Sequence[Cell]
) -> PictureFiles:
    found = []
    for cell in cells:
        picture = _first(roots, "input", cell_folder(cell), name)
        predictions = tuple(_first([root], model, cell_folder(cell), name) for root, model in folders)
        if picture is not None and any(predictions):
            found.append(CellFiles(cell, picture, predictions))
    return PictureFiles(name.removesuffix(".png"), _first(roots, "truth", name), tuple(found))


def evenly(many: Sequence[T], few: int) -> Sequence[T]:
    """So many of a sequence, the first and the last among them; all where there are no more.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(many) <= few:
        return many
    return [many[place] for place in np.linspace(0, len(many) - 1, few).round().astype(int)]


def _read_all(files: PictureFiles, cells_shown: int) -> ShownPicture:
    corrupted = evenly([cell for cell in files.cells if cell.cell != CLEAN], cells_shown)
    truth, palette = (None, np.zeros((0, 3), np.uint8)) if files.truth is None else read_shown(files.truth)
    shown = []
    for cell in [*(cell for cell in files.cells if cell.cell == CLEAN), *corrupted]:
        predictions: list[np.ndarray | None] = []
        for path in cell.predictions:
            labels = None
            if path is not None:
                labels, found = read_shown(path)
                palette = found if len(found) > len(palette) else palette
            predictions.append(labels)
        shown.append(ShownCell(cell.cell, read_picture(cell.picture), tuple(predictions)))
    return ShownPicture(files.name, truth, tuple(shown), palette)


def _first(roots: Sequence[Path], *parts: str) -> Path | None:
    """The first of the roots' files of that name that is there."""
    return next((path for root in roots if (path := root.joinpath(*parts)).is_file()), None)


def read_picture(path: Path) -> np.ndarray:
    """What a model was given, (H, W, 3) uint8, RGB.

    Raises:
        PictureError: It cannot be read.
    """
    try:
        return np.ascontiguousarray(read(path)[..., ::-1])
    except (OSError, PictureFileError) as error:
        raise PictureError(f"The picture {path} cannot be read ({error}); delete it, or evaluate again.") from error


def read_shown(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers (H, W) of a PNG and their palette (n, 3); of an RGB one the picture (H, W, 3), and no palette.

    Raises:
        PictureError: It cannot be read, or is neither a label map nor RGB.
    """
    try:
        with open_with_pillow(content_of(path)) as file:
            if file.mode not in ("P", "L", "RGB"):
                raise PictureError(
                    f"Expected {path} to hold class numbers (a PNG with a palette, or grey) or painted objects (RGB), "
                    f"got mode {file.mode}."
                )
            labels = np.asarray(file)
            colours = file.getpalette("RGB") if file.mode == "P" else None
    except (OSError, PictureFileError, SyntaxError) as error:
        raise PictureError(f"The picture {path} cannot be read ({error}); delete it, or evaluate again.") from error
    return labels, np.asarray(colours or [], np.uint8).reshape(-1, 3)
