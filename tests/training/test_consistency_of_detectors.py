"""``ConsistencyWrapper`` around detectors: regions and anchors are compared where they are, copy by copy."""

import copy

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

pytest.importorskip("mmdet")

from helpers.tiny_mask_rcnn import batch

from mmfan.apis import load_config
from mmfan.errors import ConfigError
from mmfan.training.comparison.class_scores import watched


def built(model, **changes):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        return MODELS.build({**copy.deepcopy(model), **changes})


def with_copies(views=3, equal=False):
    data = batch(64, 128)
    data["inputs"] = data["inputs"] * 2
    data["data_samples"] = [data["data_samples"][0], copy.deepcopy(data["data_samples"][0])]
    generator = torch.Generator().manual_seed(0)
    for number in (0, 1):
        clean = data["inputs"][number]
        others = [
            clean if equal else torch.randint(0, 256, clean.shape, generator=generator, dtype=torch.uint8)
            for _ in range(1, views)
        ]
        data["inputs"][number] = torch.cat([clean, *others])
    return data


def losses_of(model, data):
    model.eval()
    torch.manual_seed(0)  # of the sampler of regions
    return model(**model.data_preprocessor(copy.deepcopy(data), training=True), mode="loss")


@pytest.fixture(scope="module")
def cascade(mask_rcnn):
    model = load_config("fan_cascade_rcnn_bccd").model
    model.backbone = mask_rcnn.backbone
    model.neck.in_channels = mask_rcnn.neck.in_channels
    return model


def test_two_stages_have_two_losses(mask_rcnn):
    model = built(mask_rcnn, type="mmfan.ConsistencyWrapper", of="MaskRCNN")
    plain = built(mask_rcnn)
    assert list(model.state_dict()) == list(plain.state_dict())
    data = with_copies()
    losses = losses_of(model, data)
    expected = losses_of(plain, {**data, "inputs": [picture[:3] for picture in data["inputs"]]})
    assert set(losses) == {*expected, "loss_consistency_rpn", "loss_consistency_roi"}
    torch.testing.assert_close(losses["loss_mask"], expected["loss_mask"], rtol=1e-4, atol=1e-4)
    assert losses["loss_consistency_rpn"] > 0
    assert losses["loss_consistency_roi"] > 0
    equal = losses_of(model, with_copies(equal=True))
    assert equal["loss_consistency_rpn"].item() == pytest.approx(0, abs=1e-7)
    assert equal["loss_consistency_roi"].item() == pytest.approx(0, abs=1e-5)


def test_weights_of_the_two(mask_rcnn):
    data = with_copies(views=2)
    single = losses_of(
        built(mask_rcnn, type="mmfan.ConsistencyWrapper", of="MaskRCNN", consistency={"rpn": 1.0, "roi": 1.0}), data
    )
    usual = losses_of(built(mask_rcnn, type="mmfan.ConsistencyWrapper", of="MaskRCNN"), data)
    torch.testing.assert_close(usual["loss_consistency_rpn"], 0.1 * single["loss_consistency_rpn"])
    torch.testing.assert_close(usual["loss_consistency_roi"], 10 * single["loss_consistency_roi"])


def test_regions_are_those_of_their_picture(mask_rcnn):
    model = built(mask_rcnn).eval()
    data = batch(64, 128)
    data["inputs"] = [data["inputs"][0], data["inputs"][0].flip(2)]
    data["data_samples"] = [data["data_samples"][0], copy.deepcopy(data["data_samples"][0])]
    ready = model.data_preprocessor(data, training=True)
    with watched(model, ready["data_samples"]) as scored:
        model(**ready, mode="loss")
    assert [one.kind for one in scored] == ["rpn", "roi"]
    features = model.extract_feat(ready["inputs"])
    for one in scored:
        for rows in ((0, 1), (1, 0), (1,)):
            chosen = [level[list(rows)] for level in features]
            torch.testing.assert_close(one.again(model, chosen, rows), one.own(rows), rtol=1e-4, atol=1e-5)
        swapped = one.again(model, [level[[1, 0]] for level in features], (0, 1))
        assert not torch.allclose(swapped, one.own((0, 1)), atol=1e-4)


def test_each_stage_of_a_cascade(cascade):
    model = built(cascade, type="mmfan.ConsistencyWrapper", of="CascadeRCNN")
    data = with_copies(views=2)
    for sample in data["data_samples"]:
        sample.gt_instances.labels = torch.tensor([2, 1])
    losses = losses_of(model, data)
    assert {"loss_consistency_rpn", "loss_consistency_roi", "s2.loss_cls"} <= set(losses)
    assert losses["loss_consistency_roi"] > 0


def test_one_stage(retinanet):
    model = built(retinanet, type="mmfan.ConsistencyWrapper", of="RetinaNet")
    data = with_copies()
    for sample in data["data_samples"]:
        sample.gt_instances.labels = torch.tensor([0, 1])
    losses = losses_of(model, data)
    assert losses["loss_consistency_dense"] > 0
    ssd = copy.deepcopy(retinanet)
    ssd.bbox_head.loss_cls = {"type": "CrossEntropyLoss", "use_sigmoid": False}
    exclusive = built(ssd, type="mmfan.ConsistencyWrapper", of="RetinaNet")
    assert losses_of(exclusive, data)["loss_consistency_dense"] > 0


def test_pictures_that_are_not_normalised(retinanet):
    """As those of YOLOX."""
    plain = {"type": "DetDataPreprocessor", "pad_size_divisor": 32}
    model = built(retinanet, type="mmfan.ConsistencyWrapper", of="RetinaNet", data_preprocessor=plain)
    data = with_copies()
    for sample in data["data_samples"]:
        sample.gt_instances.labels = torch.tensor([0, 1])
    inputs = model.data_preprocessor(copy.deepcopy(data), training=True)["inputs"]
    assert torch.equal(inputs[1], data["inputs"][1][:3].float())
    assert losses_of(model, data)["loss_consistency_dense"] > 0


def test_heads_that_take_more_than_features_are_refused(mask_rcnn):
    model = copy.deepcopy(mask_rcnn)
    model.roi_head.update(type="DoubleHeadRoIHead", reg_roi_scale_factor=1.3)
    model.roi_head.bbox_head.update(type="DoubleConvFCBBoxHead", num_convs=1, num_fcs=1, conv_out_channels=16)
    double = built(model, type="mmfan.ConsistencyWrapper", of="MaskRCNN")
    with pytest.raises(ConfigError, match="DoubleConvFCBBoxHead takes more than the features of regions"):
        losses_of(double, with_copies())


def test_heads_that_add_features_of_the_whole_picture_are_refused(mask_rcnn):
    """Hybrid Task Cascade: scores asked for again from features of the pyramid alone would be others."""
    model = built(mask_rcnn, type="mmfan.ConsistencyWrapper", of="MaskRCNN")
    model.roi_head.with_semantic = True
    with pytest.raises(ConfigError, match=r"adds features of the whole picture to those of regions \(semantic\)"):
        losses_of(model, with_copies())


def test_queries_without_places_are_refused():
    model = load_config("fan-s-hybrid_dino-4scale_8xb2-36e_coco").model
    model.backbone.init_cfg = None
    with pytest.raises(ConfigError, match="cannot train DINO: its queries are not at the same places"):
        built(model, type="mmfan.ConsistencyWrapper", of="DINO")
