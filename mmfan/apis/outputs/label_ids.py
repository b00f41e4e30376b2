"""Numbers in the label maps that are written: those that the evaluation of a set takes, or the model's own.

Cityscapes is evaluated (by cityscapesScripts and its server) in label ids, 0 to 33, and trained in train ids, 0 to 18,
which it would score without a word as other classes. Sets without a class for the rest (ADE20K, with
``reduce_zero_label``) number their files from 1. All others are written as the model gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.datasets.cityscapes_labels import LABELS, TRAIN_CLASSES
from mmfan.errors import ConfigError

IDS = ("label", "train")


class WrittenIds(NamedTuple):
    """Numbers for classes.

    Attributes:
        table: (256,) uint8: class number of the model -> number in the file.
        told: What they are, for people.
    """

    table: NDArray[np.uint8]
    told: str


def written_ids(wanted: str | None, meta: Mapping[str, Any], reduced: bool = False) -> WrittenIds:
    """The numbers that label maps are written in.

    Args:
        wanted: One of :data:`IDS`; None for label ids where the classes are those of Cityscapes, and for the file's
            numbers where its class 0 is left out.
        meta: The dataset's, with ``classes``.
        reduced: Whether the set leaves out the number 0 of its files (``reduce_zero_label``).

    Raises:
        ConfigError: Label ids are asked for, and the classes are not those of Cityscapes.
    """
    cityscapes = tuple(meta.get("classes") or ()) == TRAIN_CLASSES
    if wanted == "label" and not cityscapes:
        raise ConfigError(
            f"Label ids are those of Cityscapes' {len(TRAIN_CLASSES)} classes, and this set has "
            f"{len(meta.get('classes') or ())} of its own: leave out --ids label."
        )
    own = np.arange(256, dtype=np.uint8)
    if cityscapes and wanted != "train":
        ids = np.zeros(256, np.uint8)  # what is no class becomes 'unlabeled'
        ids[: len(TRAIN_CLASSES)] = [LABELS[name].id for name in TRAIN_CLASSES]
        return WrittenIds(ids, "label ids (0 to 33), as the evaluation of Cityscapes takes them")
    if reduced and wanted is None:
        return WrittenIds(own + np.uint8(1), "class numbers from 1 on, as the files of the set have them")
    return WrittenIds(own, "class numbers as the model gives them, from 0")
