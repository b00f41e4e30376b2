"""Every detection config loads, its model is one whose parts fit together, and the recipe is the published one."""

import copy
from pathlib import Path

import pytest
import torch

pytest.importorskip("mmdet")
from helpers.tiny_mask_rcnn import batch
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import MODELS, TRANSFORMS, DefaultScope

from mmfan.apis import load_config
from mmfan.apis.amp import float32_operators
from mmfan.utils.configs import own_configs

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "configs"
FAMILY = [f"fan-{size}-hybrid_cascade-mask-rcnn_fpn_8xb2-36e_coco" for size in "tsbl"]
OTHERS = [
    "fan-t-hybrid_mask-rcnn_fpn_8xb2-36e_coco",
    "fan-s-vit_mask-rcnn_sfp_8xb2-36e_coco",
    "fan-s-hybrid_dino-4scale_8xb2-36e_coco",
]
MINI = "fan_mask_rcnn_mini"
NAMES = [*FAMILY, *OTHERS, MINI]
TINY = {
    "mmfan.FANHybrid": {"embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 1)},
    "mmfan.FAN": {"embed_dims": 32, "depth": 2, "num_heads": 4},
}


def build(model):
    """The model without memory for its weights: shapes are all that is looked at."""
    with DefaultScope.overwrite_default_scope("mmdet"), torch.device("meta"):
        return MODELS.build(copy.deepcopy(model))


def watch_regions(detector):
    """A list that grows by whether each map given to RoIAlign lies in memory in the order of its axes."""
    seen = []
    for module in detector.modules():
        if type(module).__name__ == "RoIAlign":
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].is_contiguous()))
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_backbone_and_neck_fit(name):
    cfg = load_config(FOLDER / f"{name}.py")
    model = build(cfg.model)
    wanted = cfg.model.neck.in_channels
    assert list(model.backbone.out_channels) == (wanted if isinstance(wanted, list) else [wanted])
    assert cfg.model.data_preprocessor.pad_size_divisor % model.backbone.stride == 0
    assert cfg.default_scope == "mmdet"
    assert cfg.randomness.seed == 0
    assert cfg.train_dataloader.dataset.type == cfg.test_dataloader.dataset.type == "mmfan.CocoDataset"
    assert model.backbone.with_cp == (name != MINI)
    with DefaultScope.overwrite_default_scope("mmdet"):
        for loader in (cfg.train_dataloader, cfg.test_dataloader):
            for step in loader.dataset.pipeline:
                TRANSFORMS.build(copy.deepcopy(step))


@pytest.mark.parametrize("name", NAMES)
def test_at_most_one_level_over_base(name):
    lines = own_configs()[name].read_text().splitlines()
    bases = [line for line in lines if '.py"' in line and not line.startswith("#")]
    assert bases
    assert all("/_base_/" in line or "mmdet::" in line for line in bases)


@pytest.mark.parametrize("name", [NAMES[0], *OTHERS])
def test_one_of_each_kind_learns_and_predicts(name):
    """With a tiny backbone of the same family and the config's own neck, heads and losses."""
    model = load_config(FOLDER / f"{name}.py").model
    backbone = model.backbone
    backbone.update(arch=TINY[backbone.type], init_cfg=None, drop_path_rate=0.0)
    widths = build(backbone).out_channels
    model.neck.in_channels = widths[0] if isinstance(model.neck.in_channels, int) else list(widths)
    if model.type == "DINO":
        model.update(num_queries=30)
        model.encoder.num_layers, model.decoder.num_layers = 1, 2
    else:  # fewer regions
        model.train_cfg.rpn_proposal.update(nms_pre=100, max_per_img=20)
        model.test_cfg.rpn.update(nms_pre=100, max_per_img=10)
        stages = model.train_cfg.rcnn
        for stage in stages if isinstance(stages, list) else [stages]:
            stage.sampler.num = 8
    with DefaultScope.overwrite_default_scope("mmdet"):
        detector = revert_sync_batchnorm(MODELS.build(model)).train()
        detector.init_weights()  # some of DINO's embeddings are whatever the memory held before
        regions = watch_regions(detector)
        inputs = batch(64, 96, masks="dino" not in name)
        data = detector.data_preprocessor(inputs, training=True)
        losses = detector.loss(data["inputs"], data["data_samples"])
        total = sum(part.sum() for value in losses.values() for part in (value if isinstance(value, list) else [value]))
        assert total.isfinite()
        total.backward()
        first = next(detector.backbone.patch_embed.parameters())
        assert first.grad.abs().sum() > 0
        with float32_operators(detector), torch.autocast("cpu", torch.bfloat16):
            halved = detector.loss(data["inputs"], data["data_samples"])
        assert halved.keys() == losses.keys()
        with torch.no_grad():
            (result,) = detector.eval().predict(data["inputs"], data["data_samples"])
    found = result.pred_instances
    assert found.bboxes.shape[1] == 4
    assert ("masks" in found) == ("dino" not in name)
    assert bool(regions) == ("dino" not in name)
    assert all(regions)  # mmcv's RoIAlign reads anything else as noise


