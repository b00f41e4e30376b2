import pytest
import torch
from helpers.golden import golden_keys

from mmfan.models.identify import identify, identify_backbone
from mmfan.models.official_weights import convert_official
from mmfan.models.safe_load import CheckpointError
from mmfan.registry import MODELS


def weights(config):
    with torch.device("meta"):
        return MODELS.build(config).state_dict()


@pytest.mark.parametrize(
    "config",
    [
        {"type": "mmfan.FAN", "arch": "tiny"},
        {"type": "mmfan.FAN", "arch": "small", "channel_mixer": "se"},
        {"type": "mmfan.FANHybrid", "arch": "small"},
        {"type": "mmfan.FANHybrid", "arch": "tiny", "final_downsample": True},
        {"type": "mmfan.FANHybrid", "arch": "tiny", "final_downsample": True, "out_norm": True},
        {"type": "mmfan.FANHybrid", "arch": "tiny", "token_pooling": 4},
        {"type": "mmfan.FANSwin", "arch": "tiny"},
        {"type": "mmfan.FANSwin", "arch": "small", "out_norm": True},
    ],
)
def test_published_backbones_are_recognised(config):
    expected = {"channel_mixer": "eca", **config}
    if config["type"] != "mmfan.FANSwin":
        expected.setdefault("final_downsample", False)
    assert identify(weights(config)) == {"backbone": expected}


@pytest.mark.parametrize("name", [name for name in golden_keys() if "/" not in name])
def test_every_published_imagenet_file_is_recognised(name):
    """By the keys and shapes of the published implementation, head and class token included."""
    state = {key: torch.empty(shape, device="meta") for key, shape in golden_keys()[name].items()}
    kind = "FANSwin" if "swin" in name else "FANHybrid" if "hybrid" in name else "FAN"
    size = next(size for size in ("tiny", "small", "base", "large") if f"_{size}_" in name)
    found = identify_backbone(convert_official(state))
    assert (found["type"], found["arch"]) == (f"mmfan.{kind}", size)


def published_segmentor(embed_dim=24):
    """Keys as a published segmentor has them: 4 levels, last first in the fuse, an unused conv_seg of 256 channels."""
    state = {f"backbone.{k}": torch.zeros(v.shape) for k, v in weights({"type": "mmfan.FANHybrid"}).items()}
    for i, channels in enumerate((128, 256, 192, 192), start=1):
        state[f"decode_head.linear_c{i}.proj.weight"] = torch.full((embed_dim, channels), float(i))
        state[f"decode_head.linear_c{i}.proj.bias"] = torch.zeros(embed_dim)
    state["decode_head.linear_fuse.conv.weight"] = torch.zeros(embed_dim, 4 * embed_dim, 1, 1)
    for name in ("weight", "bias", "running_mean", "running_var"):
        state[f"decode_head.linear_fuse.bn.{name}"] = torch.zeros(embed_dim)
    state["decode_head.linear_fuse.bn.num_batches_tracked"] = torch.zeros(())
    state["decode_head.linear_pred.weight"] = torch.full((19, embed_dim, 1, 1), 7.0)
    state["decode_head.linear_pred.bias"] = torch.zeros(19)
    state["decode_head.conv_seg.weight"] = torch.zeros(19, 256, 1, 1)
    state["decode_head.conv_seg.bias"] = torch.zeros(19)
    return state


def test_published_segmentor_is_converted_and_recognised():
    state = convert_official(published_segmentor())
    assert state["decode_head.conv_seg.weight"][0, 0, 0, 0] == 7  # the classifier, not the unused layer
    assert [state[f"decode_head.projections.{i}.weight"][0, 0].item() for i in range(4)] == [1, 2, 3, 4]
    configs = identify(state)
    assert configs["backbone"]["arch"] == "tiny"
    assert configs["decode_head"] == {
        "type": "mmfan.FANSegformerHead",
        "in_channels": [128, 256, 192, 192],
        "in_index": [0, 1, 2, 3],
        "embed_dim": 24,
        "num_classes": 19,
    }
    with torch.device("cpu"):
        head = MODELS.build(configs["decode_head"])
    head.load_state_dict({k.removeprefix("decode_head."): v for k, v in state.items() if k.startswith("decode_head.")})


def test_converting_twice_changes_nothing():
    once = convert_official(published_segmentor())
    assert convert_official(once).keys() == once.keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone.blocks.0.norm1.weight": torch.zeros(100)}, "no published FAN backbone.*width 100"),
        ({"neck.x": torch.zeros(1)}, r"got also \['neck\.x'\]"),
        ({"decode_head.extra": torch.zeros(1)}, r"does not fit FAN's SegFormer head in \['extra'\]"),
    ],
)
def test_what_fits_nothing_is_an_error(change, message):
    with pytest.raises(CheckpointError, match=message):
        identify(convert_official({**published_segmentor(), **change}))


def test_layers_of_token_pooling_are_known_by_their_shapes():
    """TAPADL's segmentor: FAN-B-Hybrid with 50.7 million parameters, classifier included."""
    own = {"type": "mmfan.FANHybrid", "arch": "base", "token_pooling": 4}
    state = {}
    for key, value in weights(own).items():
        for part, name in (("pool.conv1", "some_name.0"), ("pool.norm", "some_name.1"), ("pool.conv2", "some_name.2")):
            key = key.replace(part, name)
        state[f"backbone.{key}"] = value
    assert "backbone.blocks.15.some_name.1.running_var" in state
    converted = convert_official(state)
    assert {key.removeprefix("backbone.") for key in converted} == set(weights(own))
    assert identify(converted)["backbone"]["token_pooling"] == 4
    parameters = sum(p.numel() for p in MODELS.build(own).parameters()) + 448 * 1000 + 1000 + 2 * 448
    assert round(parameters / 1e6, 1) == 50.7
