"""The miniature for classification on disk: objects cut out of the drawn scenes, in ImageNet's folders."""

import csv
import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmfan.datasets.miniature.scene import Scene
from mmfan.datasets.miniature.sets.build import SPLITS, Progress, Recipe, build_set
from mmfan.datasets.miniature.sets.cityscapes import draw_miniature, save_png
from mmfan.datasets.miniature.sets.coco_objects import CATEGORIES, CATEGORY_OF, box_of

VERSION = 1
"""Raised whenever the same seed gives other pictures."""

SIDE = 96
"""Pixels of a picture, which is square."""

SMALLEST_SIDE, SMALLEST_AREA = 28, 150
"""Pixels of the longer side, and in all: what is seen of an object that is cut out is no smaller."""

CONTEXT = 1.2
"""Side of what is cut out, over the longer side of the object."""

SHARE = 0.4
"""Pictures of a class at most, over the scenes: cars and people are frequent, and classes are to be of like size."""

LISTS = {split: f"{split}.csv" for split in SPLITS}
"""Names of the lists of pictures: path and class."""

_NAMES = {number: name for name, number in CATEGORIES.items()}


class Cut(NamedTuple):
    """An object cut out: its class and the picture, (SIDE, SIDE, 3) RGB uint8."""

    kind: str
    picture: np.ndarray


def cut_objects(scene: Scene) -> list[Cut]:
    """The objects of a scene that are large enough, each with some of what is around it, by their number.

    What lies outside the scene repeats its border.
    """
    found = []
    for number in np.unique(scene.instance_ids):
        category = CATEGORY_OF.get(int(number) // 1000)
        mask = scene.instance_ids == number
        if category is None or number < 1000 or mask.sum() < SMALLEST_AREA:
            continue
        x, y, width, height = box_of(mask)
        if max(width, height) >= SMALLEST_SIDE:
            found.append(Cut(_NAMES[category], _cut(scene.image, x + width / 2, y + height / 2, max(width, height))))
    return found


def _cut(image: np.ndarray, x: float, y: float, longer: int) -> np.ndarray:
    side = round(CONTEXT * longer)
    left, top = round(x - side / 2), round(y - side / 2)
    border = max(0, -left, -top, left + side - image.shape[1], top + side - image.shape[0])
    wide = np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge")
    part = wide[top + border : top + border + side, left + border : left + border + side]
    method = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=method), np.uint8)


def _place(split: str, index: int, at: int, kind: str) -> str:
    return f"{split}/{kind}/{index:06d}_{at:02d}.png"


def _work(root: Path, split: str, index: int, seed: int, size: tuple[int, int]) -> list[str]:
    """Draw a scene and write its objects; returns their classes."""
    cuts = cut_objects(draw_miniature(seed, split, index, size))
    for at, cut in enumerate(cuts):
        save_png(root / _place(split, index, at, cut.kind), cut.picture)
    return [cut.kind for cut in cuts]


def _finish(root: Path, results: list[tuple[str, int, list[str]]]) -> None:
    """Leave as many pictures of a class as it may have, the first ones, and list them."""
    for split in SPLITS:
        own = [(index, kinds) for its, index, kinds in results if its == split]
        most, count = max(1, round(SHARE * len(own))), dict.fromkeys(CATEGORIES, 0)
        rows = []
        for index, kinds in own:
            for at, kind in enumerate(kinds):
                place = _place(split, index, at, kind)
                count[kind] += 1
                if count[kind] <= most:
                    rows.append((place, kind))
                else:
                    (root / place).unlink()
        with open(root / LISTS[split], "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(sorted(rows))


def _listed(root: Path) -> list[str]:
    """The pictures that the lists of a set name; none where they cannot be read."""
    found: list[str] = []
    for name in LISTS.values():
        try:
            found += [row[0] for row in csv.reader((root / name).read_text(encoding="utf-8").splitlines()) if row]
        except (OSError, UnicodeDecodeError, csv.Error):
            return []
    return found


OBJECTS = Recipe(
    kind="mmfan miniature objects",
    version=VERSION,
    folders=tuple(f"{split}/{kind}" for split in SPLITS for kind in CATEGORIES),
    files=lambda split, index: [],
    work=_work,
    common=tuple(LISTS.values()),
    finish=_finish,
    listed=_listed,
)


def write_objects(
    target: str | os.PathLike,
    train: int = 300,
    val: int = 100,
    size: tuple[int, int] = (512, 256),
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> bool:
    """Write a miniature for classification: objects of 7 classes, cut out of drawn scenes.

    ``target`` gets ``{train,val}/{person,bicycle,car,...}/000000_00.png`` (number of the scene, of the object), square
    pictures of 96 pixels, and the lists ``train.csv`` and ``val.csv``. The scenes are those of the miniature Cityscapes
    with the same seed, size and number. As :func:`mmfan.datasets.miniature.write_cityscapes` it is drawn whole or not
    at all, and does not depend on ``workers``.

    Args:
        target: Folder to make.
        train: Number of scenes that training pictures are cut from, of each class at most 0.4 times as many.
        val: Number of scenes for validation pictures.
        size: (width, height) of a scene in pixels.
        seed: Seed of the set.
        workers: Number of processes; None for one per core.
        progress: Called with (done, total) after each scene.
        force: Replace a miniature that was made with other options. Never replaces any other folder.

    Returns:
        Whether anything was drawn: False if ``target`` is already this very set.

    Raises:
        MMFanError: If an argument is out of range.
        FileExistsError: If ``target`` exists and is not this set.
        OSError: If a file cannot be written.
    """
    return build_set(OBJECTS, target, train, val, size, seed, workers, progress, force)
