"""The metric on the truth itself and on constant predictions, in a copy."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.loop.preflight.metric import try_label_metrics
from mmfan.evaluation.metrics.segmentation import SegCountsMetric


def sample(labels):
    found = SegDataSample(metainfo={"img_path": "a.png"})
    found.gt_sem_seg = PixelData(data=torch.from_numpy(np.array(labels, np.int64))[None])
    return found


def metric(kind=SegCountsMetric, classes=("road", "car"), **options):
    made = kind(**options)
    made.dataset_meta = {"classes": classes}
    return made


class Swapped(SegCountsMetric):
    """A metric that takes one class for the other."""

    def process(self, data_batch, data_samples):
        for one in data_samples:
            one["pred_sem_seg"] = {"data": 1 - one["pred_sem_seg"]["data"]}
        super().process(data_batch, data_samples)


@pytest.mark.parametrize("labels", [[[0, 1], [1, 255]], [[255, 255], [255, 255]], [[1, 1], [1, 1]]])
@pytest.mark.parametrize("ignored", [255, 0])
def test_what_is_right_passes(labels, ignored):
    findings = Findings()
    labels = [[0 if value == 255 and ignored == 0 else value for value in row] for row in labels]
    used = metric(ignore_index=ignored)
    try_label_metrics([used], sample(labels), findings)
    assert findings.problems == []
    assert used.results == []


def test_classes_without_an_iou_of_1_are_named():
    findings = Findings()
    try_label_metrics([metric(Swapped)], sample([[0, 1]]), findings)
    assert "2 classes have not the IoU 1 for theirs: road, car." in findings.problems


def test_labels_of_no_class_are_named():
    from mmseg.evaluation import IoUMetric

    for kind in (SegCountsMetric, IoUMetric):
        findings = Findings()
        try_label_metrics([metric(kind)], sample([[0, 7]]), findings)
        assert any("Expected the class numbers of the truth to be from 0 to 1" in text for text in findings.problems)
