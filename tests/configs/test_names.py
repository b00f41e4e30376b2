"""Names of configs: they follow OpenMMLab's rule as configs/README.md states it, say what is trained, and stay."""

import re

import pytest

from mmfan.apis import load_config
from mmfan.utils.configs import config_folder, config_index, own_configs

ADDRESS = re.compile(
    r"(?P<algorithm>fan-(?P<size>[tsbl])-(?P<kind>hybrid-tap|hybrid|vit|swin)|alternet-50)"
    r"_(?P<method>segformer|mmseg-segformer|upernet|mask-rcnn|cascade-mask-rcnn|dino-4scale|classifier|token-labeler|token-student)(?:_(?P<neck>fpn|sfp))?"
    r"_(?P<gpus>\d+)xb(?P<pictures>\d+)-(?P<length>\d+)(?P<unit>[ke])"
    r"_(?P<data>cityscapes|coco|imagenet)(?:-(?P<crop>\d+)x\d+)?(?:_(?:cwfa|augmix|robust))?"
)
# a recipe on one of mmsegmentation's own
OTHERS = re.compile(r"segformer_(?:mit-b0|r18)_8xb1-160k_cityscapes-1024x1024(?:_(?:cwfa|augmix|robust))?")
ENDINGS = "cwfa|augmix|robust|yardstick|textures|shape"
SHORT = re.compile(rf"[a-z0-9]+(?:[_-][a-z0-9]+)*_(?:mini|camvid|bccd|imagenette)(?:_(?:{ENDINGS}))?")
BACKBONES = {
    "hybrid-tap": "mmfan.FANHybrid",
    "hybrid": "mmfan.FANHybrid",
    "vit": "mmfan.FAN",
    "swin": "mmfan.FANSwin",
    None: "mmfan.AlterNet",
}
SIZES = {"t": "tiny", "s": "small", "b": "base", "l": "large", None: "50"}
# methods that stand in the folder of another one
HOUSED = {"token-labeler": "classifier", "token-student": "classifier"}
NECKS = {"fpn": "FPN", "sfp": "mmfan.SimpleFeaturePyramid"}
ADDRESSES = [name for name in own_configs() if ADDRESS.fullmatch(name)]
# Of 0.2.0. None may go: they stand in users' configs, scripts and results.
GIVEN = [
    "alternet-50_classifier_1xb128-300e_imagenet-224x224",
    "alternet-50_segformer_8xb1-160k_cityscapes-1024x1024",
    "alternet-50_upernet_8xb1-160k_cityscapes-1024x1024",
    "cascade-rcnn_r50_bccd",
    "fan-b-hybrid_cascade-mask-rcnn_fpn_8xb2-36e_coco",
    "fan-b-hybrid_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-b-hybrid-tap_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-b-vit_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-l-hybrid_cascade-mask-rcnn_fpn_8xb2-36e_coco",
    "fan-l-hybrid_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-l-vit_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-s-hybrid_cascade-mask-rcnn_fpn_8xb2-36e_coco",
    "fan-s-hybrid_dino-4scale_8xb2-36e_coco",
    "fan-s-hybrid_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-s-vit_mask-rcnn_sfp_8xb2-36e_coco",
    "fan-s-vit_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-t-hybrid_cascade-mask-rcnn_fpn_8xb2-36e_coco",
    "fan-t-hybrid_mask-rcnn_fpn_8xb2-36e_coco",
    "fan-t-hybrid_mmseg-segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024_augmix",
    "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024_cwfa",
    "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024_robust",
    "fan-t-swin_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-t-swin_upernet_8xb1-160k_cityscapes-1024x1024",
    "fan-t-vit_segformer_8xb1-160k_cityscapes-1024x1024",
    "fan-b-hybrid_classifier_32xb64-300e_imagenet-224x224",
    "fan-b-vit_classifier_32xb64-300e_imagenet-224x224",
    "fan-l-hybrid_classifier_32xb64-300e_imagenet-224x224",
    "fan-l-vit_classifier_32xb32-300e_imagenet-224x224",
    "fan-s-hybrid_classifier_32xb64-300e_imagenet-224x224",
    "fan-s-hybrid_token-labeler_8xb128-350e_imagenet-224x224",
    "fan-s-hybrid_token-student_8xb128-350e_imagenet-224x224",
    "fan-s-vit_classifier_32xb32-300e_imagenet-224x224",
    "fan-t-hybrid_classifier_32xb32-300e_imagenet-224x224",
    "fan-t-hybrid_token-labeler_8xb128-350e_imagenet-224x224",
    "fan-t-hybrid_token-student_8xb128-350e_imagenet-224x224",
    "fan-t-swin_classifier_32xb32-300e_imagenet-224x224",
    "fan-t-vit_classifier_32xb128-300e_imagenet-224x224",
    "fan_cascade_mask_rcnn_coco",
    "fan_cascade_rcnn_bccd",
    "fan_cascade_rcnn_bccd_robust",
    "fan_classifier_imagenette",
    "fan_classifier_mini",
    "fan_mask_rcnn_mini",
    "fan_segformer_camvid",
    "fan_segformer_camvid_augmix",
    "fan_segformer_camvid_cwfa",
    "fan_segformer_camvid_robust",
    "fan_segformer_camvid_shape",
    "fan_segformer_camvid_textures",
    "fan_segformer_camvid_yardstick",
    "fan_segformer_cityscapes",
    "fan_segformer_mini",
    "segformer_mit-b0_camvid",
    "segformer_mit-b0_camvid_augmix",
    "segformer_mit-b0_camvid_cwfa",
    "segformer_mit-b0_camvid_robust",
    "segformer_r18_camvid",
    "segformer_r18_camvid_augmix",
    "segformer_r18_camvid_cwfa",
    "segformer_r18_camvid_robust",
]


