"""What a model said as a picture, on samples made by hand."""

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmfan.evaluation.loop.shown import shown_prediction, shown_truth

META = {"classes": ("cell", "platelet"), "palette": [(250, 0, 0), (0, 0, 250)]}
GREY = np.full((480, 500, 3), 128, np.uint8)
BOX = [100.0, 200.0, 160.0, 260.0]


def instances(box=BOX, masks=None, **more):
    found = InstanceData(bboxes=HorizontalBoxes(torch.tensor([box])), labels=torch.tensor([0]), **more)
    if masks is not None:
        found.masks = BitmapMasks(masks, *masks.shape[1:])
    return found


def test_label_maps_are_handed_on():
    labels = torch.arange(6).reshape(1, 2, 3)
    sample = DetDataSample(pred_sem_seg=PixelData(data=labels), gt_sem_seg=PixelData(data=labels + 1))
    assert shown_prediction(sample, GREY, META).tolist() == labels[0].tolist()
    assert shown_truth(sample, GREY, META).tolist() == (labels[0] + 1).tolist()


def test_sure_objects_are_painted_and_others_not():
    sure = DetDataSample(pred_instances=instances(scores=torch.tensor([0.31])))
    painted = shown_prediction(sure, GREY, META)
    assert painted.shape == GREY.shape
    assert painted[230, 100].tolist() == [250, 0, 0]  # the edge of the box, in RGB
    assert painted[230, 130].tolist() == [128, 128, 128]
    unsure = DetDataSample(pred_instances=instances(scores=torch.tensor([0.29])))
    assert (shown_prediction(unsure, GREY, META) == GREY).all()


def test_truth_with_masks():
    masks = np.zeros((1, 480, 500), np.uint8)
    masks[0, 200:260, 100:160] = 1
    painted = shown_truth(DetDataSample(gt_instances=instances(masks=masks)), GREY, META)
    assert painted[230, 130].tolist() == [189, 64, 64]  # half grey, half red
    assert painted[10, 10].tolist() == [128, 128, 128]


def test_blue_stays_blue_and_grey_pictures_are_taken():
    blue = np.zeros((480, 500, 3), np.uint8)
    blue[..., 0] = 200  # BGR
    sample = DetDataSample(pred_instances=instances(scores=torch.tensor([0.9])))
    assert shown_prediction(sample, blue, META)[10, 10].tolist() == [0, 0, 200]
    assert shown_prediction(sample, GREY[..., 0], META)[10, 10].tolist() == [128, 128, 128]


def test_truth_of_another_size_or_none():
    assert shown_truth(DetDataSample(), GREY, META) is None
    assert shown_truth(DetDataSample(gt_instances=instances([0.0, 0.0, 600.0, 20.0])), GREY, META) is None
    resized = instances(masks=np.ones((1, 240, 250), np.uint8))
    assert shown_truth(DetDataSample(gt_instances=resized), GREY, META) is None


def test_a_model_that_gives_neither():
    with pytest.raises(ValueError, match="gives no objects"):
        shown_prediction(DetDataSample(), GREY, META)
