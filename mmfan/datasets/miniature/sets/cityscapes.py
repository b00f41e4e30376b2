"""The miniature Cityscapes on disk: the complete tree, with every label file of the original."""

import os
from pathlib import Path

import cv2
import numpy as np

from mmfan.datasets.cityscapes_labels import PALETTE, TRAIN_ID_OF
from mmfan.datasets.miniature.scene import Scene, draw_scene
from mmfan.datasets.miniature.sets.build import MANIFEST, SPLITS, Progress, Recipe, build_set
from mmfan.errors import MMFanError

VERSION = 1
"""Raised whenever the same seed draws other pictures."""

CITIES = {"train": ("aldenfurt", "birkenmoor", "eschwalde", "tannhagen"), "val": ("falkenrode", "mohnstadt")}
"""Invented towns; picture i of a split belongs to town i modulo their number."""

LABEL_KINDS = ("labelIds", "labelTrainIds", "color", "instanceIds")


def draw_miniature(seed: int, split: str, index: int, size: tuple[int, int] = (512, 256)) -> Scene:
    """Draw picture ``index`` of a split; it depends on these arguments and on nothing else.

    Args:
        seed: Seed of the set, 0 or more.
        split: "train" or "val".
        index: Number of the picture in its split, from 0.
        size: (width, height) in pixels.
    """
    if split not in SPLITS:
        raise MMFanError(f"Expected `split` to be one of {', '.join(SPLITS)}, but got {split!r}.")
    sequence = np.random.SeedSequence([seed, SPLITS.index(split), index])
    return draw_scene(np.random.Generator(np.random.PCG64(sequence)), size)


def picture_name(split: str, index: int) -> str:
    """Path of a picture in its tree without suffix: ``split/town/town_index_000019``, as in Cityscapes."""
    towns = CITIES[split]
    town = towns[index % len(towns)]
    return f"{split}/{town}/{town}_{index:06d}_000019"


def save_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture, (H, W, 3) RGB or (H, W).

    Raises:
        OSError: If it cannot be written.
    """
    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    # Low compression: the noise of a picture does not compress, and label pictures do at any level.
    if not cv2.imwrite(str(path), stored, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise OSError(f"could not write {path}: is the disk full or the folder read-only?")


def write_scene(root: Path, name: str, scene: Scene) -> None:
    """Write the picture and the four label files of a scene below ``root`` (folders must exist).

    Raises:
        OSError: If a file cannot be written.
    """
    labels = {
        "labelIds": scene.label_ids,
        "labelTrainIds": TRAIN_ID_OF[scene.label_ids],
        "color": PALETTE[scene.label_ids],
        "instanceIds": scene.instance_ids,
    }
    for kind in LABEL_KINDS:
        save_png(root / "gtFine" / f"{name}_gtFine_{kind}.png", labels[kind])
    save_png(root / "leftImg8bit" / f"{name}_leftImg8bit.png", scene.image)


def _files(split: str, index: int) -> list[str]:
    name = picture_name(split, index)
    return [f"leftImg8bit/{name}_leftImg8bit.png", *(f"gtFine/{name}_gtFine_{kind}.png" for kind in LABEL_KINDS)]


def _work(root: Path, split: str, index: int, seed: int, size: tuple[int, int]) -> None:
    write_scene(root, picture_name(split, index), draw_miniature(seed, split, index, size))


CITYSCAPES = Recipe(
    kind="mmfan miniature cityscapes",
    version=VERSION,
    # a split without pictures is an empty folder, not a missing one
    folders=tuple(f"{top}/{split}" for split in SPLITS for top in ("leftImg8bit", "gtFine")),
    files=_files,
    work=_work,
)


def write_cityscapes(
    target: str | os.PathLike,
    train: int = 200,
    val: int = 40,
    size: tuple[int, int] = (512, 256),
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> bool:
    """Write a miniature Cityscapes.

    ``target`` gets ``leftImg8bit/{train,val}/TOWN/TOWN_000000_000019_leftImg8bit.png`` and beside it
    ``gtFine/.../..._gtFine_{labelIds,labelTrainIds,color,instanceIds}.png`` as in the original, and a manifest. It is
    drawn in a temporary folder next to ``target`` and renamed at the end: a run that is stopped leaves nothing behind.
    The bytes do not depend on ``workers``.

    Args:
        target: Folder to make.
        train: Number of training pictures.
        val: Number of validation pictures.
        size: (width, height) of a picture in pixels.
        seed: Seed of the set.
        workers: Number of processes; None for one per core.
        progress: Called with (done, total) after each picture.
        force: Replace a miniature that was made with other options. Never replaces any other folder.

    Returns:
        Whether anything was drawn: False if ``target`` is already this very set.

    Raises:
        MMFanError: If an argument is out of range.
        FileExistsError: If ``target`` exists and is not this set.
        OSError: If a file cannot be written.
    """
    return build_set(CITYSCAPES, target, train, val, size, seed, workers, progress, force)


__all__ = ["CITIES", "CITYSCAPES", "LABEL_KINDS", "MANIFEST", "VERSION", "draw_miniature", "picture_name", "save_png",
           "write_cityscapes", "write_scene"]  # fmt: skip
