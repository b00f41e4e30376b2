"""What a model says of one picture: finite, of the size of the picture, of the classes of the set."""

import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.loop.computing.computing import Computing
from mmfan.evaluation.loop.preflight.model import check_trained_classes, same_weights, try_model


class Says(torch.nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def test_step(self, batch):
        return [self.output]


def label_map(channels=3, size=(4, 6), value=0.0):
    output = SegDataSample(metainfo={"ori_shape": (4, 6)})
    output.seg_logits = PixelData(data=torch.full((channels, *size), value))
    output.pred_sem_seg = PixelData(data=torch.zeros(1, *size, dtype=torch.int64))
    return output


def objects(labels=(0, 2), box=1.0, score=0.5):
    output = SegDataSample()
    output.pred_instances = InstanceData(
        bboxes=torch.full((len(labels), 4), box),
        labels=torch.tensor(labels, dtype=torch.int64),
        scores=torch.full((len(labels),), score),
    )
    return output


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (label_map(), ""),
        (objects(), ""),
        (objects(labels=()), ""),
        (label_map(channels=4), "scores of 4 classes, the data set has 3"),
        (label_map(channels=1), "scores of 2 classes, the data set has 3"),
        (label_map(value=float("nan")), "not finite"),
        (label_map(size=(2, 3)), r"label map is \(2, 3\) \(rows x columns\), the picture \(4, 6\)"),
        (objects(labels=(0, 3)), "labels are 0 to 3, the data set has 3 classes"),
        (objects(box=float("inf")), "not finite"),
        (objects(score=float("nan")), "not finite"),
    ],
)
def test_what_it_says(output, problem):
    import re

    findings = Findings()
    try_model(Says(output), None, ("a", "b", "c"), Computing(torch.nn.Identity()), findings)
    assert len(findings.problems) == (1 if problem else 0)
    assert not problem or re.search(problem, findings.problems[0])


def test_classes_of_the_checkpoint():
    for trained, problems, notes in (
        ((), 0, 0), (("a", "b"), 0, 0), (("b", "a"), 1, 0), (("a", "b", "c"), 1, 0), (("a", "x"), 0, 1),
    ):  # fmt: skip
        findings = Findings()
        check_trained_classes(trained, ("a", "b"), findings)
        assert (len(findings.problems), len(findings.notes)) == (problems, notes), trained


def test_weights_are_put_back():
    layer = torch.nn.BatchNorm1d(2)
    with same_weights(layer):
        layer(torch.randn(8, 2) + 5)
        layer.weight.data.fill_(7)
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.weight.tolist() == [1, 1]
    assert int(layer.num_batches_tracked) == 0
