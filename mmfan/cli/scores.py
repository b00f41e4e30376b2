"""Scores as they are told: in percent with the sign, whatever unit the metric gives them in."""

from __future__ import annotations

import re

# mmsegmentation's metrics give percentages ...
_PERCENTAGES = re.compile(r"^[am](Acc|IoU|Dice|Fscore|Precision|Recall)$")
# ... mmdetection's give fractions, and so does mmfan's loop, whose names say what the pictures were: "clean", also
# behind a family, or a cell, which ends in its severity. Of a log its last word is left.
_FRACTIONS = re.compile(r"^(bbox|segm|proposal)_|^m?(AP|AR)(\d*|@.*)$")
_OF_THE_LOOP = re.compile(r"(^|/)((clean|corrupted|retention)|([^/]* )?\d+(\.\d+)?)/[^/]*$")


def percent_of(name: str, value: float) -> float | None:
    """A score in percent; None for a name that says nothing of the unit.

    Args:
        name: As a metric of mmsegmentation, of mmdetection or the loop of mmfan gives it, perhaps with a prefix.
        value: The score.

    >>> percent_of("mIoU", 42.6), percent_of("coco/bbox_mAP", 0.25), percent_of("clean/mIoU", 0.5)
    (42.6, 25.0, 50.0)
    >>> percent_of("fgsm 1/mIoU", 0.5), percent_of("custom and attacks: fgsm (eps 1)/clean/mIoU", 0.5)
    (50.0, 50.0)
    >>> percent_of("loss", 1.0)
    """
    last = name.rpartition("/")[2]
    if _OF_THE_LOOP.search(name) or _FRACTIONS.match(last):
        return 100 * value
    return value if _PERCENTAGES.match(last) else None


def score_text(name: str, value: float) -> str:
    """Name and value of a score for a line.

    >>> score_text("mIoU", 42.6), score_text("bbox_mAP", 0.17), score_text("loss", 0.12345)
    ('mIoU 42.60 %', 'bbox_mAP 17.00 %', 'loss 0.1235')
    >>> score_text("mIoU", float("nan")), score_text("bbox_mAP_s", -1.0)  # COCO's score of what the truth lacks
    ('mIoU not a number', 'bbox_mAP_s undefined')
    """
    if value != value:
        return f"{name} not a number"
    percent = percent_of(name, value)
    if percent == -100:
        return f"{name} undefined"
    return f"{name} {value:.4g}" if percent is None else f"{name} {percent:.2f} %"