def test_names_once_given_stay():
    assert set(GIVEN) <= set(own_configs())
    assert own_configs()["fan_segformer_cityscapes"] == config_folder() / "fan_segformer_cityscapes.py"


def test_every_name_follows_the_rule():
    short = set(config_index()["short"])
    others = [name for name in own_configs() if OTHERS.fullmatch(name)]
    rest = set(own_configs()) - {*ADDRESSES, *short, *others}
    assert [name for name in rest if not SHORT.fullmatch(name)] == []
    assert (len(rest), len(others)) == (24, 7)  # the small sets


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_name_stands_in_the_folder_of_its_family_and_method(name):
    part = ADDRESS.fullmatch(name)
    family, folder = part["algorithm"].split("-")[0], own_configs()[name].parent.name
    method = folder.removeprefix(family).strip("_").replace("_", "-")
    assert folder.startswith(family)
    assert method in (
        "",
        HOUSED.get(part["method"]),
        part["method"],
        part["method"].removeprefix("mmseg-"),
        part["method"].split("-")[0],
    )


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_name_says_what_is_trained(name):
    part, config = ADDRESS.fullmatch(name), load_config(name)
    backbone = config.model.get("network", config.model).backbone
    assert (backbone.type, backbone.arch) == (BACKBONES[part["kind"]], SIZES[part["size"]])
    assert config.train_dataloader.batch_size == int(part["pictures"])
    if "auto_scale_lr" in config:  # mmsegmentation's own recipe has none
        assert config.auto_scale_lr.base_batch_size == int(part["gpus"]) * int(part["pictures"])
    if part["unit"] == "k":
        assert config.train_cfg.max_iters == 1000 * int(part["length"])
    else:
        assert config.train_cfg.max_epochs == int(part["length"])
    if part["neck"]:
        assert config.model.neck.type == NECKS[part["neck"]]
    data = config.train_dataloader.dataset
    assert part["data"] in data.get("dataset", data).data_root
    if part["crop"]:
        assert config.crop_size == (int(part["crop"]), int(part["crop"]))
