"""Average precision of objects as COCO defines it, on pycocotools, over the pictures that were judged."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums, sums_of_boxes

# name of a score -> its place in COCOeval.stats
STATS = {"mAP": 0, "mAP_50": 1, "mAP_75": 2, "mAP_s": 3, "mAP_m": 4, "mAP_l": 5}
# the same of recalls, which are given where they are asked for
RECALLS = {"AR@100": 6, "AR@300": 7, "AR@1000": 8, "AR_s@1000": 9, "AR_m@1000": 10, "AR_l@1000": 11}
THRESHOLDS = np.linspace(0.5, 0.95, round((0.95 - 0.5) / 0.05) + 1, endpoint=True)  # of the IoU
LEAST_SCORE, MATCHED = 0.05, 0.5  # of the boxes whose scores are held against what they found: score, IoU
PROPOSALS = (100, 300, 1000)  # detections of a picture that count, from the surest on


class AveragePrecisions(NamedTuple):
    """Scores of one kind of objects, boxes or masks: fractions, NaN without objects of that kind.

    Attributes:
        metrics: ``mAP`` (mean over the IoU thresholds), ``mAP_50``, ``mAP_75``, ``mAP_s``, ``mAP_m``, ``mAP_l``, and
            the recalls asked for.
        per_class: Class -> mAP.
        calibration: Sums of the scores of boxes against what they found; None where they were not asked for.
    """

    metrics: dict[str, float]
    per_class: dict[str, float]
    calibration: CalibrationSums | None = None


def index_of(content: dict[str, Any]) -> COCO:
    """The index of pycocotools over annotations, from what their file holds rather than from its name."""
    index = COCO()
    index.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        index.createIndex()
    return index


def score_objects(
    index: Any,
    detections: list[dict[str, Any]],
    kind: str,
    images: Iterable[int],
    categories: Sequence[int],
    proposals: Sequence[int] = PROPOSALS,
    thresholds: NDArray[np.floating[Any]] = THRESHOLDS,
    recalls: Iterable[str] = (),
    calibrated: bool = False,
) -> AveragePrecisions:
    """Score detections against annotations.

    ``mAP`` is over the 100 surest detections of a picture, which is COCO's definition; the other scores, and those of
    classes, are over the last of ``proposals``. That differs only for detectors that keep more than 100.

    Args:
        index: pycocotools' index of the annotations.
        detections: In the form of COCO's result files.
        kind: ``'bbox'`` or ``'segm'``.
        images: Ids of the pictures that were judged; the others do not count.
        categories: Ids of the classes' categories.
        proposals: Three numbers of detections of a picture.
        thresholds: Of the IoU.
        recalls: Names among :data:`RECALLS` to give as well.
        calibrated: Sum up too how sure the detections are that found an object, and those that did not.

    Raises:
        MMFanError: ``calibrated``, and 0.5 is not among the thresholds.
    """
    if kind == "segm":
        # with a box in it, the toolkit would take the area of the box for that of the mask
        detections = [{name: value for name, value in one.items() if name != "bbox"} for one in detections]
    with contextlib.redirect_stdout(io.StringIO()):
        judged = COCOeval(index, _loaded(index, detections), kind)
        judged.params.catIds = list(categories)
        judged.params.imgIds = sorted(set(images))
        judged.params.maxDets = list(proposals)
        judged.params.iouThrs = thresholds
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    stats = np.where(judged.stats < 0, np.nan, judged.stats)
    places = {**STATS, **{name: place for name, place in RECALLS.items() if name in set(recalls)}}
    names = [category["name"] for category in index.loadCats(list(categories))]
    return AveragePrecisions(
        {name: float(stats[place]) for name, place in places.items()},
        _by_class(judged.eval["precision"], names),
        _confidence(judged) if calibrated else None,
    )


def _confidence(judged: Any) -> CalibrationSums:
    """The scores of the detections from 0.05 on, against whether COCO matches them to an object at the IoU 0.5.

    Those that are matched to crowds do not count.
    """
    found = np.flatnonzero(np.isclose(judged.params.iouThrs, MATCHED))
    if not len(found):
        raise MMFanError(f"Calibration of detections is at the IoU {MATCHED}: have it among `iou_thrs`.")
    scores, right = [np.zeros(0)], [np.zeros(0, bool)]
    for one in judged.evalImgs:
        if one is None or list(one["aRng"]) != list(judged.params.areaRng[0]):
            continue
        sure = np.asarray(one["dtScores"], np.float64)
        kept = (sure >= LEAST_SCORE) & ~np.asarray(one["dtIgnore"][found[0]], bool)
        scores.append(sure[kept])
        right.append(np.asarray(one["dtMatches"][found[0]])[kept] > 0)
    return sums_of_boxes(np.concatenate(scores), np.concatenate(right))


def _loaded(index: Any, detections: list[dict[str, Any]]) -> Any:
    if detections:
        return index.loadRes(detections)
    return index_of({**index.dataset, "annotations": []})  # loadRes fails on an empty list


def _by_class(precision: NDArray[np.float64], names: Sequence[str]) -> dict[str, float]:
    """AP of each class from (IoU, recall, class, area, detections): all areas, the largest number of detections."""
    found = {}
    for place, name in enumerate(names):
        values = precision[:, :, place, 0, -1]
        values = values[values > -1]
        found[name] = float(values.mean()) if values.size else float("nan")
    return found
