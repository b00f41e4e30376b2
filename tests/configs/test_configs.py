"""Every segmentation config loads, and its model is one whose parts fit together."""

import copy
import re
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner

from mmfan.apis import load_config
from mmfan.utils.configs import own_configs

FOLDER = Path(__file__).parents[2] / "configs"
# the detectors have a module of their own
EXPERIMENTS = sorted(
    path
    for path in own_configs().values()
    if path.stem != "fan_segformer_cityscapes"
    and "rcnn" not in path.stem
    and not any(mark in path.read_text() for mark in ("detection_runtime", "classification_runtime", "mmdet::"))
)
FAMILY = [
    f"fan-{size}_segformer_8xb1-160k_cityscapes-1024x1024"
    for size in ("t-hybrid", "t-vit", "s-hybrid", "s-vit", "b-hybrid", "b-vit", "l-hybrid", "l-vit")
]
PROBES = ("fan_linear_probe_camvid", "linear_probe_mit-b0_camvid")
NAMES = [path.stem for path in EXPERIMENTS]


def build(model):
    """The model without memory for its weights: shapes are all that is looked at."""
    with DefaultScope.overwrite_default_scope("mmseg"), torch.device("meta"):
        return MODELS.build(copy.deepcopy(model))


def test_the_promised_configs_are_there():
    entries = ["fan_segformer_mini", "fan_segformer_camvid"]
    assert len(EXPERIMENTS) >= 12
    assert (FOLDER / "fan_segformer_cityscapes.py").is_file()
    assert set(FAMILY) | set(entries) <= set(NAMES)


def test_the_rival_on_camvid_differs_in_the_model_only():
    ours, rival = (load_config(FOLDER / f"{name}_camvid.py") for name in ("fan_segformer", "segformer_mit-b0"))
    for key in ("train_dataloader", "val_dataloader", "optim_wrapper", "param_scheduler", "train_cfg", "randomness"):
        assert ours[key] == rival[key], key
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(copy.deepcopy(rival.model)).eval()
    assert model(torch.zeros(1, 3, 64, 96), mode="tensor").shape == (1, 19, 16, 24)


@pytest.mark.slow
def test_the_probes_differ_in_the_backbone_only():
    ours, rival = (load_config(FOLDER / "linear_probe" / f"{name}.py") for name in PROBES)
    for key in ("train_dataloader", "val_dataloader", "optim_wrapper", "param_scheduler", "train_cfg", "randomness"):
        assert ours[key] == rival[key], key
    for cfg in (ours, rival):
        with DefaultScope.overwrite_default_scope("mmseg"):
            model = MODELS.build(copy.deepcopy(cfg.model))
        assert list(model.backbone.out_channels) == model.decode_head.in_channels
        assert [name for name, one in model.named_parameters() if one.requires_grad] == [
            name for name, _ in model.named_parameters() if name.startswith("decode_head.")
        ]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=NAMES)
@pytest.mark.slow
def test_backbone_and_head_fit(path):
    cfg = load_config(path)
    inner = cfg.model.backbone.get("backbone", cfg.model.backbone)  # of a linear probe
    if not inner.type.startswith("mmfan."):
        pytest.skip("not mmfan's backbone")
    model = build(cfg.model)
    head = model.decode_head
    assert head.num_classes == 19
    assert [model.backbone.out_channels[i] for i in head.in_index] == list(head.in_channels)
    crop = cfg.model.data_preprocessor["size"]
    assert all(side % model.backbone.stride == 0 for side in crop)
    scheduled = [step["end"] for step in cfg.param_scheduler]
    assert max(scheduled) == cfg.train_cfg.max_iters
    assert cfg.randomness.seed == 0


