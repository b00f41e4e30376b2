"""Preflight of the metric: what does it give to the truth itself, and to a model that finds nothing?

Tried on a copy, so that the metric stays as it is. Metrics that mmfan does not know are left alone: what they give for
one picture alone may mean nothing.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.logging import MMLogger

from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.metrics.segmentation import count_pixels
from mmfan.evaluation.results.store import is_defined

# mmsegmentation's and mmdetection's own, which training validates with, and mmfan's, which judge
OF_LABELS = ("SegCountsMetric", "IoUMetric")
OF_OBJECTS = ("CocoScoresMetric", "CocoMetric")
MOST_OBJECTS = 100  # of a picture that COCO's definition counts
ALMOST_ONE = 0.9  # boxes may be clipped to the picture in the data set and not in the metric's file


def _is_of(metric: Any, names: Sequence[str]) -> bool:
    """Whether a metric is one of those, and gives scores."""
    return not getattr(metric, "format_only", False) and any(kind.__name__ in names for kind in type(metric).__mro__)


def needs_objects(metrics: Sequence[Any]) -> bool:
    """Whether some of the metrics score detections."""
    return any(_is_of(metric, OF_OBJECTS) for metric in metrics)


def needs_labels(metrics: Sequence[Any]) -> bool:
    """Whether some of the metrics score label maps."""
    return any(_is_of(metric, OF_LABELS) for metric in metrics)


def try_label_metrics(metrics: Sequence[Any], sample: Any, findings: Findings) -> None:
    """Score the label map of a sample as its own prediction, and predictions that say one thing everywhere.

    Args:
        metrics: Built metrics, with their ``dataset_meta``.
        sample: A data sample with its truth, ``gt_sem_seg``.
        findings: Takes in what fails, and classes whose own truth has not the IoU 1.
    """
    for metric in metrics:
        if not _is_of(metric, OF_LABELS) or not hasattr(sample, "to_dict"):
            continue
        given = sample.to_dict()
        if "gt_sem_seg" not in given:
            with findings.collected():
                _scores(metric, {**given, "pred_sem_seg": {"data": torch.zeros(1, 1, 1, dtype=torch.int64)}})
            continue
        truth = given["gt_sem_seg"]["data"].long()
        right = truth.clone()
        right[truth == metric.ignore_index] = 0  # not counted, whatever it says
        with findings.collected():
            count_pixels(right, truth, len(metric.dataset_meta["classes"]), metric.ignore_index)  # names wrong labels
            scores = _scores(metric, {**given, "pred_sem_seg": {"data": right}})
            wrong = [name for name, value in _ious(scores).items() if is_defined(value) and value != 1]
            findings.add_of(wrong, "class has not the IoU 1 for its own truth", "classes have not the IoU 1 for theirs")
        for number in dict.fromkeys((0, metric.ignore_index if hasattr(metric, "scores") else 0)):
            with findings.collected():
                _scores(metric, {**given, "pred_sem_seg": {"data": torch.full_like(truth, number)}})


def _ious(scores: Any) -> Mapping[str, float]:
    """The IoU of each class, of mmfan's metric; the other one rounds, and prints them only."""
    return getattr(scores, "per_class", {}).get("IoU", {})


def try_object_metrics(metrics: Sequence[Any], samples: Sequence[Mapping[str, Any]], findings: Findings) -> None:
    """Score the objects of a sample as detections of it, and none.

    Args:
        metrics: Built metrics, with their ``dataset_meta``.
        samples: As ``get_data_info`` gives them, of which the first that suits is taken: ``img_id``, ``instances``,
            ``height`` and ``width``.
        findings: Takes in what fails, and an AP of the truth itself that is not about 1.
    """
    for metric in metrics:
        if not _is_of(metric, OF_OBJECTS):
            continue
        kinds = list(metric.metrics)
        with findings.collected():
            if getattr(metric, "ann_file", None):  # mmfan's, which knows the pictures now
                metric.categories_of(list(dict.fromkeys(one["img_id"] for one in samples)))
            sample = next((one for one in samples if _suits(metric, one)), None)
            if sample is None:
                findings.notes.append("No picture has from 1 to 100 objects: the metric was not tried on the truth.")
                continue
            objects = [one for one in sample["instances"] if not one.get("ignore_flag")]
            scores = getattr(_scores(metric, _detections(sample, objects, kinds)), "metrics", {})
            for kind in kinds:
                value = scores.get(f"{kind}_mAP")
                if is_defined(value) and value < ALMOST_ONE:
                    findings.add(
                        f"The metric gives {kind}_mAP {value:.3f}, expected 1, to the annotated objects of "
                        f"{sample.get('img_path')} as detections: its ann_file and the data set's do not agree in ids, "
                        "categories or boxes. Give both the same file."
                    )
            _scores(metric, _detections(sample, [], kinds))


def _suits(metric: Any, sample: Mapping[str, Any]) -> bool:
    """Whether a picture has objects, not too many, and as many in the metric's file."""
    objects = [one for one in sample.get("instances", ()) if not one.get("ignore_flag")]
    if not 0 < len(objects) <= MOST_OBJECTS or "img_id" not in sample:
        return False
    index = getattr(metric, "_coco_api", None)
    if index is None or sample["img_id"] not in index.imgs:
        return True
    own = [entry for entry in index.imgToAnns.get(sample["img_id"], ()) if not entry.get("iscrowd")]
    return len(own) == len(objects)


def _detections(sample: Mapping[str, Any], objects: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> dict:
    """What a detector would say of a picture that finds these objects and is sure of them."""
    found: dict[str, Any] = {
        "bboxes": torch.tensor([one["bbox"] for one in objects], dtype=torch.float32).reshape(-1, 4),
        "scores": torch.ones(len(objects)),
        "labels": torch.tensor([one["bbox_label"] for one in objects], dtype=torch.int64),
    }
    size = sample["height"], sample["width"]
    if "segm" in kinds:
        found["masks"] = [_run_lengths(one["mask"], *size) for one in objects]
    return {
        "img_id": sample["img_id"], "img_path": sample.get("img_path"), "ori_shape": size, "pred_instances": found,
        "instances": sample["instances"],
    }  # fmt: skip


def _run_lengths(mask: Any, height: int, width: int) -> dict:
    """A mask in COCO's compressed run lengths, as metrics take them."""
    from pycocotools import mask as coco_masks

    if isinstance(mask, Mapping) and isinstance(mask["counts"], (bytes, str)):
        packed = dict(mask)
    elif isinstance(mask, Mapping):
        packed = coco_masks.frPyObjects(mask, height, width)
    else:
        packed = coco_masks.merge(coco_masks.frPyObjects(mask, height, width))
    counts = packed["counts"]
    return {"size": packed["size"], "counts": counts.decode() if isinstance(counts, bytes) else counts}


def _scores(metric: Any, sample: dict) -> Any:
    """The scores of a copy of the metric for one picture."""
    tried = copy.copy(metric)  # not its annotations, which are large, and are not changed
    tried.results = []
    tried.outfile_prefix = tried.output_dir = None  # nothing is written
    if "img_id" in sample and not hasattr(tried, "scores"):
        tried.img_ids = [sample["img_id"]]
    with _quiet():
        tried.process({}, [sample])
        return tried.scores(tried.results) if hasattr(tried, "scores") else tried.compute_metrics(tried.results)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the tables that metrics print and log."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
