"""Arguments of the backbones: outputs, freezing, checkpointing, ablations, and what bad ones say."""

import pytest
import torch
from mmengine.model import PretrainedInit
from torch import nn

from mmfan.errors import MMFanError
from mmfan.models import FAN, FANHybrid
from mmfan.models.backbones.fan import default_out_indices
from mmfan.models.layers.checkpointing import RECOMPUTE
from mmfan.registry import MODELS

VIT = {"embed_dims": 32, "depth": 4, "num_heads": 4}
HYBRID = {"embed_dims": 32, "depth": 4, "num_heads": 4, "stem_depths": (1, 1)}
TAIL = {**HYBRID, "tail": {"embed_dims": 48, "depth": 2, "num_heads": 3}}


@pytest.mark.parametrize(
    ("family", "arch", "options", "channels", "strides"),
    [
        (FAN, VIT, {"out_indices": (0, 2)}, (32, 32, 32), (16, 16, 16)),
        (FAN, VIT, {"out_indices": (1,), "final_downsample": True}, (32, 768), (16, 32)),
        (FANHybrid, HYBRID, {}, (128, 256, 32, 32), (4, 8, 16, 16)),
        (FANHybrid, HYBRID, {"out_indices": ()}, (128, 256, 32), (4, 8, 16)),
        (FANHybrid, HYBRID, {"final_downsample": True}, (128, 256, 32, 768), (4, 8, 16, 32)),
        (FANHybrid, TAIL, {}, (128, 256, 32, 48), (4, 8, 16, 32)),
        (FANHybrid, TAIL, {"out_indices": (2, 3, 5)}, (128, 256, 32, 48, 48, 48), (4, 8, 16, 32, 32, 32)),
        (FANHybrid, TAIL, {"final_downsample": True}, (128, 256, 32, 48), (4, 8, 16, 32)),
        (FANHybrid, HYBRID, {"final_downsample": True, "out_levels": (1, 2, 3)}, (256, 32, 768), (8, 16, 32)),
        (FAN, VIT, {"out_indices": (0, 2), "out_levels": (2,)}, (32,), (16,)),
    ],
)
def test_published_channels_and_strides_are_what_comes_out(family, arch, options, channels, strides):
    model = family(arch=arch, **options).eval()
    assert (model.out_channels, model.out_strides) == (channels, strides)
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 64, 96))
    expected = [(2, c, 64 // s, 96 // s) for c, s in zip(channels, strides, strict=True)]
    assert [tuple(o.shape) for o in outputs] == expected


@pytest.mark.slow
def test_default_taps():
    assert [default_out_indices(depth) for depth in (12, 18, 24)] == [(4, 7, 11), (5, 11, 17), (7, 15, 23)]
    with torch.device("meta"):
        taps = {arch: FANHybrid(arch=arch).out_indices for arch in ("tiny", "small", "base", "large")}
        xlarge = FANHybrid(arch="xlarge")
    assert taps == {"tiny": (7,), "small": (9,), "base": (15,), "large": (18,)}
    assert (xlarge.out_channels, xlarge.out_strides) == ((128, 256, 528, 768), (4, 8, 16, 32))


def test_tap_is_the_block_and_not_another_one():
    model = FANHybrid(arch=HYBRID, out_indices=(0, 1, 2, 3)).eval()
    taken = {}
    for i, block in enumerate(model.blocks):
        block.register_forward_hook(lambda _, __, out, i=i: taken.update({i: out[0]}))
    outputs = model(torch.randn(1, 3, 32, 32))
    for i in range(4):
        torch.testing.assert_close(outputs[2 + i].flatten(2).transpose(1, 2), taken[i])


@pytest.mark.parametrize("family", ["FAN", "FANHybrid"])
@pytest.mark.parametrize("mixer", ["eca", "xca", "se", "mlp"])
def test_every_used_parameter_learns_and_no_other(family, mixer):
    model = MODELS.build(
        {
            "type": family,
            "arch": HYBRID if family == "FANHybrid" else VIT,
            "channel_mixer": mixer,
            "drop_path_rate": 0.0,
        }
    ).train()
    for name, parameter in model.named_parameters():
        if name.endswith("gamma"):  # ConvNeXt starts at 1e-6, where gradients drown in rounding
            nn.init.ones_(parameter)
    sum(o.square().mean() for o in model(torch.randn(2, 3, 64, 64))).backward()
    unused = {id(p) for p in model.unused_in_dense()}
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (id(parameter) not in unused), name
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_unused_parameters_stay_out_of_the_optimiser():
    from mmengine.optim import build_optim_wrapper

    model = FANHybrid(arch=HYBRID)
    before = {n: p.clone() for n, p in model.named_parameters()}
    optimiser = {"type": "AdamW", "lr": 0.1, "weight_decay": 0.5}
    wrapper = build_optim_wrapper(
        model, {"type": "OptimWrapper", "optimizer": optimiser, "paramwise_cfg": {"norm_decay_mult": 0.0}}
    )
    unused = {id(p) for p in model.unused_in_dense()}
    wrapper.update_params(sum(o.square().mean() for o in model(torch.randn(1, 3, 32, 32))))
    held = {id(p) for p in wrapper.optimizer.state}
    assert not held & unused
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (id(parameter) in unused), name


@pytest.mark.parametrize("kind", ["Pretrained", PretrainedInit, "mmengine.model.PretrainedInit"])
def test_files_of_weights_are_read_however_the_type_is_written(tmp_path, kind):
    trained = FAN(arch=VIT)
    state = {f"backbone.{name}": value for name, value in trained.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "trained.pth")
    plan = {"type": kind, "checkpoint": str(tmp_path / "trained.pth"), "prefix": "backbone.", "ema": False}
    model = FAN(arch=VIT, init_cfg=plan)
    model.init_weights()
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in model.state_dict().items())
    assert model.init_cfg == plan


@pytest.mark.parametrize("family", [FAN, FANHybrid])
def test_checkpointing_changes_nothing(family):
    arch = HYBRID if family is FANHybrid else VIT
    x = torch.randn(2, 3, 32, 48)
    results = []
    for recompute in RECOMPUTE:
        torch.manual_seed(0)
        model = family(arch=arch, recompute=recompute, drop_path_rate=0.3).train()
        sum(o.square().mean() for o in model(x)).backward()
        grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        results.append({**grads, **dict(model.named_buffers())})
    for other in results[1:]:
        assert results[0].keys() == other.keys()
        for name, value in results[0].items():
            torch.testing.assert_close(other[name], value, msg=name)


def kept_elements(model, x):
    """Elements that autograd itself keeps for the backward pass (not what checkpoints keep as their inputs)."""
    tensors = {}
    with torch.autograd.graph.saved_tensors_hooks(lambda t: tensors.setdefault(t.data_ptr(), t), lambda t: t):
        model(x)
    return sum(t.numel() for pointer, t in tensors.items() if pointer not in {p.data_ptr() for p in model.parameters()})


def test_the_more_is_recomputed_the_less_is_kept():
    x = torch.randn(1, 3, 64, 64)
    none, light, full = (kept_elements(FANHybrid(arch=HYBRID, recompute=choice).train(), x) for choice in RECOMPUTE)
    assert none > light > full


def test_choice_of_what_is_recomputed():
    assert FANHybrid(arch=HYBRID).recompute == "light"
    assert FANHybrid(arch=HYBRID, with_cp=True).recompute == "full"
    assert FANHybrid(arch=HYBRID, recompute="full").with_cp
    with pytest.raises(MMFanError, match=r"recompute to be one of \['none', 'light', 'full'\], got 'all'"):
        FANHybrid(arch=HYBRID, recompute="all")
    with pytest.raises(MMFanError, match="with_cp=True is recompute='full', but got recompute='none'"):
        FANHybrid(arch=HYBRID, with_cp=True, recompute="none")


@pytest.mark.parametrize(
    ("stages", "free"),
    [
        (-1, {"stem", "stages.0", "stages.1", "proj", "pos_embed", "blocks.1", "blocks.3", "cls_attn_blocks"}),
        (0, {"stages.0", "stages.1", "proj", "pos_embed", "blocks.1", "blocks.3", "cls_attn_blocks"}),
        (2, {"proj", "pos_embed", "blocks.1", "blocks.3", "cls_attn_blocks"}),
        (3, {"blocks.3", "cls_attn_blocks"}),
        (4, set()),
    ],
)
def test_frozen_stages_are_what_the_first_outputs_depend_on(stages, free):
    model = FANHybrid(arch=HYBRID, out_indices=(1,), frozen_stages=stages).train()
    parts = {
        "stem": model.patch_embed.backbone.stem, "stages.0": model.patch_embed.backbone.stages[0],
        "stages.1": model.patch_embed.backbone.stages[1], "proj": model.patch_embed.proj,
        "pos_embed": model.pos_embed, "blocks.1": model.blocks[1], "blocks.3": model.blocks[3],
        "cls_attn_blocks": model.cls_attn_blocks,
    }  # fmt: skip
    assert {name for name, part in parts.items() if any(p.requires_grad for p in part.parameters())} == free
    assert {name for name, part in parts.items() if part.training} == free
    before = {n: b.clone() for n, b in model.named_buffers()}
    model(torch.randn(2, 3, 32, 32))
    moved = {n.split(".mlp")[0] for n, b in model.named_buffers() if not torch.equal(b, before[n])}
    assert moved == {f"blocks.{i}" for i in range(4) if stages < 3 or (stages == 3 and i > 1)}


def test_levels_are_those_outputs_and_norms_are_layer_norms_of_them():
    torch.manual_seed(0)
    raw = FANHybrid(arch=HYBRID, final_downsample=True).eval()
    model = FANHybrid(arch=HYBRID, final_downsample=True, out_levels=(1, 3), out_norm=True).eval()
    assert {key for key in model.state_dict() if key not in raw.state_dict()} == {
        f"out_norm{level}.{kind}" for level in (1, 3) for kind in ("weight", "bias")
    }
    model.load_state_dict(raw.state_dict(), strict=False)
    nn.init.constant_(model.out_norm3.bias, 0.5)
    x = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        outputs, all_raw = model(x), raw(x)
    assert len(outputs) == 2
    for output, level, bias in zip(outputs, (1, 3), (0, 0.5), strict=True):
        expected = all_raw[level]
        spread = expected.var(dim=1, unbiased=False, keepdim=True) + 1e-6
        expected = (expected - expected.mean(dim=1, keepdim=True)) / spread.sqrt() + bias
        torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


def test_norms_of_frozen_outputs_are_frozen():
    model = FANHybrid(arch=HYBRID, out_norm=True, frozen_stages=2)
    trained = [model.get_submodule(f"out_norm{level}").weight.requires_grad for level in range(4)]
    assert trained == [False, False, True, True]


def test_norm_eval():
    model = FANHybrid(arch=HYBRID, norm_eval=True).train()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 4
    assert not any(norm.training for norm in norms)
    assert model.blocks[0].training


def test_norm_cfg_reaches_every_batch_norm():
    for family, arch, count in ((FAN, VIT, 8), (FANHybrid, HYBRID, 4)):
        model = family(arch=arch, norm_cfg={"type": "SyncBN", "eps": 1e-4})
        norms = [m for m in model.modules() if isinstance(m, nn.SyncBatchNorm)]
        assert len(norms) == count
        assert {norm.eps for norm in norms} == {1e-4}


def test_drop_path_schedules():
    constant = FAN(arch=VIT, drop_path_rate=0.3)
    linear = FAN(arch=VIT, drop_path_rate=0.3, drop_path_schedule="linear")
    assert [b.drop_path.rate for b in constant.blocks] == [0.3] * 4
    assert [b.drop_path.rate for b in linear.blocks] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_position_roundings_differ():
    torch.manual_seed(0)
    x = torch.randn(1, 3, 64, 64)
    floor, true = FANHybrid(arch=HYBRID), FANHybrid(arch=HYBRID, pos_rounding=None)
    true.load_state_dict(floor.state_dict())
    with torch.no_grad():
        a, b = floor.eval()(x), true.eval()(x)
    assert torch.equal(a[1], b[1])
    assert (a[2] - b[2]).abs().max() > 1e-3


@pytest.mark.slow
def test_no_attention_matrix_in_memory():
    """The largest tensor that a forward makes is far smaller than N x N."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for t in out if isinstance(out, (tuple, list)) else [out]:
                if isinstance(t, torch.Tensor):
                    self.numel = max(self.numel, t.numel())
            return out

    n = (640 // 16) ** 2
    model = FAN(arch=VIT).train()
    with Largest() as mode:
        sum(o.mean() for o in model(torch.randn(1, 3, 640, 640))).backward()
    assert 0 < mode.numel < n * n / 2


@pytest.mark.process
@pytest.mark.slow
def test_compiled_backbone_and_head_give_the_same_output():
    from mmfan.models import FANSegformerHead

    torch.manual_seed(0)
    backbone = FANHybrid(arch={**HYBRID, "depth": 1})
    model = nn.Sequential(backbone, FANSegformerHead(backbone.out_channels, num_classes=5, embed_dim=16)).eval()
    compiled = torch.compile(model)
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "arguments", "error", "message"),
    [
        (FAN, {"arch": "huge"}, ValueError, r"arch to be one of \['tiny', 'small', 'base', 'large'\].*got 'huge'"),
        (FANHybrid, {"arch": "Tiny"}, ValueError, "'xlarge'.*got 'Tiny'"),
        (FANHybrid, {"arch": 3}, TypeError, "name or a dict of numbers, got int"),
        (FAN, {"arch": {"embed_dims": 32}}, ValueError, r"missing: \['depth', 'num_heads'\]"),
        (FAN, {"arch": {**VIT, "width": 2}}, ValueError, r"unknown: \['width'\]"),
        (FAN, {"arch": {**VIT, "depth": 0}}, ValueError, r"arch\['depth'\] to be made of positive whole numbers"),
        (FAN, {"arch": {**VIT, "num_heads": 5}}, ValueError, "num_heads to divide the width 32, got num_heads=5"),
        (FAN, {"arch": {**VIT, "embed_dims": 36}}, ValueError, "multiple of 8, got 36"),
        (FANHybrid, {"arch": {**HYBRID, "stem_depths": (1,)}}, ValueError, "stem_depths"),
        (FANHybrid, {"arch": {**HYBRID, "tail": {"depth": 1}}}, ValueError, "missing"),
        (FAN, {"arch": VIT, "out_indices": (4,)}, ValueError, "blocks 0 to 3, got 4"),
        (FAN, {"arch": VIT, "out_indices": (-1,)}, ValueError, "blocks 0 to 3, got -1"),
        (FAN, {"arch": VIT, "out_indices": (2, 1)}, ValueError, r"rise without repeats, got \(2, 1\)"),
        (FAN, {"arch": VIT, "out_indices": 3}, TypeError, "sequence of block indices, got the number 3"),
        (FAN, {"arch": VIT, "out_levels": (1, 0)}, ValueError, r"from 0 to 3 that end with 3, got \(1, 0\)"),
        (FAN, {"arch": VIT, "out_levels": (0, 1, 2)}, ValueError, r"end with 3, got \(0, 1, 2\)"),
        (FAN, {"arch": VIT, "out_levels": ()}, ValueError, r"end with 3, got \(\)"),
        (FAN, {"arch": VIT, "frozen_stages": 5}, ValueError, r"frozen_stages from -1 .* to 4 .* got 5"),
        (FAN, {"arch": VIT, "channel_mixer": "cbam"}, ValueError, "channel_mixer.*'cbam'"),
        (FAN, {"arch": VIT, "pos_rounding": "ceil"}, ValueError, "pos_rounding.*'ceil'"),
        (FAN, {"arch": VIT, "drop_path_rate": 1.5}, ValueError, "drop_path_rate.*1.5"),
        (FAN, {"arch": VIT, "drop_paths": 0.1}, TypeError, "drop_paths"),
    ],
)
def test_bad_arguments(family, arguments, error, message):
    with pytest.raises(error, match=message):
        family(**arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 40, 64), r"multiples of 16, got 40 x 64 \(H x W\).*size_divisor=16"),
        ((0, 3, 64, 64), r"got \(0, 3, 64, 64\)"),
        ((1, 1, 64, 64), r"\(B >= 1, 3, H, W\), got \(1, 1, 64, 64\)"),
        ((3, 64, 64), r"got \(3, 64, 64\)"),
        ((1, 3, 0, 64), "got 0 x 64"),
    ],
)
def test_bad_pictures(shape, message):
    with pytest.raises(ValueError, match=message):
        FANHybrid(arch=HYBRID)(torch.zeros(shape))


def test_stride_32_is_asked_for_where_it_is_needed():
    model = FANHybrid(arch=HYBRID, final_downsample=True)
    with pytest.raises(ValueError, match="multiples of 32, got 48 x 64"):
        model(torch.zeros(1, 3, 48, 64))
