"""The class-weighted cross-entropy with ignored pixels, against numbers by hand and torch's own mean."""

from math import log

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS

from mmfan.apis import load_config
from mmfan.utils.configs import find_config

WEIGHTS = [1.0, 3.0]


def loss(**settings):
    return MODELS.build({"type": "mmfan.CrossEntropyLoss", "avg_non_ignore": True, **settings})


def two_pixels_and_an_ignored_one():
    # probabilities 1/2 and 1/2, 1/4 and 3/4, and a pixel without a label
    logits = torch.tensor([[0.0, 0.0], [0.0, log(3)], [5.0, -5.0]]).T.reshape(1, 2, 1, 3)
    return logits.requires_grad_(), torch.tensor([[[0, 1, 255]]])


def test_by_hand():
    logits, labels = two_pixels_and_an_ignored_one()
    found = loss(class_weight=WEIGHTS, loss_weight=0.5)(logits, labels, ignore_index=255)
    assert found.item() == pytest.approx(0.5 * (1 * log(2) + 3 * log(4 / 3)) / (1 + 3), rel=1e-6)
    found.backward()
    # 0.5 * w / sum(w) * (probability - target), and nothing where the label is ignored
    expected = [[0.5 / 4 * -0.5, 0.5 * 3 / 4 * 0.25, 0.0], [0.5 / 4 * 0.5, 0.5 * 3 / 4 * -0.25, 0.0]]
    torch.testing.assert_close(logits.grad[0, :, 0], torch.tensor(expected))


def test_as_torch_has_it():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, generator=generator)
    labels = torch.randint(0, 5, (2, 6, 7), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.3] = 255
    weights = [0.2, 1.0, 3.0, 0.5, 2.0]
    for avg_non_ignore in (True, False):
        found = loss(class_weight=weights, avg_non_ignore=avg_non_ignore)(logits, labels, ignore_index=255)
        torch.testing.assert_close(found, F.cross_entropy(logits, labels, torch.tensor(weights), ignore_index=255))


def test_no_label_at_all_is_no_loss():
    logits, labels = two_pixels_and_an_ignored_one()
    assert loss(class_weight=WEIGHTS)(logits, torch.full_like(labels, 255), ignore_index=255).item() == 0


def test_without_weights_of_classes_and_with_a_factor_it_is_mmsegs():
    logits, labels = two_pixels_and_an_ignored_one()
    assert loss()(logits, labels, ignore_index=255).item() == pytest.approx((log(2) + log(4 / 3)) / 2, rel=1e-6)
    summed = log(2) + 3 * log(4 / 3)
    assert loss(class_weight=WEIGHTS)(logits, labels, avg_factor=8.0, ignore_index=255).item() == pytest.approx(
        summed / 8, rel=1e-6
    )
    each = loss(class_weight=WEIGHTS)(logits, labels, reduction_override="none", ignore_index=255)
    torch.testing.assert_close(each, torch.tensor([[[log(2), 3 * log(4 / 3), 0.0]]]))


def test_configs_with_class_weights_use_it():
    cfg = load_config(find_config("fan_segformer_mini"))
    loss_cfg = cfg.model.decode_head.loss_decode
    assert loss_cfg.type == "mmfan.CrossEntropyLoss"
    built = MODELS.build(loss_cfg)
    labels = torch.full((1, 2, 2), 255)
    labels[0, 0, 0] = 18
    logits = torch.zeros(1, 19, 2, 2)
    assert built(logits, labels, ignore_index=255).item() == pytest.approx(log(19), rel=1e-6)
