"""Annotation files in COCO's form, and the check of all that can be wrong with one before training begins.

Pure functions on the content of the file: what pycocotools and mmdetection pass over in silence (a box without area is
left out, a class without category shifts the labels of all that follow) is named here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmfan.datasets.coco_masks import check_masks
from mmfan.errors import MMFanError
from mmfan.utils.json_files import parse_json
from mmfan.utils.text import shortlist

# COCO's own boxes are rounded to hundredths and may reach a little over the edge
EDGE_TOLERANCE = 1.0

REQUIRED = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area"),
    "categories": ("id", "name"),
}
NUMBERS = ("id", "image_id", "category_id")  # by which entries refer to each other; some files have texts there
TEXTS = ("file_name", "name")
LARGEST = 1e300
LARGEST_ID = 2**53  # up to which the toolkit's floating point tells whole numbers apart


def check_content(content: Any, file: str) -> None:
    """Check that a file has the parts of COCO's form and that they refer to each other.

    Args:
        content: What the JSON file holds. Files of test sets may lack ``annotations``.
        file: Its name, for messages.

    Raises:
        MMFanError: A part or an entry is missing or of another type, a number occurs twice, or something refers to
            nothing; named.
    """
    if not isinstance(content, Mapping) or "images" not in content or "categories" not in content:
        held = sorted(content) if isinstance(content, Mapping) else type(content).__name__
        raise MMFanError(
            f"Expected {file} to hold 'images', 'annotations' and 'categories' as COCO's files do, got {held}."
        )
    for part, keys in REQUIRED.items():
        entries = content.get(part, [])
        if not isinstance(entries, list):
            raise MMFanError(f"{file}: expected {part!r} to be a list, got {entries!r:.80}.")
        for place, entry in enumerate(entries):
            missing = [key for key in keys if not isinstance(entry, Mapping) or key not in entry]
            if missing:
                what = entry.get("id", f"number {place}") if isinstance(entry, Mapping) else f"number {place}"
                raise MMFanError(f"{file}: entry {what!s:.80} of {part!r} has no {', '.join(map(repr, missing))}.")
        _check_types(entries, part, file)
        twice = [number for number, count in Counter(entry["id"] for entry in entries).items() if count > 1]
        if twice:
            raise MMFanError(f"{file}: ids of {part!r} occur more than once: {shortlist([str(n) for n in twice])}.")
    for key, part in (("image_id", "images"), ("category_id", "categories")):
        known = {entry["id"] for entry in content[part]}
        lost = [entry for entry in content.get("annotations", []) if entry[key] not in known]
        if lost:
            listed = shortlist([f"{entry['id']} ({key} {entry[key]})" for entry in lost])
            raise MMFanError(f"{file}: {len(lost)} annotations refer to {part} that are not in the file: {listed}.")


def _check_types(entries: Sequence[Mapping[str, Any]], part: str, file: str) -> None:
    """Check that what entries are found by has one type, and that names are texts."""
    for key in REQUIRED[part]:
        if key in NUMBERS:
            allowed, words = [{int}, {str}, set()], "whole numbers (or texts) in all entries"
        elif key in TEXTS:
            allowed, words = [{str}, set()], "texts"
        else:
            continue
        if set(map(type, (entry[key] for entry in entries))) not in allowed:
            first = type(entries[0][key])
            odd = next((e for e in entries if type(e[key]) not in (int, str) or type(e[key]) is not first), entries[0])
            raise MMFanError(f"{file}: expected {key!r} to be {words} of {part!r}, got {odd[key]!r:.80}.")
        large = next(
            (entry[key] for entry in entries if type(entry[key]) is int and abs(entry[key]) > LARGEST_ID), None
        )
        if large is not None:
            raise MMFanError(f"{file}: expected {key!r} of {part!r} to be at most 2**53, got {large!r:.80}.")


def check_classes(content: Mapping[str, Any], classes: Sequence[str], file: str) -> None:
    """Check that the classes of a dataset are categories of its file, in the file's order.

    mmdetection numbers the categories it finds in the order of the file: with another order, or with one missing, a
    label would stand for another class than its name says. Categories that are no class are allowed: their objects
    are left out.

    Args:
        content: The file, as :func:`check_content` accepts it.
        classes: Names in the order of the model's outputs.
        file: Its name, for messages.

    Raises:
        MMFanError: With both lists and what to set.
    """
    names = [category["name"] for category in content["categories"]]
    cure = f"Set metainfo=dict(classes={tuple(names)!r}) in the dataset, and num_classes={len(names)} in the heads."
    missing = [name for name in classes if name not in names]
    if missing:
        raise MMFanError(
            f"{len(missing)} of the dataset's {len(classes)} classes are not among the {len(names)} categories of "
            f"{file}: {shortlist(missing)}. {cure}"
        )
    found = [name for name in names if name in classes]
    if found != list(classes):
        raise MMFanError(
            f"Expected the dataset's classes to be the categories of {file} in the order of the file, without repeats: "
            f"the file has {shortlist(found, 10)}, the dataset {shortlist(list(classes), 10)}. {cure}"
        )


def read_annotations(file: str) -> dict[str, Any]:
    """Read an annotation file and check that it has COCO's form.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It is no JSON, or not in COCO's form, or holds masks that would end the process; see
            :func:`check_content` and :func:`mmfan.datasets.coco_masks.check_masks`.
    """
    try:
        content = parse_json(Path(file).read_bytes())
    except ValueError as error:  # no JSON, or not UTF-8
        raise MMFanError(f"{file} cannot be read as JSON, is it whole? {error}") from error
    check_content(content, file)
    check_masks(content, file)
    return content


def check_scored(content: Mapping[str, Any], file: str, masks: bool = False) -> None:
    """Check that pycocotools can score detections against the annotations, and scores what is meant.

    It takes the id 0 for "no match", so that an object found exactly counts as missed; it fails where ``iscrowd`` is
    not there, and sorts objects into small, medium and large by ``area``, whatever their box.

    Args:
        content: The file, as :func:`check_content` accepts it.
        file: Its name, for messages.
        masks: Masks are to be scored too.

    Raises:
        MMFanError: Names the annotations, what is wrong with them, and the cure.
    """
    faults: dict[str, list[str]] = {
        "an id that is no whole number from 1 on (pycocotools takes 0 for no object): number them from 1": [],
        "no `iscrowd`: write 0 for single objects, 1 for groups": [],
        "an `iscrowd` that is neither 0 nor 1": [],
        "a box that is not four finite numbers with a width and height above 0": [],
        "an `area` that is not above 0: write the area of the mask, or width x height of the box": [],
        "no mask (`segmentation`), and masks are to be scored: leave out 'segm', or give all objects masks": [],
    }  # fmt: skip
    for entry in content.get("annotations", []):
        wrong = (
            type(entry["id"]) is not int or entry["id"] < 1,
            "iscrowd" not in entry,
            entry.get("iscrowd", 0) not in (0, 1),
            not _is_box(entry["bbox"]) or min(entry["bbox"][2:]) <= 0,
            not _is_number(entry["area"]) or entry["area"] <= 0,
            masks and not _has_mask(entry.get("segmentation")),
        )
        for found, is_wrong in zip(faults.values(), wrong, strict=True):
            if is_wrong:
                found.append(str(entry["id"]))
    told = [
        f"annotation{'s' if len(found) > 1 else ''} {shortlist(found)} with {fault}"
        for fault, found in faults.items()
        if found
    ]
    if told:
        raise MMFanError(f"{file} cannot be scored: {'; '.join(told)}.")


def _has_mask(segmentation: Any) -> bool:
    """Whether an entry is polygons of three points or more, or run lengths."""
    if isinstance(segmentation, Mapping):
        return {"size", "counts"} <= set(segmentation)
    polygons = segmentation if isinstance(segmentation, (list, tuple)) else []
    return bool(polygons) and all(isinstance(polygon, (list, tuple)) and len(polygon) >= 6 for polygon in polygons)


def _is_number(value: Any) -> bool:
    # a whole number may have more digits than floating point goes up to
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def narrow_boxes(content: Mapping[str, Any], file: str) -> list[int]:
    """Ids of the annotations whose box is narrower or lower than a pixel; mmdetection trains on none of them.

    Args:
        content: The file, as :func:`check_content` accepts it.
        file: Its name, for messages.

    Raises:
        MMFanError: All boxes lie within the first pixel: they are in fractions of the picture.
    """
    boxes = {entry["id"]: entry["bbox"] for entry in content.get("annotations", []) if _is_box(entry["bbox"])}
    if boxes and all(-1 <= side <= 1 for box in boxes.values() for side in box):
        raise MMFanError(
            f"All boxes of {file} lie between 0 and 1: they are fractions of the picture. COCO's boxes are "
            "[x, y, width, height] in pixels: multiply by the width and height of the picture."
        )
    return [number for number, (_, _, width, height) in boxes.items() if 0 < width < 1 or 0 < height < 1]


def broken_boxes(content: Mapping[str, Any]) -> dict[str, list[int]]:
    """Annotations whose box cannot be what was meant.

    Args:
        content: The file, as :func:`check_content` accepts it. Boxes are ``[x, y, width, height]`` in pixels.

    Returns:
        Kind of fault -> ids of annotations; kinds without any are left out. ``'no box'``: not four finite numbers;
        ``'without area'``: width or height is zero or less; ``'outside the picture'``: it reaches more than
        EDGE_TOLERANCE beyond an edge; ``'with area 0'``: the entry ``area`` is not above 0, for which mmdetection
        leaves the object out.
    """
    annotations = content.get("annotations", [])
    sound = [entry for entry in annotations if _is_box(entry["bbox"])]
    found = {"no box": [entry["id"] for entry in annotations if not _is_box(entry["bbox"])]}
    if sound:
        sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
        boxes = np.array([entry["bbox"] for entry in sound], np.float64)
        limits = np.array([sizes[entry["image_id"]] for entry in sound], np.float64)
        ids = np.array([entry["id"] for entry in sound])
        low, span = boxes[:, :2], boxes[:, 2:]
        flat = (span <= 0).any(axis=1)
        beyond = (low < -EDGE_TOLERANCE) | (low + span > limits + EDGE_TOLERANCE)
        found["without area"] = ids[flat].tolist()
        found["outside the picture"] = ids[beyond.any(axis=1) & ~flat].tolist()
        empty = np.array([not _is_number(entry["area"]) or entry["area"] <= 0 for entry in sound])
        found["with area 0"] = ids[empty & ~flat].tolist()
    return {kind: numbers for kind, numbers in found.items() if numbers}


def _is_box(box: Any) -> bool:
    return isinstance(box, (list, tuple)) and len(box) == 4 and all(_is_number(side) for side in box)


def clip_boxes(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same annotations with every box clipped to its picture; those without area, before or after, left out.

    So are those whose entry ``area`` is no number, at which mmdetection would fail.

    Args:
        content: The file, as :func:`check_content` accepts it; not changed.

    Returns:
        A new content; masks and areas stay as they are.
    """
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    kept = []
    for entry in content.get("annotations", []):
        if not _is_box(entry["bbox"]) or not _is_number(entry["area"]):
            continue
        (x, y, wide, high), (width, height) = entry["bbox"], sizes[entry["image_id"]]
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + wide, width), min(y + high, height)
        if wide <= 0 or high <= 0 or right <= left or bottom <= top:
            continue
        inside = left == x and top == y and right == x + wide and bottom == y + high
        kept.append(entry if inside else {**entry, "bbox": [left, top, right - left, bottom - top]})
    return {**content, "annotations": kept}


def describe_broken(found: Mapping[str, Sequence[int]]) -> str:
    """The result of :func:`broken_boxes` in words.

    >>> describe_broken({"without area": [7], "outside the picture": [1, 2, 3, 4]})
    '1 without area (annotation 7), 4 outside the picture (annotations 1, 2, 3 and 1 more)'
    """
    return ", ".join(
        f"{len(ids)} {kind} (annotation{'s' if len(ids) > 1 else ''} {shortlist([str(number) for number in ids])})"
        for kind, ids in found.items()
    )
