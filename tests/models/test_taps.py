"""Taps are found in any backbone, read what the model computes, and leave it as it was."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmfan.models.taps import TapError, TapRecorder, eval_mode, find_tap, list_taps

TINY = {"embed_dims": 32, "depth": 2, "num_heads": 4}
BACKBONES = {
    "fan": {"type": "mmfan.FAN", "arch": TINY, "out_indices": (0, 1)},
    "hybrid": {"type": "mmfan.FANHybrid", "arch": {**TINY, "stem_depths": (1, 2)}, "out_indices": (1,)},
    "fan-swin": {
        "type": "mmfan.FANSwin",
        "arch": {"embed_dims": 32, "depths": (1, 1, 2, 1), "num_heads": (1, 2, 2, 4)},
    },
    "alternet": {"type": "mmfan.AlterNet", "arch": "18"},
    "mit": {
        "type": "MixVisionTransformer", "embed_dims": 32, "num_layers": [1, 1, 1, 2], "num_heads": [1, 2, 5, 8],
    },
    "swin": {"type": "SwinTransformer", "embed_dims": 32, "depths": [1, 1, 2, 1], "num_heads": [1, 1, 2, 2]},
    "resnet": {"type": "ResNet", "depth": 18},
    "vit": {
        "type": "VisionTransformer", "img_size": (64, 96), "num_layers": 2, "embed_dims": 48, "num_heads": 3,
        "out_indices": (0, 1),
    },
}  # fmt: skip
# kinds in order of depth, the outputs left out: s embed, c conv, t token, m channel
KINDS = {
    "fan": "stmtm",
    "hybrid": "cccstmtm",
    "fan-swin": "stmstmstmtmstm",
    "alternet": "sccctctct",
    "mit": "stmstmstmstmtm",
    "swin": "stmstmstmtmstm",
    "resnet": "scccccccc",
    "vit": "stmtm",
}
LETTERS = {"embed": "s", "conv": "c", "token": "t", "channel": "m"}


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(BACKBONES[name])


@pytest.mark.parametrize("name", BACKBONES)
def test_taps_of_every_backbone_give_maps_of_their_stride_and_width(name: str) -> None:
    model = build(name)
    taps = list_taps(model)
    assert "".join(LETTERS[tap.kind] for tap in taps if tap.kind != "output") == KINDS[name]
    model.eval()
    with torch.no_grad(), TapRecorder(model, taps) as recorder:
        outputs = model(torch.rand(2, 3, 64, 96))
        features = dict(recorder.features)
    assert set(features) == {tap.name for tap in taps}
    for tap in taps:
        assert features[tap.name].map.shape == (2, tap.width, 64 // tap.stride, 96 // tap.stride), tap
        assert torch.equal(features[tap.name].tokens[1, 1], features[tap.name].map[1, :, 0, 1])
    for index, output in enumerate(outputs):
        assert torch.equal(features[f"out{index}"].map, output)


def test_sides_that_strides_do_not_divide() -> None:
    model = build("mit").eval()
    tap = find_tap(model, "layers.3.1.0.token")
    with torch.no_grad(), TapRecorder(model, [tap]) as recorder:
        model(torch.rand(1, 3, 90, 70))
        assert recorder.features[tap.name].map.shape == (1, 256, 3, 3)


def test_state_after_token_mixing_is_what_the_block_computes() -> None:
    model = build("fan").eval()
    block = model.blocks[0]
    with torch.no_grad(), TapRecorder(model, list_taps(model, ["token", "channel"])) as recorder:
        model(torch.rand(1, 3, 32, 64))
        mixed, done = (recorder.features[f"blocks.0.{kind}"] for kind in ("token", "channel"))
        expected = mixed.tokens + block.gamma2 * block.mlp(block.norm2(mixed.tokens), (2, 4))
        torch.testing.assert_close(done.tokens, expected)


def test_the_model_is_left_as_it_was_even_after_an_error() -> None:
    model = build("hybrid").train()
    model.blocks[1].eval()
    modes = [module.training for module in model.modules()]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    taps = list_taps(model)
    with pytest.raises(ValueError, match="multiples of 16"), TapRecorder(model, taps):
        model(torch.rand(1, 3, 30, 30))
    assert [module.training for module in model.modules()] == modes
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    with eval_mode(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes


def test_names_are_relative_to_the_backbone_of_a_whole_model() -> None:
    model = nn.Module()
    model.backbone = build("resnet")
    tap = find_tap(model, "layer2.1")
    assert (tap.module, tap.kind, tap.stride, tap.width) == ("backbone.layer2.1", "conv", 8, 128)
    assert find_tap(model, "layer2.1.bn1").kind == "module"
    assert find_tap(model, "backbone.layer2.1.bn1").width == 128


def test_unknown_taps_name_the_nearest() -> None:
    model = build("fan")
    with pytest.raises(TapError, match=r"no tap 'blocks\.1\.tokens'; the nearest are blocks\.1\.token"):
        find_tap(model, "blocks.1.tokens")
    with pytest.raises(TapError, match="gives no tokens or map"):
        find_tap(model, "cls_attn_blocks.0.attn")  # dense prediction does not run it
    with pytest.raises(TapError, match="ResNet has no tap of the kinds token; it has conv, embed, output"):
        list_taps(build("resnet"), ["token"])
    with pytest.raises(TapError, match="no module 'layer1"), TapRecorder(model, list_taps(build("resnet"), ["conv"])):
        pass
