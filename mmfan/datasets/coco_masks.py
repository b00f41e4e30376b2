"""Masks of annotations in COCO's form, checked as text before they are painted.

pycocotools allocates what a coordinate asks for, and writes what run lengths say beyond the end of the mask. Either
ends the process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.errors import MMFanError
from mmfan.picture_files import LIMIT_VARIABLE, pixel_limit
from mmfan.utils.text import shortlist

CURE = "Mend the masks in the file, or leave these annotations out of it."


def check_masks(content: Mapping[str, Any], file: str) -> None:
    """Check the sizes of the pictures, and that every mask can be painted into its picture.

    A polygon may reach beyond its picture, as some of COCO's do by a pixel, but by no more than the picture's size.

    Args:
        content: The file, as :func:`mmfan.datasets.coco_annotations.check_content` accepts it.
        file: Its name, for messages.

    Raises:
        MMFanError: Names the pictures or annotations, what is wrong with them, and the cure.
    """
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    limit = pixel_limit()
    wrong = [str(number) for number, size in sizes.items() if not _is_size(size, limit)]
    if wrong:
        raise MMFanError(
            f"{file}: the width and height of the images {shortlist(wrong)} are no sizes of pictures: expected whole "
            f"numbers from 1, and no more than {limit / 1e6:g} megapixels (more with the environment variable "
            f"{LIMIT_VARIABLE})."
        )
    faults: dict[str, list[str]] = {}
    for entry in content.get("annotations", []):
        mask = entry.get("segmentation")
        if mask:
            fault = _fault(mask, *sizes[entry["image_id"]])
            if fault is not None:
                faults.setdefault(fault, []).append(str(entry["id"]))
    for fault, ids in faults.items():
        who = f"annotation{'s' if len(ids) > 1 else ''} {shortlist(ids)}"
        raise MMFanError(f"{file}: {who}: the `segmentation` {fault}. {CURE}")


def _is_size(size: Sequence[Any], limit: int) -> bool:
    return (
        all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in size)
        and all(1 <= side <= limit and side == int(side) for side in size)
        and size[0] * size[1] <= limit
    )


def _fault(mask: Any, width: int, height: int) -> str | None:
    """What is wrong with a mask, in words that follow its name."""
    if isinstance(mask, Mapping):
        return _fault_of_runs(mask, width, height)
    if not isinstance(mask, (list, tuple)):
        return "is neither polygons nor run lengths"
    for polygon in mask:
        fault = _fault_of_polygon(polygon, width, height)
        if fault is not None:
            return fault
    return None


def _fault_of_polygon(polygon: Any, width: int, height: int) -> str | None:
    """Most of an annotation file goes through here: whole lists are looked at by built-ins."""
    if not isinstance(polygon, (list, tuple)) or len(polygon) % 2:
        return "holds polygons that are not pairs of coordinates, [x1, y1, x2, y2, ...]"
    if not polygon:
        return None
    try:
        finite = math.isfinite(sum(polygon))
    except (TypeError, OverflowError):
        finite = False
    if not finite:
        return "holds coordinates that are no finite numbers"
    side = min(width, height)
    if min(polygon) >= -side and max(polygon) <= 2 * side:
        return None
    across, down = polygon[0::2], polygon[1::2]
    if min(across) < -width or max(across) > 2 * width or min(down) < -height or max(down) > 2 * height:
        return "holds coordinates that lie farther outside the picture than the picture is large"
    return None


def _fault_of_runs(mask: Mapping[str, Any], width: int, height: int) -> str | None:
    size, counts = mask.get("size"), mask.get("counts")
    if not isinstance(size, (list, tuple)) or list(size) != [height, width]:
        return f"is run lengths of the size {size!r}, its picture has {[height, width]} (height, width)"
    if isinstance(counts, str):
        runs = unpacked_runs(counts)
    elif isinstance(counts, (list, tuple)) and all(type(count) is int for count in counts):
        runs = list(counts)
    else:
        runs = None
    if runs is None or min(runs, default=0) < 0 or sum(runs) != width * height:
        return "is run lengths that do not add up to the pixels of its picture"
    return None


def unpacked_runs(text: str) -> list[int] | None:
    """The run lengths of COCO's compressed form; None if it is none.

    Each number is written in characters of five bits and a mark that more follow, from 48 on, the lowest bits first;
    from the fourth on it is the difference to the number before the last.

    >>> unpacked_runs("04240")
    [0, 4, 2, 8, 2]
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            return None
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return None if shift else runs