def test_the_published_recipe():
    cfg = load_config(FOLDER / "fan_cascade_mask_rcnn_coco.py")
    backbone = cfg.model.backbone
    assert (backbone.arch, backbone.drop_path_rate, backbone.with_cp, backbone.final_downsample) == (
        "small", 0.3, True, True,
    )  # fmt: skip
    assert cfg.model.neck.in_channels == [128, 256, 384, 768]
    heads = cfg.model.roi_head.bbox_head
    stds = [head.bbox_coder.target_stds for head in heads]
    assert stds == [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1], [0.033, 0.033, 0.067, 0.067]]
    for head in heads:
        assert (head.num_shared_convs, head.num_shared_fcs, head.norm_cfg.type) == (4, 1, "SyncBN")
        assert (head.reg_class_agnostic, head.reg_decoded_bbox) == (False, True)
        assert (head.loss_bbox.type, head.loss_bbox.loss_weight) == ("GIoULoss", 10.0)
    assert cfg.model.roi_head.stage_loss_weights == [1, 0.5, 0.25]
    assert [stage.assigner.pos_iou_thr for stage in cfg.model.train_cfg.rcnn] == [0.5, 0.6, 0.7]
    assert cfg.model.rpn_head.anchor_generator.scales == [8]
    assert cfg.model.rpn_head.anchor_generator.strides == [4, 8, 16, 32, 64]
    rcnn = cfg.model.test_cfg.rcnn
    assert (rcnn.score_thr, rcnn.nms.iou_threshold, rcnn.max_per_img) == (0.05, 0.5, 100)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ("AdamW", 1e-4, 0.05)
    assert cfg.optim_wrapper.paramwise_cfg.norm_decay_mult == 0
    warm_up, steps = cfg.param_scheduler
    assert (warm_up.start_factor, warm_up.end, steps.milestones) == (0.001, 500, [27, 33])
    assert cfg.train_cfg.max_epochs == 36
    whole, cropped = cfg.train_dataloader.dataset.pipeline[3].transforms
    shorts = [(short, 1333) for short in (480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800)]
    assert whole[0].scales == cropped[2].scales == shorts
    assert cropped[0].scales == [(400, 1333), (500, 1333), (600, 1333)]
    assert cropped[1].crop_size == (384, 600)
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size


def test_weights_and_taps_of_the_family():
    found = {}
    for name in FAMILY:
        backbone = load_config(FOLDER / f"{name}.py").model.backbone
        found[backbone.arch] = (build(backbone).out_indices, backbone.init_cfg.checkpoint.rsplit("/", 1)[1])
    assert found == {
        "tiny": ((7,), "fan_hybrid_tiny.pth.tar"),
        "small": ((9,), "fan_hybrid_small.pth.tar"),
        "base": ((15,), "fan_hybrid_base.pth.tar"),
        "large": ((18,), "fan_hybrid_large_in22k_1k.pth.tar"),
    }


def test_the_miniature_agrees_with_its_set():
    from mmfan.datasets.miniature.sets.coco_objects import CATEGORIES

    cfg = load_config(FOLDER / f"{MINI}.py")
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert list(loader.dataset.metainfo.classes) == list(CATEGORIES)
        assert len(loader.dataset.metainfo.palette) == len(CATEGORIES)
    assert cfg.model.roi_head.bbox_head.num_classes == cfg.model.roi_head.mask_head.num_classes == len(CATEGORIES)
    assert max(step["end"] for step in cfg.param_scheduler) == cfg.train_cfg.max_iters
