"""Taking parts out of backbones: what is listed, and that skipping is skipping."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from mmfan.analysis.branches import Unit, list_units, removed
from mmfan.analysis.options import AnalysisError

TINY = {
    "fan": {"type": "mmfan.FAN", "arch": {"embed_dims": 32, "depth": 2, "num_heads": 4}, "out_indices": (1,)},
    "hybrid": {
        "type": "mmfan.FANHybrid", "out_indices": (1,),
        "arch": {"embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 2)},
    },
    "mit": {"type": "mmseg.MixVisionTransformer", "embed_dims": 16, "num_layers": [1, 1, 1, 2]},
    "swin": {
        "type": "mmseg.SwinTransformer", "embed_dims": 24, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2],
        "window_size": 4,
    },
    "alternet": {"type": "mmfan.AlterNet", "arch": 18},
    "fan_swin": {
        "type": "mmfan.FANSwin",
        "arch": {"embed_dims": 24, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)},
    },
    "resnet": {"type": "mmseg.ResNetV1c", "depth": 18, "base_channels": 16, "stem_channels": 16},
}  # fmt: skip


def build(name):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(TINY[name])
    model.eval()  # some backbones return nothing from it
    return model


def outputs(model, picture):
    with torch.no_grad():
        return model(picture)


@pytest.fixture
def picture():
    return torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))


def test_units_of_fan():
    assert [(unit.name, unit.kind, unit.stride) for unit in list_units(build("fan"))] == [
        ("blocks.0.attn", "token", 16), ("blocks.0.mlp", "channel", 16),
        ("blocks.1.attn", "token", 16), ("blocks.1.mlp", "channel", 16),
    ]  # fmt: skip
    assert [unit.kind for unit in list_units(build("fan"), "blocks")] == ["block", "block"]


def test_units_of_a_hybrid_begin_with_its_convolutions():
    units = list_units(build("hybrid"))
    assert [unit.kind for unit in units] == ["conv"] * 3 + ["token", "channel"] * 2
    assert [unit.stride for unit in units] == [4, 8, 8, 16, 16, 16, 16]


def test_units_of_others():
    assert len(list_units(build("mit"))) == 10
    assert {unit.kind for unit in list_units(build("swin"))} == {"token", "channel"}
    # layouts CC / CM / CM / CM: blocks that only attend are skipped whole
    assert [(unit.kind, unit.stride) for unit in list_units(build("alternet"))] == [
        ("conv", 4),
        ("conv", 4),
        ("attention", 8),
        ("attention", 16),
        ("attention", 32),
    ]
    # attention sees windows, its stride is that of the map
    assert [unit.stride for unit in list_units(build("fan_swin"))] == [4, 4, 8, 8, 16, 16, 32, 32]
    # the first blocks of stages 2 to 4 change the shape, and stay
    names = [unit.name for unit in list_units(build("resnet"))]
    assert names == ["layer1.0", "layer1.1", "layer2.1", "layer3.1", "layer4.1"]


@pytest.mark.parametrize("name", list(TINY))
def test_taking_out_changes_the_outputs_and_putting_back_restores_them_bit_for_bit(name, picture):
    model = build(name)
    if name == "hybrid":
        for parameter_name, value in model.named_parameters():
            if parameter_name.endswith("gamma"):
                value.data.fill_(1.0)  # as built, the convolutional branches are silent
    before = outputs(model, picture)
    hooks = sum(len(module._forward_hooks) for module in model.modules())
    units = list_units(model)
    for unit in units:
        with removed(model, unit):
            without = outputs(model, picture)
        assert any(not torch.equal(one, other) for one, other in zip(before, without, strict=True)), unit.name
        assert [part.shape for part in without] == [part.shape for part in before]
    for one, other in zip(before, outputs(model, picture), strict=True):
        assert torch.equal(one, other)
    assert sum(len(module._forward_hooks) for module in model.modules()) == hooks


@pytest.mark.parametrize(("branch", "gamma"), [("attn", "gamma1"), ("mlp", "gamma2")])
def test_skipping_a_branch_is_setting_its_gamma_to_zero(branch, gamma, picture):
    model = build("fan")
    unit = next(unit for unit in list_units(model) if unit.name == f"blocks.1.{branch}")
    with removed(model, unit):
        skipped = outputs(model, picture)
    getattr(model.blocks[1], gamma).data.zero_()
    for one, other in zip(skipped, outputs(model, picture), strict=True):
        assert torch.equal(one, other)


def test_skipping_both_branches_is_skipping_the_block(picture):
    model = build("mit")
    names = {unit.name: unit for unit in list_units(model)}
    block = next(unit for unit in list_units(model, "blocks") if unit.name == "layers.3.1.1")
    with removed(model, names["layers.3.1.1.attn"]), removed(model, names["layers.3.1.1.ffn"]):
        branches = outputs(model, picture)
    with removed(model, block):
        whole = outputs(model, picture)
    for one, other in zip(branches, whole, strict=True):
        assert torch.equal(one, other)


def test_the_hook_goes_after_an_error(picture):
    model = build("fan")
    unit = list_units(model)[0]
    with pytest.raises(RuntimeError, match="stop"), removed(model, unit):
        raise RuntimeError("stop")
    assert not model.blocks[0].attn._forward_hooks


def test_bad_input():
    with (
        pytest.raises(AnalysisError, match=r"no module 'blocks\.9\.attn'"),
        removed(build("fan"), Unit("blocks.9.attn", "blocks.9.attn", "token")),
    ):
        pass
    with pytest.raises(AnalysisError, match="Conv2d has no residual block"):
        list_units(torch.nn.Conv2d(3, 4, 1))
