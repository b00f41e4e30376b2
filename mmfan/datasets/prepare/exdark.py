"""ExDark as annotations in COCO's form, with the classes of COCO: 7363 pictures taken in the dark, 12 classes, boxes.

Source: Loh and Chan, "Getting to know low-light images with the Exclusively Dark dataset", CVIU 2019 (arXiv
1805.11227). Boxes are ``class left top width height`` in pixels, one line an object.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmfan.datasets.coco_categories import COCO_NUMBERS
from mmfan.errors import MMFanError
from mmfan.picture_files import stated_size
from mmfan.utils.files import write_whole
from mmfan.utils.text import shortlist

PICTURES, BOXES, LIST = "ExDark", "ExDark_Annno", "imageclasslist.txt"
SPLITS = {"1": "train", "2": "val", "3": "test"}
COUNTS = {"train": 3000, "val": 1800, "test": 2563}
# the name of a class in ExDark -> that in COCO
CLASSES = {
    "Bicycle": "bicycle",
    "Boat": "boat",
    "Bottle": "bottle",
    "Bus": "bus",
    "Car": "car",
    "Cat": "cat",
    "Chair": "chair",
    "Cup": "cup",
    "Dog": "dog",
    "Motorbike": "motorcycle",
    "People": "person",
    "Table": "dining table",
}
ADVICE = (
    f"Expected {PICTURES}/<class>/<picture>, {BOXES}/<class>/<picture>.txt and {LIST} in one folder: get them from "
    "https://github.com/cs-chan/Exclusively-Dark-Image-Dataset."
)


@dataclass(frozen=True)
class Written:
    """What was made of a split.

    Attributes:
        file: The annotations.
        pictures: Number of pictures.
        boxes: Number of boxes.
        clipped: How many of them were cut at the edge of their picture.
    """

    file: Path
    pictures: int
    boxes: int
    clipped: int


def annotation_file(split: str) -> str:
    """Where the annotations of a split are written, relative to the root."""
    return f"annotations/instances_{split}.json"


def check_split(split: str) -> None:
    """See that there is a split of this name.

    Raises:
        MMFanError: There is not.
    """
    if split not in COUNTS:
        raise MMFanError(f"ExDark has the splits {', '.join(COUNTS)}, got {split!r}.")


def prepare(root: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None) -> dict[str, Written]:
    """Write ``annotations/instances_{train,val,test}.json``.

    All 80 categories of COCO are in them under COCO's numbers, so that a detector of COCO is judged as it is; 12 occur.

    Args:
        root: The folder that holds the three parts.
        progress: Called with the number of pictures done and to do.

    Returns:
        Split -> what was made of it.

    Raises:
        FileNotFoundError: A part, a picture or its boxes are missing.
        MMFanError: A line of the list or of a file of boxes is not in its form; the file and the line are named.
    """
    root = Path(root)
    for part in (PICTURES, BOXES, LIST):
        if not (root / part).exists():
            raise FileNotFoundError(f"There is no {root.resolve() / part}. {ADVICE}")
    splits = _read_list(root / LIST)
    pictures, boxes = _names_below(root / PICTURES), _names_below(root / BOXES)
    wanted = [name for names in splits.values() for name in names]
    missing = [name for name in wanted if name.lower() not in pictures or f"{name}.txt".lower() not in boxes]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(wanted)} pictures of {LIST} are missing, or their boxes: {shortlist(missing)}. "
            f"{ADVICE}"
        )
    done, written = 0, {}
    for split, names in splits.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        clipped = 0
        for name in names:
            picture = pictures[name.lower()]
            width, height = stated_size(root / PICTURES / picture)
            images.append({"id": len(images) + 1, "file_name": picture, "width": width, "height": height})
            for found in _read_boxes(root / BOXES / boxes[f"{name}.txt".lower()]):
                box = _clip(found.box, width, height)
                clipped += box != found.box
                annotations.append(_annotation(len(annotations) + 1, len(images), found.name, box))
            done += 1
            if progress is not None:
                progress(done, len(wanted))
        target = root / annotation_file(split)
        _write(target, images, annotations)
        written[split] = Written(target, len(images), len(annotations), clipped)
    return written


@dataclass(frozen=True)
class _Found:
    name: str
    box: tuple[float, float, float, float]


def _read_list(file: Path) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {split: [] for split in COUNTS}
    for number, line in enumerate(file.read_text().splitlines(), 1):
        words = line.split()
        if not words or not words[-1].isdecimal():  # empty, or the heads of the columns
            continue
        if len(words) != 5 or words[4] not in SPLITS:
            raise MMFanError(
                f"{file}, line {number}: expected a picture, class, light, place and split (1, 2 or 3), got {line!r}."
            )
        splits[SPLITS[words[4]]].append(words[0])
    if not any(splits.values()):
        raise MMFanError(f"{file} names no pictures. {ADVICE}")
    return splits


def _names_below(folder: Path) -> dict[str, str]:
    """Name of a file in lower case, as spellings differ between the parts -> its path below the folder."""
    found = {}
    for where, _, files in os.walk(folder):
        for name in files:
            found[name.lower()] = (Path(where) / name).relative_to(folder).as_posix()
    return found


def _read_boxes(file: Path) -> list[_Found]:
    found = []
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        words = line.split()
        if not words or words[0] == "%":
            continue
        try:
            left, top, width, height = map(float, words[1:5])
        except ValueError:
            left = top = width = height = 0
        if words[0] not in CLASSES or width <= 0 or height <= 0:
            raise MMFanError(
                f"{file}, line {number}: expected a class ({', '.join(CLASSES)}) and left, top, width and height in "
                f"pixels, got {line!r}."
            )
        found.append(_Found(words[0], (left, top, width, height)))
    return found


def _clip(box: tuple[float, float, float, float], width: int, height: int) -> tuple[float, float, float, float]:
    left, top = max(box[0], 0.0), max(box[1], 0.0)
    right, bottom = min(box[0] + box[2], width), min(box[1] + box[3], height)
    return left, top, max(right - left, 0.0), max(bottom - top, 0.0)


def _annotation(number: int, picture: int, name: str, box: tuple[float, ...]) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": picture,
        "category_id": COCO_NUMBERS[CLASSES[name]],
        "bbox": list(box),
        "area": box[2] * box[3],
        "iscrowd": 0,
    }


def _write(target: Path, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]]) -> None:
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in COCO_NUMBERS.items()],
    }
    target.parent.mkdir(exist_ok=True)
    write_whole(target, (json.dumps(content) + "\n").encode())
