"""Linear probes of any backbone train, and leave every byte of it as it was."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from models.test_taps import BACKBONES

from mmfan.errors import MMFanError

WITH_PARTS = ("fan", "hybrid", "mit", "swin", "resnet")


def build(backbone, last, in_channels=None):
    """A segmentor around a frozen backbone; in_channels are looked up where none are given."""
    torch.manual_seed(0)
    frozen = {"type": "mmfan.FrozenBlocks", "backbone": copy.deepcopy(backbone), "last": last}
    with DefaultScope.overwrite_default_scope("mmseg"):
        widths = in_channels or MODELS.build(copy.deepcopy(frozen)).out_channels
        head = {"type": "mmfan.LinearProbeHead", "in_channels": list(widths), "num_classes": 3}
        model = MODELS.build(
            ConfigDict(type="EncoderDecoder", backbone=frozen, decode_head=head, test_cfg={"mode": "whole"})
        )
        model.init_weights()
    return model


def labelled(size):
    from mmseg.structures import SegDataSample

    sample = SegDataSample(metainfo={"img_shape": size, "ori_shape": size})
    sample.gt_sem_seg = PixelData(data=torch.randint(0, 3, (1, *size)))
    return sample


@pytest.mark.parametrize("last", [1, 4, "all"])
@pytest.mark.parametrize("name", WITH_PARTS)
def test_the_head_learns_and_the_backbone_keeps_every_byte(name, last):
    if name == "fan" and last == 4:
        last = 2  # it has two blocks
    model = build({**BACKBONES[name], "drop_path_rate": 0.5} if name != "resnet" else BACKBONES[name], last)
    model.train()
    assert not any(module.training for module in model.backbone.backbone.modules())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(2):
        losses = model.loss(torch.rand(2, 3, 64, 96), [labelled((64, 96)) for _ in range(2)])
        optimiser.zero_grad()
        losses["decode.loss_ce"].backward()
        optimiser.step()
    assert all(parameter.grad is None for parameter in model.backbone.parameters())
    after = model.state_dict()
    for key, value in before.items():  # weights, and statistics of batch norms
        assert torch.equal(value, after[key]) is key.startswith("backbone."), key


@pytest.mark.parametrize("name", WITH_PARTS)
def test_outputs_are_what_they_are_said_to_be(name):
    model = build(BACKBONES[name], "all").backbone
    maps = model(torch.rand(1, 3, 64, 96))
    assert tuple(one.shape[1] for one in maps) == model.out_channels
    assert tuple(64 // one.shape[2] for one in maps) == model.out_strides
    assert model.stride == getattr(model.backbone, "stride", 1)


def test_blocks_by_name():
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(
            {"type": "mmfan.FrozenBlocks", "backbone": BACKBONES["resnet"], "blocks": ["layer4.1", "layer1.0"]}
        )
        assert (model.out_channels, model.out_strides) == ((64, 512), (4, 32))
        with pytest.raises(MMFanError, match="no block 'layer9'"):
            _ = MODELS.build(
                {"type": "mmfan.FrozenBlocks", "backbone": BACKBONES["resnet"], "blocks": ["layer9"]}
            ).out_channels
        with pytest.raises(MMFanError, match="Expected the config of a backbone, a dict with `type`, got 'resnet'"):
            MODELS.build({"type": "mmfan.FrozenBlocks", "backbone": "resnet"})


PROBE = """
_base_ = "{tiny}"
model = dict(
    backbone=dict(
        _delete_=True,
        type="mmfan.FrozenBlocks",
        backbone=dict(
            type="mmfan.FANHybrid",
            arch=dict(embed_dims=32, depth=2, num_heads=4, stem_depths=(1, 1)),
            out_indices=(1,),
            pos_rounding=None,
            init_cfg=dict(type="Pretrained", checkpoint="{checkpoint}", prefix="backbone."),
        ),
        last=2,
    ),
    decode_head=dict(_delete_=True, type="mmfan.LinearProbeHead", in_channels=[32, 32], num_classes=19),
)
"""


@pytest.mark.process
@pytest.mark.slow
def test_a_run_starts_from_a_trained_file_resumes_and_ends_with_the_same_backbone(tmp_path):
    from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

    from mmfan.apis.config import load_config
    from mmfan.apis.runner import build_runner

    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"))
    write_checkpoint(tmp_path / "tiny.pth", config)
    (tmp_path / "probe.py").write_text(PROBE.format(tiny=config, checkpoint=tmp_path / "tiny.pth"))

    def train(work, iterations, **more):
        cfg = load_config(tmp_path / "probe.py")
        cfg.train_cfg.max_iters = iterations
        cfg.merge_from_dict(more)
        runner = build_runner(cfg, work_dir=tmp_path / work)
        runner.train()
        return runner.model.state_dict()

    whole = train("whole", 4)
    train("parts", 2)
    resumed = train("parts", 4, resume=True)
    trained = torch.load(tmp_path / "tiny.pth", weights_only=False)["state_dict"]
    for key, value in whole.items():
        if key.startswith("backbone.backbone."):
            assert torch.equal(value, trained[key.removeprefix("backbone.")]), key
        torch.testing.assert_close(resumed[key], value, msg=key)
    assert whole["decode_head.norms.0.num_batches_tracked"] == 4
