"""The attention that is read is the one the model uses: with the values it gives what the module gives."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn

from mmfan.analysis.analyses.attention import distance, entropy
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.reading.attention import fan_class_row, list_attention, read_attention, read_gates
from mmfan.analysis.reading.window_attention import window_reader

BACKBONES: dict[str, dict[str, Any]] = {
    "fan": {"type": "mmfan.FAN", "arch": {"embed_dims": 32, "depth": 2, "num_heads": 4}, "out_indices": (0, 1)},
    "fan-swin": {
        "type": "mmfan.FANSwin",
        "arch": {"embed_dims": 32, "depths": (1, 2, 1, 1), "num_heads": (1, 2, 2, 4)},
    },
    "alternet": {"type": "mmfan.AlterNet", "arch": "18"},
    "mit": {"type": "MixVisionTransformer", "embed_dims": 32, "num_layers": [1, 1, 1, 2], "num_heads": [1, 2, 5, 8]},
    "swin": {"type": "SwinTransformer", "embed_dims": 32, "depths": [1, 2, 1, 1], "num_heads": [1, 1, 2, 2]},
    "vit": {
        "type": "VisionTransformer", "img_size": (64, 96), "num_layers": 2, "embed_dims": 48, "num_heads": 3,
        "out_indices": (0, 1),
    },
}  # fmt: skip


def build(name: str) -> Any:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(BACKBONES[name])
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():  # as initialised, attention is all but uniform
            if parameter.ndim == 2:
                parameter.mul_(3)
    return model


@pytest.mark.parametrize("name", BACKBONES)
def test_rows_sum_to_one_and_the_mean_row_is_their_mean(name: str) -> None:
    model = build(name)
    sites = list_attention(model)
    for attention in read_attention(model, torch.rand(1, 3, 64, 96), sites).values():
        count = attention.size[0] * attention.size[1]
        rows = attention.rows(range(count))
        assert rows.shape[1] == count
        sums = rows.sum(dim=(2, 3))
        # OpenMMLab's Swin lets tokens attend to padding, ViT's rows are over the patches
        assert (sums <= 1 + 1e-6).all()
        if name != "swin":
            torch.testing.assert_close(sums, torch.ones_like(sums), atol=1e-6, rtol=0)
        torch.testing.assert_close(attention.mean_row(), rows.mean(dim=1), atol=1e-6, rtol=0)


def watch(module: nn.Module, inputs: Tensor, model: nn.Module) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """What a module is given and gives while the model runs."""
    seen: list[Any] = []
    handle = module.register_forward_hook(
        lambda m, args, kwargs, out: seen.append((args, kwargs, out)), with_kwargs=True
    )
    with torch.no_grad():
        model(inputs)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize(("name", "place"), [("fan", 1), ("fan-swin", 2), ("alternet", 1), ("swin", 2)])
def test_weights_times_values_give_the_output_of_the_module(name: str, place: int) -> None:
    """On maps that are no multiples of the window for FAN-Swin (shifted too) and AlterNet, 56 for Swin (no padding)."""
    model = build(name)
    inputs = torch.rand(1, 3, 448, 448) if name == "swin" else torch.rand(1, 3, 96, 160)
    site = list_attention(model)[place]
    attention = read_attention(model, inputs, [site])[site.name]
    module = model.get_submodule(site.module)
    parent = model.get_submodule(site.module.rpartition(".")[0])
    outer = parent if name == "swin" else module
    height, width = attention.size
    if name == "fan-swin":
        (x, size), _, _ = watch(parent, inputs, model)
        tokens = parent.norm1(x)
        assert attention.shift == (3, 3)
        assert size == attention.size
        mixed = watch(parent.norm2, inputs, model)[0][0] - x  # the block adds the skip
    else:
        args, kwargs, mixed = watch(outer, inputs, model)
        tokens = args[0] if args else kwargs["query"]
    if name == "alternet":
        tokens, mixed = (value.flatten(2).transpose(1, 2) for value in (tokens, mixed))
    with torch.no_grad():
        if name in ("fan", "alternet"):
            values = module.kv(tokens).chunk(2, dim=-1)[1]
        else:
            values = module.qkv(tokens).chunk(3, dim=-1)[2]
        values = values[0].unflatten(1, (module.num_heads, -1)).transpose(0, 1)  # (heads, N, d)
        some = [0, width - 1, height * width // 2, height * width - 1]
        weights = attention.rows(some).flatten(2).to(values.dtype)
        expected = module.proj((weights @ values).transpose(0, 1).flatten(1))
    torch.testing.assert_close(mixed[0, some], expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["mit", "vit"])
def test_weights_are_those_that_torch_reports(name: str) -> None:
    model = build(name)
    inputs = torch.rand(1, 3, 64, 96)
    for site in (list_attention(model)[0], list_attention(model)[-1]):
        attention = read_attention(model, inputs, [site])[site.name]
        module = model.get_submodule(site.module)
        args, kwargs, _ = watch(module, inputs, model)
        given = dict(zip(("query", "key", "value"), args, strict=False)) | kwargs
        with torch.no_grad():
            weights = module(**given | {"need_weights": True, "average_attn_weights": False})[1][0].double()
        if name == "vit":
            patches = weights[:, :, 1:] / weights[:, :, 1:].sum(dim=2, keepdim=True)
            torch.testing.assert_close(attention.class_row().flatten(1), patches[:, 0], atol=1e-6, rtol=0)
            weights = patches[:, 1:]
        rows = attention.rows(range(weights.shape[1])).flatten(2)
        torch.testing.assert_close(rows, weights, atol=1e-6, rtol=0)


def test_keys_on_a_reduced_map_keep_their_shape() -> None:
    model = build("mit")
    first, *_, last = list_attention(model)
    maps = read_attention(model, torch.rand(1, 3, 96, 160), [first, last])
    assert (maps[first.name].size, maps[first.name].key_size) == ((24, 40), (3, 5))
    assert (maps[first.name].reduction, maps[last.name].reduction) == (8, 1)
    assert (maps[last.name].size, maps[last.name].key_size) == ((3, 5), (3, 5))


def test_class_attention_of_fan() -> None:
    model = build("fan")
    tokens = torch.rand(1, 12, 32)
    rows = fan_class_row(model, tokens)
    first, last = model.cls_attn_blocks
    with torch.no_grad():
        y = last.norm1(first(torch.cat((model.cls_token, tokens), dim=1)))
        args = {"in_proj_weight": torch.cat([getattr(last.attn, part).weight for part in "qkv"])}
        args["in_proj_bias"] = torch.cat([getattr(last.attn, part).bias for part in "qkv"])
        reference = nn.MultiheadAttention(32, 4, batch_first=True)
        for key, value in args.items():
            getattr(reference, key).copy_(value)
        weights = reference(y[:, :1], y, y, average_attn_weights=False)[1][0, :, 0, 1:]
    torch.testing.assert_close(rows.float(), weights / weights.sum(dim=1, keepdim=True))


def test_gates_are_those_of_the_block() -> None:
    model = build("fan")
    inputs = torch.rand(1, 3, 32, 64)
    gates = read_gates(model, inputs)
    assert [gate.name for gate in gates] == ["blocks.0", "blocks.1"]
    (x, _), _, _ = watch(model.blocks[1].mlp, inputs, model)
    with torch.no_grad():
        gate = model.blocks[1].mlp.gate(x)[0, 0]
    torch.testing.assert_close(gates[1].values, gate)  # the temperatures are 1
    assert ((gates[1].values > 0.5) & (gates[1].values <= 0.7311)).all()
    inner = torch.logit(gates[1].values.double())
    assert gates[1].tokens.double().sum().item() == pytest.approx(inner.mean().item(), rel=1e-3)
    with DefaultScope.overwrite_default_scope("mmseg"):
        assert read_gates(MODELS.build({"type": "ResNet", "depth": 18}), inputs) == []


@pytest.mark.parametrize(("more", "shift"), [({"pad_small_map": False}, 0), ({"pad_small_map": True}, 2), ({}, 2)])
def test_a_map_as_small_as_a_window_is_not_shifted_by_mmpretrain(more: dict[str, bool], shift: int) -> None:
    """The block before it is of mmsegmentation, which shifts always: it has no `pad_small_map`."""
    named = type("WindowMSA", (nn.Module,), {"num_heads": 1})
    attention = named()
    attention.qkv = nn.Linear(8, 24)
    attention.relative_position_bias_table = nn.Parameter(torch.zeros(49, 1))
    attention.relative_position_index = torch.zeros(16, 16, dtype=torch.long)
    around = SimpleNamespace(window_size=4, shift_size=2, **more)
    reader = window_reader(attention)
    assert reader is not None
    with torch.no_grad():
        assert reader(around, attention, (4, 4), torch.rand(1, 16, 8)).shift == (shift, shift)
        assert reader(around, attention, (8, 8), torch.rand(4, 16, 8)).shift == (2, 2)


def test_a_model_without_attention() -> None:
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build({"type": "ResNet", "depth": 18})
    with pytest.raises(AnalysisError, match="ResNet has no attention to look at"):
        list_attention(model)


def test_entropy_and_distance() -> None:
    assert entropy(np.full(10, 0.1)) == pytest.approx(1)
    assert entropy(np.eye(10)[3]) == 0
    one = np.zeros((3, 4))
    one[0, 0] = 1
    assert distance(one, 0.5, 0.5) == 0
    assert distance(one, 2.5, 3.5) == pytest.approx(np.hypot(2, 3) / 5)