@pytest.mark.parametrize(
    ("name", "stride"), [(FAMILY[0], 4), (FAMILY[1], 16), ("fan-t-hybrid_mmseg-" + FAMILY[0].split("_", 1)[1], 4)]
)
@pytest.mark.slow
def test_smallest_of_each_kind_predicts(name, stride):
    cfg = load_config(FOLDER / f"{name}.py")
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(copy.deepcopy(cfg.model)).eval()
    with torch.no_grad():
        logits = model(torch.zeros(1, 3, 64, 96), mode="tensor")
    assert logits.shape == (1, 19, 64 // stride, 96 // stride)
    assert logits.isfinite().all()


@pytest.mark.parametrize("path", EXPERIMENTS, ids=NAMES)
def test_at_most_one_level_over_base(path):
    bases = [line for line in path.read_text().splitlines() if '.py"' in line and not line.startswith("#")]
    assert bases
    if re.search(
        "_(cwfa|augmix|robust|shape|textures)$|hybrid-tap_|_r18_", path.stem
    ):  # a change of a config of the same folder
        assert [line for line in bases if line.startswith("_base_ = ")] == bases
        return
    assert all("/_base_/" in line or "mmseg::" in line for line in bases)


def test_the_published_recipe():
    cfg = load_config(FOLDER / "fan_segformer_cityscapes.py")
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.betas, optimizer.weight_decay) == (
        "AdamW",
        6e-5,
        (0.9, 0.999),
        0.01,
    )
    warm_up, decay = cfg.param_scheduler
    assert (warm_up.start_factor, warm_up.end, decay.power, decay.eta_min) == (1e-6, 1500, 1.0, 0.0)
    assert (cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == (160000, 4000)
    assert cfg.model.test_cfg == {"mode": "slide", "crop_size": (1024, 1024), "stride": (768, 768)}
    assert (cfg.model.backbone.arch, cfg.model.backbone.pos_rounding, cfg.model.decode_head.embed_dim) == (
        "small",
        None,
        768,
    )
    assert cfg.model.backbone.init_cfg.checkpoint.endswith("/v1.0.0/fan_hybrid_small.pth.tar")
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size


def test_rates_and_decays_of_the_parameter_groups():
    """Rate x10 in the head, no decay on norms, nothing that the dense outputs do not depend on."""
    cfg = load_config(FOLDER / f"{FAMILY[0]}.py")
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = build(cfg.model)
        runner = Runner.__new__(Runner)
        runner.model = model
        wrapper = Runner.build_optim_wrapper(runner, copy.deepcopy(cfg.optim_wrapper))
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = {names[group["params"][0]]: group for group in wrapper.optimizer.param_groups}
    assert len(groups) == sum(parameter.requires_grad for parameter in model.parameters())
    for name, group in groups.items():
        assert group["lr"] == pytest.approx(6e-4 if name.startswith("decode_head") else 6e-5), name
    assert groups["backbone.blocks.0.norm1.weight"]["weight_decay"] == 0
    assert groups["decode_head.fuse_norm.weight"]["weight_decay"] == 0
    assert groups["backbone.blocks.0.attn.q.weight"]["weight_decay"] == 0.01
    assert "backbone.cls_token" not in groups


def test_place_of_camvid_comes_from_the_variable(monkeypatch):
    monkeypatch.setenv("MMFAN_CAMVID", "/some/where")
    assert load_config(FOLDER / "fan_segformer_camvid.py").train_dataloader.dataset.data_root == "/some/where"
    monkeypatch.delenv("MMFAN_CAMVID")
    assert load_config(FOLDER / "fan_segformer_camvid.py").test_dataloader.dataset.data_root == "data/camvid"


def test_mim_finds_each_config_by_the_name_of_its_file():
    """``mim train mmfan NAME.py`` looks through the installed package, with all its folders, for one file so named."""
    package = FOLDER.parent / "mmfan"
    names = [path.name for root in (FOLDER, FOLDER.parent / "tools", package) for path in root.rglob("*")]
    for path in FOLDER.rglob("*.py"):
        if "_base_" not in path.parts:
            assert names.count(path.name) == 1
