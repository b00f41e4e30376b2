"""Label images: class numbers of one channel, read, checked and renumbered. Needs no OpenMMLab."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from mmfan import picture_files
from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name

CURE = (
    "Expected an image of one channel that holds train ids (*_labelTrainIds.png in Cityscapes, made by "
    f"`{command_name('prepare cityscapes')} ROOT`), not label ids, instance ids or colours."
)


def read_label_image(path: str) -> np.ndarray:
    """Read a label image.

    Args:
        path: File of one channel; of a palette the numbers are taken, not the colours.

    Returns:
        (H, W), of the integer type that the file has.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The file cannot be decoded or has several channels.
    """
    content = picture_files.content_of(path)
    try:
        with picture_files.open_with_pillow(content) as picture:
            label = np.array(picture)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise MMFanError(
            f"Cannot read the label image {path} ({len(content)} bytes). It may be empty or cut short: make it again. "
            f"The decoder says: {' '.join(str(error).split())}"
        ) from error
    return one_channel(label.astype(np.uint8) if label.dtype == bool else label, path)


def one_channel(label: np.ndarray, path: str) -> np.ndarray:
    """A label image as (H, W).

    Raises:
        MMFanError: It has several channels.
    """
    if label.ndim == 3 and label.shape[2] == 1:
        label = label[:, :, 0]
    if label.ndim != 2:
        raise MMFanError(f"The label image {path} has the shape {label.shape}. {CURE}")
    return label


def as_bytes(label: np.ndarray, path: str, num_classes: int, ignore_index: int = 255) -> np.ndarray:
    """A label image as uint8, of which no id is changed: 16-bit instance ids would wrap around to ids that look valid.

    Raises:
        MMFanError: It holds ids above 255.
    """
    if label.dtype == np.uint8:
        return label
    _refuse(ids_outside(label, 256, ignore_index), path, num_classes, ignore_index)
    return label.astype(np.uint8)


def refuse_outside(label: np.ndarray, path: str, num_classes: int, ignore_index: int = 255) -> None:
    """See that a label image holds ids of classes alone, or ignored ones.

    Raises:
        MMFanError: It does not; the first are named.
    """
    _refuse(ids_outside(label, num_classes, ignore_index), path, num_classes, ignore_index)


def _refuse(ids: list[int], path: str, num_classes: int, ignore_index: int) -> None:
    if ids:
        listed = ", ".join(map(str, ids[:10])) + (", ..." if len(ids) > 10 else "")
        raise MMFanError(
            f"The label image {path} holds ids outside 0..{num_classes - 1} and {ignore_index} (ignored): "
            f"{listed}. {CURE}"
        )


def ids_outside(label: np.ndarray, num_classes: int, ignore_index: int = 255) -> list[int]:
    """Ids that are neither in ``0..num_classes-1`` nor ignored.

    Args:
        label: (H, W), any integer type.
        num_classes: Number of valid ids.
        ignore_index: Id of pixels that do not count.

    Returns:
        The ids, sorted; empty if all is well.

    >>> ids_outside(np.array([[0, 18, 255], [19, 33, 33]], np.uint8), 19)
    [19, 33]
    """
    # Comparisons of bytes run at memory speed; the ids are counted only when there is something to say.
    outside = (label >= num_classes) & (label != ignore_index)
    if np.issubdtype(label.dtype, np.signedinteger):
        outside |= label < 0
    return [int(value) for value in np.unique(label[outside])] if outside.any() else []


def reduce_zero(label: np.ndarray, ignore_index: int = 255) -> np.ndarray:
    """Ignore id 0 and move the others down by one; ignored pixels stay ignored.

    >>> reduce_zero(np.array([[0, 1, 150, 255]], np.uint8))
    array([[255,   0, 149, 255]], dtype=uint8)
    """
    table = np.arange(-1, 255, dtype=np.int64)
    table[0] = ignore_index
    table[ignore_index] = ignore_index
    return cv2.LUT(label, table.astype(np.uint8))  # several times faster than indexing with the label


def map_ids(label: np.ndarray, mapping: Mapping[int, int]) -> np.ndarray:
    """Replace old ids by new ones; ids that the mapping does not name stay.

    >>> map_ids(np.array([[0, 1, 255]], np.uint8), {0: 1, 1: 255})
    array([[  1, 255, 255]], dtype=uint8)
    """
    table = np.arange(256, dtype=np.uint8)
    for old, new in mapping.items():
        table[old] = new
    return cv2.LUT(label, table)
