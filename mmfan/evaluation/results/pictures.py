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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.picture_files import PictureFileError, content_of, open_with_pillow, read
from mmfan.utils.names import safe_name


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
    """The folder of a model's predictions: its name, where that can be one; see :func:`mmfan.utils.names.safe_name`.

    >>> folder_name("fan-t"), folder_name("truth")
    ('fan-t', 'truth~c5c4bad89ee4')
    """
    return safe_name(model, ("input", "truth"))


def _former_folder_name(model: str) -> str:
    """The same as version 0.1 had it: several models could come to one folder."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", model)


def cell_folder(cell: Cell) -> str:
    """The folder of a cell's pictures: ``fog-3``, ``clean-0``."""
    return safe_name(f"{cell.corruption}-{cell.severity}")


def find_pictures(
    models: Sequence[tuple[Path, str]], cells: Sequence[Cell], limit: int = 4, cells_shown: int = 6
) -> list[ShownPicture]:
    """Read the pictures that models have in common.

    Args:
        models: The results file and the recorded name of each model.
        cells: Those to show if they are there, beside the clean one, in this order.
        limit: No more pictures than this.
        cells_shown: No more corrupted cells of a picture than this; where more are there, they are taken evenly.

    Returns:
        One entry a picture, sorted by name; empty where no pictures were kept.

    Raises:
        PictureError: A picture cannot be read, or is neither a label map nor RGB.
    """
    roots = list(dict.fromkeys(pictures_folder(results) for results, _ in models))
    names = sorted({name for root in roots for name in _names(root / "input")})
    folders = [_folder_of(pictures_folder(results), model, [other for _, other in models]) for results, model in models]
    shown = (_picture(name, roots, folders, [CLEAN, *cells], cells_shown) for name in names[: max(0, limit)])
    return [picture for picture in shown if picture.cells]


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


def _picture(
    name: str, roots: Sequence[Path], folders: Sequence[tuple[Path, str]], cells: Sequence[Cell], cells_shown: int
) -> ShownPicture:
    there = [cell for cell in cells if _first(roots, "input", cell_folder(cell), name) is not None]
    corrupted = [cell for cell in there if cell != CLEAN]
    if len(corrupted) > cells_shown:
        places = np.linspace(0, len(corrupted) - 1, cells_shown).round().astype(int)
        corrupted = [corrupted[place] for place in places]
    truth_path = _first(roots, "truth", name)
    palette = np.zeros((0, 3), np.uint8)
    truth = None
    if truth_path is not None:
        truth, palette = _read_shown(truth_path)
    shown = []
    for cell in [cell for cell in there if cell == CLEAN] + corrupted:
        input_path = _first(roots, "input", cell_folder(cell), name)
        predictions: list[np.ndarray | None] = []
        for root, model in folders:
            path = _first([root], model, cell_folder(cell), name)
            labels = None
            if path is not None:
                labels, found = _read_shown(path)
                palette = found if len(found) > len(palette) else palette
            predictions.append(labels)
        if input_path is not None and any(part is not None for part in predictions):
            shown.append(ShownCell(cell, _read_picture(input_path), tuple(predictions)))
    return ShownPicture(name.removesuffix(".png"), truth, tuple(shown), palette)


def _first(roots: Sequence[Path], *parts: str) -> Path | None:
    """The first of the roots' files of that name that is there."""
    return next((path for root in roots if (path := root.joinpath(*parts)).is_file()), None)


def _read_picture(path: Path) -> np.ndarray:
    try:
        return np.ascontiguousarray(read(path)[..., ::-1])
    except (OSError, PictureFileError) as error:
        raise PictureError(f"The picture {path} cannot be read ({error}); delete it, or evaluate again.") from error


def _read_shown(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers (H, W) of a PNG and their palette (n, 3); of an RGB one the picture (H, W, 3), and no palette."""
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
