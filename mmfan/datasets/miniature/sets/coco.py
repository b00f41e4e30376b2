"""The miniature COCO on disk: the drawn street scenes with their objects in COCO's tree and form."""

import json
import os
from pathlib import Path
from typing import Any

from mmfan.datasets.miniature.sets.build import SPLITS, Progress, Recipe, build_set
from mmfan.datasets.miniature.sets.cityscapes import draw_miniature, save_png
from mmfan.datasets.miniature.sets.coco_objects import CATEGORIES, annotate

VERSION = 1
"""Raised whenever the same seed gives other pictures or annotations."""

YEAR = 2017  # of the folders' names, as most configs have them
_FIRST_ID = {"train": 1, "val": 1_000_001}  # no two pictures of a set share a number


def file_name(split: str, index: int) -> str:
    """Name of a picture in the folder of its split: its number, 12 digits.

    >>> file_name("val", 3)
    '000001000004.png'
    """
    return f"{_FIRST_ID[split] + index:012d}.png"


def annotation_file(split: str) -> str:
    """Path of a split's annotations, relative to the set."""
    return f"annotations/instances_{split}{YEAR}.json"


def _files(split: str, index: int) -> list[str]:
    return [f"{split}{YEAR}/{file_name(split, index)}"]


def _work(root: Path, split: str, index: int, seed: int, size: tuple[int, int]) -> dict[str, Any]:
    """Draw and write one picture; returns its entry in the annotation file and those of its objects, without ids."""
    scene = draw_miniature(seed, split, index, size)
    save_png(root / _files(split, index)[0], scene.image)
    image = {
        "id": _FIRST_ID[split] + index,
        "file_name": file_name(split, index),
        "width": size[0],
        "height": size[1],
        "license": 1,
    }
    return {"image": image, "objects": annotate(scene)}


def _finish(root: Path, results: list[tuple[str, int, dict[str, Any]]]) -> None:
    for split in SPLITS:
        own = [result for its_split, _, result in results if its_split == split]
        objects = [(result["image"]["id"], entry) for result in own for entry in result["objects"]]
        content = {
            "info": {"description": "mmfan miniature COCO: drawn street scenes", "version": str(VERSION)},
            "licenses": [{"id": 1, "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}],
            "categories": [
                {"id": number, "name": name, "supercategory": "person" if name == "person" else "vehicle"}
                for name, number in CATEGORIES.items()
            ],
            "images": [result["image"] for result in own],
            "annotations": [
                {"id": place, "image_id": image, **entry} for place, (image, entry) in enumerate(objects, 1)
            ],
        }
        (root / annotation_file(split)).write_text(json.dumps(content) + "\n", encoding="utf-8")


COCO = Recipe(
    kind="mmfan miniature coco",
    version=VERSION,
    folders=("annotations", *(f"{split}{YEAR}" for split in SPLITS)),
    files=_files,
    work=_work,
    common=tuple(annotation_file(split) for split in SPLITS),
    finish=_finish,
)


def write_coco(
    target: str | os.PathLike,
    train: int = 300,
    val: int = 50,
    size: tuple[int, int] = (512, 256),
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> bool:
    """Write a miniature COCO.

    ``target`` gets ``{train,val}2017/000000000001.png`` and ``annotations/instances_{train,val}2017.json`` with 7 of
    COCO's categories, polygons for objects and run lengths for crowds, and a manifest
    (see :mod:`mmfan.datasets.miniature.sets.coco_objects`). The pictures are those of the miniature Cityscapes with the
    same seed, size and number. It is drawn in a temporary folder next to ``target`` and renamed at the end: a run that
    is stopped leaves nothing behind. The bytes do not depend on ``workers``.

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
        ValueError: If an argument is out of range.
        FileExistsError: If ``target`` exists and is not this set.
        OSError: If a file cannot be written.
    """
    return build_set(COCO, target, train, val, size, seed, workers, progress, force)
