"""The backbones compute the published function: stored outputs of the published implementation are reproduced."""

import pytest
import torch
from helpers.golden import (
    golden_input,
    golden_keys,
    golden_outputs,
    golden_sample,
    golden_state,
    relative_error,
)

from mmfan.models import FAN, FANClassifier, FANHybrid
from mmfan.models.layers.token_map import to_map, to_tokens

TOLERANCE = 1e-5
TINY = {"fan_tiny_12_p16_224": FAN, "fan_tiny_8_p4_hybrid": FANHybrid}
SIZES = {
    "fan_tiny_12_p16_224": (FAN, "tiny"),
    "fan_small_12_p16_224": (FAN, "small"),
    "fan_base_18_p16_224": (FAN, "base"),
    "fan_large_24_p16_224": (FAN, "large"),
    "fan_tiny_8_p4_hybrid": (FANHybrid, "tiny"),
    "fan_small_12_p4_hybrid": (FANHybrid, "small"),
    "fan_base_16_p4_hybrid": (FANHybrid, "base"),
    "fan_large_16_p4_hybrid": (FANHybrid, "large"),
}


def load_golden(model):
    model.load_state_dict(golden_state(model.state_dict()))
    return model.eval()


@pytest.mark.parametrize("name", TINY)
@pytest.mark.slow
def test_blocks_and_final_tokens(name):
    model = load_golden(TINY[name](arch="tiny", out_indices=range(12 if TINY[name] is FAN else 8)))
    x = golden_input(224, 224)
    with torch.no_grad():
        outputs = model(x)
        features, early = model.embed(x)
        size = tuple(features.shape[2:])
        embedded = to_map(to_tokens(features) + model.pos_embed(size), size)
    stored = golden_outputs()
    tokens = outputs[len(early) :]
    found = {"embed": embedded, "final": tokens[-1], **{f"block{i}": t for i, t in enumerate(tokens[:-1])}}
    checked = [key for key in stored if key.startswith(f"{name}/224x224/") and key.rsplit("/")[-1] in found]
    assert len(checked) >= 5
    for key in checked:
        ours = found[key.rsplit("/")[-1]]
        assert list(ours.shape) == list(stored[f"{key}/shape"])
        assert relative_error(golden_sample(ours), stored[key]) < TOLERANCE, key


@pytest.mark.parametrize("name", TINY)
@pytest.mark.slow
def test_class_token_and_logits(name):
    model = FANClassifier({"type": TINY[name].__name__, "arch": "tiny"})
    state = golden_state(golden_keys()[name])
    model.load_state_dict({k if k.startswith(("norm.", "head.")) else f"backbone.{k}": v for k, v in state.items()})
    model.eval()
    x = golden_input(224, 224)
    with torch.no_grad():
        token = model.norm(model.backbone.class_token(x))
        logits = model(x)
    assert relative_error(token, golden_outputs()[f"{name}/224x224/cls"]) < TOLERANCE
    assert relative_error(logits[:, :50], golden_outputs()[f"{name}/224x224/logits"]) < TOLERANCE


@pytest.mark.parametrize(("task", "final_downsample"), [("seg", False), ("det", True)])
def test_pyramids(task, final_downsample):
    model = load_golden(FANHybrid(arch="tiny", final_downsample=final_downsample))
    with torch.no_grad():
        outputs = model(golden_input(224, 224))
    assert len(outputs) == 4
    for i, ours in enumerate(outputs):
        key = f"{task}/fan_tiny_8_p4_hybrid/224x224/out{i}"
        assert list(ours.shape) == list(golden_outputs()[f"{key}/shape"])
        assert ours.shape[1] == model.out_channels[i]
        assert ours.shape[2] == 224 // model.out_strides[i]
        assert relative_error(golden_sample(ours), golden_outputs()[key]) < TOLERANCE


@pytest.mark.parametrize("name", SIZES)
def test_keys_and_shapes_are_the_published_ones(name):
    family, arch = SIZES[name]
    with torch.device("meta"):
        model = family(arch=arch)
    own = {key: list(value.shape) for key, value in model.state_dict().items()}
    published = {k: v for k, v in golden_keys()[name].items() if not k.startswith(("norm.", "head."))}
    assert own == published


# Backbone parameters in millions: published counts of the ImageNet models less their 1000-class head and final norm
# (FAN-ViT T/S/B/L 7.320 28.345 54.350 80.574 with head; FAN-Hybrid without).
@pytest.mark.parametrize(
    ("family", "arch", "millions"),
    [
        (FAN, "tiny", 7.320 - 0.193 - 0.0004),
        (FAN, "small", 28.345 - 0.385 - 0.0008),
        (FAN, "base", 54.350 - 0.449 - 0.0009),
        (FAN, "large", 80.574 - 0.481 - 0.001),
        (FANHybrid, "tiny", 7.274),
        (FANHybrid, "small", 25.732),
        (FANHybrid, "base", 50.025),
        (FANHybrid, "large", 76.373),
        (FANHybrid, "xlarge", 119.637),
    ],
)
def test_parameter_counts(family, arch, millions):
    with torch.device("meta"):
        model = family(arch=arch)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=1.5e-3)


def test_parameter_count_of_the_published_squeeze_excite_variant():
    with torch.device("meta"):
        model = FANClassifier({"type": "FAN", "arch": "small", "channel_mixer": "se"})
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(27.452, abs=1e-3)
