"""Preflight of annotations: every file in COCO's form as text, that mmdetection's own datasets and metrics read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from mmengine.fileio import get_local_path

from mmfan.datasets.coco_annotations import check_classes, check_scored, narrow_boxes, read_annotations
from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.evaluation.judging.findings import Findings


def check_annotations(dataset: Any, metrics: Iterable[Any], findings: Findings) -> bool:
    """Check the annotation files of a dataset and its metrics, but what mmfan's own refuse when they are built.

    Args:
        dataset: A built dataset, or wrappers around some; those of other forms than COCO's are passed over.
        metrics: Built metrics.
        findings: Takes in what is wrong.

    Returns:
        Whether nothing was found, so that the masks may be painted.
    """
    before = len(findings.problems)
    checked = {os.path.abspath(file) for metric in metrics if (file := getattr(metric, "ann_file", None))}
    for inner in innermost_datasets(dataset):
        kinds = [kind for kind in type(inner).__mro__ if kind.__name__ == "CocoDataset"]
        file = getattr(inner, "ann_file", None)
        if not kinds or not file or any(kind.__module__.startswith("mmfan.") for kind in kinds):
            continue
        if os.path.abspath(file) in checked:
            continue
        checked.add(os.path.abspath(file))
        with findings.collected(), get_local_path(file, backend_args=getattr(inner, "backend_args", None)) as path:
            content = read_annotations(path)
            check_classes(content, inner.metainfo["classes"], file)
            narrow_boxes(content, file)
    for metric in metrics:
        if getattr(metric, "lacks_masks", None) is not None:
            findings.add(str(metric.lacks_masks))
        held = getattr(getattr(metric, "_coco_api", None), "dataset", None)
        if held and not getattr(metric, "ann_file", None):  # mmdetection's, which looks at them when it scores
            kinds_of_metric = getattr(metric, "metrics", ())
            with findings.collected():
                check_scored(held, "The annotation file of CocoMetric", masks="segm" in kinds_of_metric)
    return len(findings.problems) == before
