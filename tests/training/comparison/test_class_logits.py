"""Heads of detectors that are compared: those that give class logits, and no others."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope

pytest.importorskip("mmdet")

from helpers.tiny_mask_rcnn import batch
from mmdet.models.dense_heads import RetinaHead
from mmdet.registry import MODELS as DETECTORS

from mmfan.errors import ConfigError
from mmfan.training.comparison.class_logits import KNOWN, WHY, check_logits
from mmfan.training.comparison.class_scores import watched

WRAPPERS = ["mmfan.ConsistencyWrapper", "mmfan.TeacherWrapper"]
SEESAW = {"type": "SeesawLoss", "num_classes": 7}
CASCADED = {"type": "CascadeRPNHead", "num_classes": 1, "num_stages": 1, "stages": [
    {"type": "StageCascadeRPNHead", "in_channels": 16, "feat_channels": 16, "anchor_generator":
     {"type": "AnchorGenerator", "scales": [8], "ratios": [1.0], "strides": [4, 8, 16, 32, 64]},
     "adapt_cfg": {"type": "dilation", "dilation": 3}, "bridged_feature": True, "with_cls": False}]}  # fmt: skip


def built(model, **changes):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        return MODELS.build({**copy.deepcopy(model), **changes})


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(
    ("head", "why"),
    [
        ({"type": "TOODHead", "in_channels": 16, "num_classes": 2}, "it gives probabilities"),
        ({"type": "CenterNetHead", "in_channels": 16, "feat_channels": 16, "num_classes": 2,
          "loss_center_heatmap": {"type": "GaussianFocalLoss"}, "loss_wh": {"type": "L1Loss"},
          "loss_offset": {"type": "L1Loss"}}, "it gives probabilities"),
        ({"type": "YOLOV3Head", "in_channels": [16] * 3, "out_channels": [16] * 3, "num_classes": 2,
          "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": True},
          "loss_conf": {"type": "CrossEntropyLoss", "use_sigmoid": True},
          "loss_xy": {"type": "CrossEntropyLoss", "use_sigmoid": True}, "loss_wh": {"type": "MSELoss"}},
         "it gives boxes, objectness and classes in one map"),
    ],
)  # fmt: skip
def test_heads_that_give_something_else_are_refused_as_the_model_is_built(retinanet, wrapper, head, why):
    model = {**retinanet, "bbox_head": head, "train_cfg": None, "test_cfg": {}}
    with pytest.raises(ConfigError, match=rf"first output is class logits, .* got {head['type']}: {why}\."):
        built(model, type=wrapper, of="RetinaNet")


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_heads_without_a_pass_of_their_own_are_refused(mask_rcnn, wrapper):
    """Cascade RPN's stages pass, and its head never does: the term of proposals would be missing in silence."""
    model = copy.deepcopy(mask_rcnn)
    model.rpn_head, model.train_cfg.rpn = ConfigDict(CASCADED), [model.train_cfg.rpn]
    with pytest.raises(ConfigError, match=r"got CascadeRPNHead: its stages are heads"):
        built(model, type=wrapper, of="MaskRCNN")


def test_a_head_that_made_no_pass_is_named(mask_rcnn):
    model = built(mask_rcnn)
    made = pytest.raises(ConfigError, match=r"MaskRCNN to make a pass .* got none of RPNHead, Shared2FCBBoxHead:")
    with made, watched(model, []):
        pass
    assert not any("forward" in vars(part) for part in model.modules())


def test_several_sets_of_scores_in_one_are_refused(mask_rcnn):
    model = copy.deepcopy(mask_rcnn)
    model.roi_head.bbox_head.loss_cls = SEESAW
    for wrapper in WRAPPERS:
        with pytest.raises(ConfigError, match=r"FCBBoxHead to give .* its 7 classes .* got 9 by its SeesawLoss: they"):
            built(model, type=wrapper, of="MaskRCNN")
    # a loss that counts its channels itself, and counts them as others do
    model.roi_head.bbox_head.loss_cls = {"type": "CrossEntropyCustomLoss", "num_classes": 7}
    built(model, type="mmfan.ConsistencyWrapper", of="MaskRCNN")


def test_a_head_of_one_s_own_is_known_by_its_pass():
    class Renamed(RetinaHead):
        pass

    class Changed(RetinaHead):
        def forward_single(self, x):
            return super().forward_single(x)[::-1]

    class Told(Changed):
        gives_class_logits = True

    check_logits(Renamed(2, 16))
    check_logits(Told(2, 16))
    with pytest.raises(
        ConfigError, match=r"got Changed: what it gives is not known.* has `gives_class_logits = True` in its"
    ):
        check_logits(Changed(2, 16))


def test_names_are_those_of_heads_with_a_pass():
    for name in KNOWN - {"AnchorFreeHead"}:  # which is no type of a config
        assert {"forward", "forward_single"} & set(vars(DETECTORS.get(name))), name
    assert all(DETECTORS.get(name) for name in WHY)
    assert not KNOWN & set(WHY)


def test_passes_of_a_sampler_are_no_terms(mask_rcnn):
    """OHEM looks for hard regions by passes without gradients, of regions by other numbers."""
    model = copy.deepcopy(mask_rcnn)
    model.train_cfg.rcnn.sampler = {"type": "OHEMSampler", "num": 8, "pos_fraction": 0.25}
    model, data = built(model).train(), batch(64, 128)
    passes = []
    model.roi_head.bbox_head.fc_cls.register_forward_hook(lambda *more: passes.append(torch.is_grad_enabled()))
    ready = model.data_preprocessor(data, training=True)
    with watched(model, ready["data_samples"]) as scored:
        model(**ready, mode="loss")
    assert passes.count(False) >= 1
    assert [one.kind for one in scored] == ["rpn", "roi"]


def test_a_loss_that_is_only_looked_at_has_its_terms(mask_rcnn):
    model = built(mask_rcnn)
    ready = model.data_preprocessor(batch(64, 128), training=True)
    with torch.no_grad(), watched(model, ready["data_samples"]) as scored:
        model(**ready, mode="loss")
    assert [one.kind for one in scored] == ["rpn", "roi"]
