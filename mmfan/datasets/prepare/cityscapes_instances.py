"""Boxes and masks of Cityscapes in COCO's form, for detectors: the eight classes that are counted one by one.

The files have the names that mmdetection's configs of Cityscapes read,
``annotations/instancesonly_filtered_gtFine_{train,val}.json``. An object's number in ``*_gtFine_instanceIds.png`` is
``label id * 1000 + n``; a plain label id there is a group that nobody counted, which becomes ``iscrowd``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.datasets.cityscapes_labels import COUNTABLE, LABELS, TRAIN_ID_OF
from mmfan.datasets.label_files import read_label_image
from mmfan.datasets.prepare.cityscapes_tree import IMAGE_SUFFIX, stems_in, unpaired
from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number
from mmfan.utils.files import write_whole
from mmfan.utils.processes.children import end_with_parent
from mmfan.utils.text import shortlist

INSTANCE_SUFFIX = "_gtFine_instanceIds.png"
# evaluated and counted: person, rider, car, truck, bus, train, motorcycle, bicycle, under their label ids
CATEGORIES = {name: row.id for name, row in LABELS.items() if row.countable and TRAIN_ID_OF[row.id] != 255}


@dataclass(frozen=True)
class Written:
    """What was made of a split.

    Attributes:
        file: The annotations.
        pictures: Number of pictures.
        objects: Number of objects, groups left out.
        groups: Number of groups (``iscrowd``).
    """

    file: Path
    pictures: int
    objects: int
    groups: int


def annotation_file(split: str) -> str:
    """Where the annotations of a split are written, relative to the root."""
    return f"annotations/instancesonly_filtered_gtFine_{split}.json"


def prepare(
    root: str | os.PathLike[str],
    split: str,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write the annotations of a split.

    Args:
        root: The folder that holds ``leftImg8bit`` and ``gtFine``.
        split: ``'train'`` or ``'val'``.
        workers: Number of processes; the file does not depend on it.
        progress: Called with the number of pictures done and to do.

    Raises:
        FileNotFoundError: The split has no pictures, or pictures without ``*_gtFine_instanceIds.png``.
        MMFanError: A picture of instances cannot be read, or ``workers`` is not positive.
    """
    whole_number("workers", workers, 1)
    root = Path(root)
    names = stems_in(root / "leftImg8bit" / split, IMAGE_SUFFIX)
    if not names:
        raise FileNotFoundError(f"No picture *{IMAGE_SUFFIX} in {(root / 'leftImg8bit' / split).resolve()}.")
    absent, _ = unpaired(names, stems_in(root / "gtFine" / split, INSTANCE_SUFFIX))
    if absent:
        raise FileNotFoundError(
            f"{len(absent)} of {len(names)} pictures of {split} have no *{INSTANCE_SUFFIX}: {shortlist(absent)}. It is "
            "in gtFine_trainvaltest.zip."
        )
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, found in enumerate(_read_all(root / "gtFine" / split, names, workers), 1):
        images.append({"id": number, "file_name": names[number - 1] + IMAGE_SUFFIX, **found.size})
        for annotation in found.annotations:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **annotation})
        if progress is not None:
            progress(number, len(names))
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
    }
    target = root / annotation_file(split)
    target.parent.mkdir(exist_ok=True)
    write_whole(target, (json.dumps(content) + "\n").encode())
    groups = sum(annotation["iscrowd"] for annotation in annotations)
    return Written(target, len(images), len(annotations) - groups, groups)


@dataclass(frozen=True)
class _Found:
    size: dict[str, int]
    annotations: list[dict[str, Any]]


def _read_all(folder: Path, names: list[str], workers: int) -> Any:
    work = partial(_read, folder)
    if workers == 1:
        yield from map(work, names)
        return
    with ProcessPoolExecutor(min(workers, len(names)), initializer=end_with_parent) as pool:
        yield from pool.map(work, names, chunksize=8)


def _read(folder: Path, name: str) -> _Found:
    ids = read_label_image(str(folder / f"{name}{INSTANCE_SUFFIX}"))
    if not np.issubdtype(ids.dtype, np.integer):
        raise MMFanError(f"Expected whole numbers in {name}{INSTANCE_SUFFIX}, got {ids.dtype}.")
    height, width = ids.shape
    return _Found({"height": height, "width": width}, annotations_of(ids))


def annotations_of(ids: NDArray[np.integer]) -> list[dict[str, Any]]:
    """The objects of one picture, without numbers of their own.

    Args:
        ids: (H, W), ``label id * 1000 + n`` for counted objects, plain label ids elsewhere.

    Returns:
        Of each: ``category_id`` (the label id), ``bbox`` (left, top, width, height), ``area``, ``segmentation`` (run
        lengths) and ``iscrowd``, in rising order of the number.
    """
    from pycocotools import mask as masks

    found = []
    wanted = set(CATEGORIES.values())
    for number in np.unique(ids).tolist():
        label = number // 1000 if number >= 1000 else number
        if label not in wanted or not COUNTABLE[label]:
            continue
        inside = ids == number
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        top, left = int(rows[0]), int(columns[0])
        runs = masks.encode(np.asfortranarray(inside, np.uint8))
        found.append(
            {
                "category_id": label,
                "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
                "area": int(inside.sum()),
                "iscrowd": int(number < 1000),
                "segmentation": {"size": list(runs["size"]), "counts": runs["counts"].decode("ascii")},
            }
        )
    return found
