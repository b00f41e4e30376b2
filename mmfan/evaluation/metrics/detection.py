"""Average precision of detectors as COCO defines it, unrounded, over the pictures that were judged."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.datasets.api_wrappers import COCO
from mmdet.evaluation.metrics import CocoMetric
from mmengine.fileio import get_local_path, load
from numpy.typing import NDArray

from mmfan.datasets.coco import Annotations
from mmfan.datasets.coco_annotations import check_classes, check_scored, read_annotations
from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.objects import RECALLS, STATS, score_objects
from mmfan.utils.text import counted, shortlist


class CocoScoresMetric(CocoMetric):
    """mmdetection's ``CocoMetric`` without its rounding to three digits.

    Two more things differ. Only the pictures that were judged count: there, those that were left out count as pictures
    without detections. And a model that detects nothing has the scores 0, with a note: there, it has none.

    As there, ``mAP`` is over the 100 surest detections of a picture, which is COCO's definition; the other scores, and
    those of classes, are over the last of ``proposal_nums``. That differs only for detectors that keep more than 100.

    Scores, fractions, best 1, worst 0, NaN without objects of that kind: ``bbox_mAP`` (mean over IoU .5 to .95),
    ``bbox_mAP_50``, ``bbox_mAP_75``, ``bbox_mAP_s``, ``bbox_mAP_m``, ``bbox_mAP_l`` (by the size of the object), and
    the same with ``segm_`` for masks. Per class: ``bbox_mAP``, ``segm_mAP``.

    Args:
        metric: ``'bbox'``, ``'segm'`` or both.
        ann_file: The annotations of the data set; None takes what the samples hold.
        **kwargs: As :class:`mmdet.evaluation.CocoMetric`. ``metric_items`` adds recalls (``AR@100``, ...) to the
            scores, and takes none away.

    Raises:
        MMFanError: Something else is asked for, or the annotations cannot be scored
            (:func:`mmfan.datasets.coco_annotations.check_scored`); with ``dataset_meta``, if its classes are not their
            categories; when scores are taken, if a picture is none of theirs or was judged twice, or masks are to be
            scored and the model predicts none, or the annotations have none (a judge's preflight says so before).

    Attributes:
        calibrated: Sum up the scores of boxes (of the first of ``metric``) against what they found, too.
        lacks_masks: The error of annotations without the masks that are to be scored; None where there are masks.
    """

    default_prefix = ""
    _coco_api: Any

    def __init__(self, metric: str | list[str] = "bbox", ann_file: str | None = None, **kwargs: Any) -> None:
        wanted = [metric] if isinstance(metric, str) else list(metric)
        if not wanted or set(wanted) - {"bbox", "segm"}:
            raise MMFanError(f"Expected metric to be 'bbox', 'segm' or both for CocoScoresMetric, got {metric!r}.")
        if kwargs.get("sort_categories") and ann_file is None:
            raise MMFanError("sort_categories sorts the categories of `ann_file`: give that, or leave it out.")
        super().__init__(metric=wanted, **kwargs)
        unknown = sorted(set(self.metric_items or ()) - set(STATS) - set(RECALLS))
        if unknown:
            raise MMFanError(f"Expected metric_items among {', '.join((*STATS, *RECALLS))}, got {', '.join(unknown)}.")
        # the toolkit fails on lists
        self.iou_thrs: NDArray[np.float64] = np.atleast_1d(np.asarray(self.iou_thrs, np.float64))
        self.calibrated = False  # set by RetentionEvaluator
        self.ann_file = ann_file
        self.lacks_masks: MMFanError | None = None
        if ann_file is not None:
            with get_local_path(ann_file, backend_args=self.backend_args) as path:
                content = read_annotations(path)
            check_scored(content, ann_file)
            self.lacks_masks = _lack_of_masks(content, ann_file) if "segm" in wanted else None
            if kwargs.get("sort_categories"):
                content["categories"].sort(key=lambda category: category["id"])
            self._coco_api = Annotations(content)

    @CocoMetric.dataset_meta.setter
    def dataset_meta(self, meta: dict[str, Any]) -> None:
        """The classes of the data set; they must be the categories of the annotations, in their order."""
        if self._coco_api is not None and self.ann_file is not None and meta and "classes" in meta:
            check_classes(self._coco_api.dataset, meta["classes"], self.ann_file)
        self._dataset_meta = meta

    def scores(self, results: Sequence[tuple[dict, dict]]) -> CellScores:
        """The scores of (truth, prediction) pairs, as ``process`` collects them."""
        if not results:
            raise MMFanError("There are no detections to score: no picture was processed.")
        truths, predictions = zip(*results, strict=True)
        metrics: dict[str, float] = {}
        per_class: dict[str, dict[str, float]] = {}
        calibration = None
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            prefix = str(Path(folder) / "results")
            if self._coco_api is None:
                self._coco_api = COCO(self.gt_to_coco_json(gt_dicts=truths, outfile_prefix=prefix))
            ids = [truth["img_id"] for truth in truths]
            self.cat_ids = self.categories_of(ids)
            files = self.results2json(predictions, prefix)
            for kind in self.metrics:
                if kind not in files:
                    raise MMFanError(f"The model predicts no masks, and the evaluator asks for {kind!r}.")
                if kind == "segm" and self.lacks_masks is not None:
                    raise self.lacks_masks
                found = score_objects(
                    self._coco_api, load(files[kind]), kind, ids, self.cat_ids, self.proposal_nums, self.iou_thrs,
                    self.metric_items or (), self.calibrated,
                )  # fmt: skip
                calibration = calibration or found.calibration
                metrics |= {f"{kind}_{name}": value for name, value in found.metrics.items()}
                per_class[f"{kind}_mAP"] = found.per_class
        some = any(len(prediction["labels"]) for prediction in predictions)
        note = "" if some else f"The model detected nothing in {counted(len(predictions), 'picture')}."
        classes = tuple(self.dataset_meta["classes"])
        return CellScores(metrics, per_class, classes=classes, note=note, calibration=calibration)

    def categories_of(self, img_ids: Sequence[int]) -> list[int]:
        """The numbers of the classes' categories, after seeing that the annotations are those of the data set.

        Args:
            img_ids: Of the pictures that are to be scored; the annotations must be there.

        Raises:
            MMFanError: A picture is not in the annotations, or is there twice.
        """
        where = f"The annotations of the metric (ann_file={self.ann_file!r})"
        unknown = [str(one) for one in sorted(set(img_ids) - set(self._coco_api.get_img_ids()))]
        twice = [str(one) for one, count in Counter(img_ids).items() if count > 1]
        if twice:
            raise MMFanError(
                f"The data set holds {len(twice)} pictures more than once, with the ids {shortlist(twice)}: their "
                "detections would be counted against each other. Judge a set that holds each picture once (no "
                "RepeatDataset, no sets joined that share ids)."
            )
        if unknown:
            raise MMFanError(
                f"{where} lack {len(unknown)} of the {counted(len(img_ids), 'picture')} judged, by id "
                f"{shortlist(unknown)}. Give the metric the annotation file of the data set."
            )
        return list(self._coco_api.get_cat_ids(cat_names=self.dataset_meta["classes"]))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores by name."""
        return self.scores(results).metrics


def _lack_of_masks(content: dict[str, Any], file: str) -> MMFanError | None:
    """The error of annotations that lack masks; None where every object has one."""
    try:
        check_scored(content, file, masks=True)
    except MMFanError as error:
        return error
    return None
