"""Shape bias of anything that classifies into ImageNet's 1000 classes, on a folder of cue-conflict pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmfan.evaluation.function.asking import ask, class_scores
from mmfan.evaluation.function.sources.items import Item, read_picture
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.metrics.cue_conflict import ShapeBias, cues_of, decide, shape_bias
from mmfan.utils.checks import whole_number
from mmfan.utils.files import PICTURE_SUFFIXES
from mmfan.utils.text import shortlist


def judge_cue_conflict(
    predict: Callable[..., Any], folder: str | os.PathLike[str], *, batch_size: int = 1, limit: int | None = None
) -> ShapeBias:
    """Measure the shape bias of a classifier.

    Args:
        predict: As in :func:`mmfan.judge`: gets one picture, (H, W, 3) RGB uint8, or a list of them with ``batch_size``
            above 1; returns logits or probabilities (1000,) in the order of ImageNet's classes, of each.
        folder: The cue-conflict pictures: a folder for each shape, files like ``cat7-elephant1.png``.
        batch_size: Pictures that ``predict`` gets at a time.
        limit: This many pictures, spread evenly over the set; None for all.

    Raises:
        FileNotFoundError: The folder is missing, or holds no picture.
        MMFanError: A name says no cues, or ``predict`` returned something else.
    """
    root, size = Path(folder), whole_number("batch_size", batch_size, 1)
    if not root.is_dir():
        raise FileNotFoundError(f"The folder {root.absolute()} does not exist.")
    there = sorted(path for path in root.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not there:
        raise FileNotFoundError(f"There is no picture in the folders below {root}.")
    paths = [there[at] for at in spread(len(there), None if limit is None else whole_number("limit", limit, 1))]
    cues = [cues_of(str(path)) for path in paths]  # all names first: what is wrong with one is said at once
    decisions: list[str] = []
    for start in range(0, len(paths), size):
        names = [str(path.relative_to(root)) for path in paths[start : start + size]]
        pictures = [read_picture(Item(str(path), None, path.name)) for path in paths[start : start + size]]
        outputs = ask(predict, pictures, size, shortlist(names))
        decisions += [decide(class_scores(output, name)) for output, name in zip(outputs, names, strict=True)]
    return shape_bias(cues, decisions)
