"""Models of torchvision itself, on random weights; ``make test-adapters`` has the package."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from helpers.torchvision_beside import import_torchvision

from mmfan.adapters import Preprocessing, TorchDetector, TorchSegmentor

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.fixture
def torchvision():
    return import_torchvision()


def test_a_segmentor(torchvision):
    torch.manual_seed(0)
    model = torchvision.models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=3
    )
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    mean, std = (torch.tensor(IMAGENET[name])[:, None, None] for name in ("mean", "std"))
    inputs = ((torch.from_numpy(rgb).permute(2, 0, 1) / 255 - mean) / std)[None]
    with torch.no_grad():
        # random weights say one class everywhere, unless its lead is taken from it
        model.classifier.high_classifier.bias -= model.eval()(inputs)["out"][0].mean((1, 2))
        expected = model(inputs)["out"][0].argmax(0).numpy()
    names = ["car", "sky", "road"]
    labels = TorchSegmentor(model, ["sky", "road", "car"], Preprocessing(**IMAGENET), classes=names)(rgb)
    assert (labels == np.array([2, 0, 1])[expected]).all()
    assert len(np.unique(labels)) > 1


def test_a_detector(torchvision):
    if not torchvision.extension._has_ops():
        pytest.skip("torchvision's operators are compiled for another build of torch")
    torch.manual_seed(0)
    model = torchvision.models.detection.fcos_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=3, score_thresh=0.0, min_size=64, max_size=96
    )
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    found = TorchDetector(model, ["car", "road"], classes=["__background__", "road", "car"])(rgb)
    with torch.no_grad():
        (own,) = model.eval()([torch.from_numpy(rgb).permute(2, 0, 1) / 255])
    kept = own["labels"].numpy() > 0
    assert found.labels.tolist() == [{1: 1, 2: 0}[number] for number in own["labels"].tolist() if number]
    assert np.abs(found.boxes - own["boxes"].numpy()[kept]).max() < 1e-4
    assert len(found.labels) > 0
