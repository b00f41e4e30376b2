"""Official files: read without running code, fitted completely or not at all."""

import argparse
import os
import pickle

import pytest
import torch
from helpers.file_server import serve

from mmfan.models import FANHybrid
from mmfan.models.official_weights import convert_official, describe, read_official_weights
from mmfan.models.safe_load import CheckpointError

ARCH = {"embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 1)}


@pytest.fixture
def source():
    torch.manual_seed(5)
    return FANHybrid(arch=ARCH)


def save(path, model, ema=None, prefix="", **more):
    """A file as timm's saver writes it: weights, arguments, bookkeeping, the classifier included."""
    state = {f"{prefix}{k}": v for k, v in model.state_dict().items()}
    state |= {f"{prefix}{k}": torch.zeros(3) for k in ("norm.weight", "norm.bias", "head.weight", "head.bias")}
    content = {"epoch": 299, "arch": "fan", "state_dict": state, "args": argparse.Namespace(lr=1e-3), "version": 2}
    if ema is not None:
        content["state_dict_ema"] = {k: v + ema if v.is_floating_point() else v for k, v in state.items()}
    torch.save({**content, **more}, path)
    return str(path)


def loaded(checkpoint, **options):
    model = FANHybrid(arch=ARCH, init_cfg={"type": "Pretrained", "checkpoint": checkpoint, **options})
    model.init_weights()
    return model


def same(a, b, shift=0.0):
    return all(torch.equal(x + shift if x.is_floating_point() else x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_official_file_loads_as_it_is(tmp_path, source, prefix):
    model = loaded(save(tmp_path / "fan.pth.tar", source, prefix=prefix))
    assert same(source.state_dict().values(), model.state_dict().values())
    assert not model.cls_token.requires_grad


def test_averaged_weights(tmp_path, source):
    file = save(tmp_path / "fan.pth.tar", source, ema=1.0)
    assert same(source.state_dict().values(), loaded(file).state_dict().values())
    assert same(source.state_dict().values(), loaded(file, ema=True).state_dict().values(), shift=1.0)
    with pytest.raises(CheckpointError, match="state_dict_ema"):
        loaded(save(tmp_path / "plain.pth", source), ema=True)


def test_part_of_a_segmentor(tmp_path, source):
    state = {f"backbone.{k}": v for k, v in source.state_dict().items()} | {"decode_head.x": torch.zeros(1)}
    torch.save({"state_dict": state}, tmp_path / "segmentor.pth")
    model = loaded(str(tmp_path / "segmentor.pth"), prefix="backbone")
    assert same(source.state_dict().values(), model.state_dict().values())
    with pytest.raises(CheckpointError, match=r"No key .* starts with the prefix 'encoder\.'"):
        loaded(str(tmp_path / "segmentor.pth"), prefix="encoder")


def test_old_names_are_converted():
    weight, bias = torch.arange(12.0).view(6, 2), torch.arange(6.0)
    found = convert_official(
        {
            "pos_embeder.token_projection.bias": bias,
            "cls_attn_blocks.1.attn.qkv.weight": weight,
            "cls_attn_blocks.1.attn.qkv.bias": bias,
            "aux_head.weight": bias,
            "blocks.0.norm1.weight": bias,
        }
    )
    assert sorted(found) == [
        "blocks.0.norm1.weight",
        *sorted(f"cls_attn_blocks.1.attn.{n}.{p}" for n in "kqv" for p in ("bias", "weight")),
        "pos_embed.token_projection.bias",
    ]
    assert found["cls_attn_blocks.1.attn.k.weight"].tolist() == [[4, 5], [6, 7]]
    assert found["cls_attn_blocks.1.attn.v.bias"].tolist() == [4, 5]


def test_new_layers_start_fresh(tmp_path, source):
    file = save(tmp_path / "fan.pth", source)
    model = FANHybrid(
        arch=ARCH, final_downsample=True, out_norm=True, init_cfg={"type": "Pretrained", "checkpoint": file}
    )
    fresh = model.learnable_downsample.weight.clone()
    model.init_weights()
    assert torch.equal(model.learnable_downsample.weight, fresh)
    assert torch.equal(model.blocks[0].attn.q.weight, source.blocks[0].attn.q.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embed_dims": 48}, r"file holds FAN-Hybrid, width 32, 2 blocks; the model is FAN-Hybrid, width 48, 2 blocks"),
        ({"depth": 3}, r"keys: \d+ missing: blocks\.2\.gamma1"),
        ({"depth": 1}, r"\d+ not used: blocks\.1\.gamma1"),
        ({"stem_depths": (1, 2)}, r"missing: patch_embed\.backbone\.stages\.1\.blocks\.1"),
    ],
)
def test_another_architecture_is_an_error_and_loads_nothing(tmp_path, source, change, message):
    file = save(tmp_path / "fan.pth", source)
    model = FANHybrid(arch={**ARCH, **change}, init_cfg={"type": "Pretrained", "checkpoint": file})
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"(?i)nothing was loaded.*" + message):
        model.init_weights()
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_misshapen_keys_show_both_shapes(tmp_path, source):
    source.blocks[0].attn.q.bias = torch.nn.Parameter(torch.zeros(7))
    with pytest.raises(CheckpointError, match=r"blocks\.0\.attn\.q\.bias \(model \(32,\), file \(7,\)\)"):
        loaded(save(tmp_path / "fan.pth", source))


def test_truncated_file_is_named(tmp_path, source):
    file = save(tmp_path / "fan.pth", source)
    whole = (tmp_path / "fan.pth").read_bytes()
    for size in (len(whole) // 2, 100, 0):
        (tmp_path / "fan.pth").write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=r"fan\.pth"):
            loaded(file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"checkpoint .*nowhere\.pth does not exist"):
        loaded(str(tmp_path / "nowhere.pth"))


class Malicious:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_never_run(tmp_path, source, zipped):
    mark = tmp_path / "was run"
    torch.save(
        {"state_dict": source.state_dict(), "args": Malicious(str(mark))},
        tmp_path / "bad.pth",
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(CheckpointError, match=r"Refused to load .*bad\.pth.*mkdir.*could run code"):
        loaded(str(tmp_path / "bad.pth"))
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Malicious(str(mark))))
    with pytest.raises(CheckpointError, match=r"raw\.pth"):
        read_official_weights(tmp_path / "raw.pth")
    assert not mark.exists()


@pytest.mark.parametrize("content", [{"epoch": 3}, {"state_dict": {}}, {"state_dict": {"a": 1}}, [1, 2]])
def test_a_file_without_weights(tmp_path, content):
    torch.save(content, tmp_path / "empty.pth")
    with pytest.raises(CheckpointError, match="to hold weights"):
        read_official_weights(tmp_path / "empty.pth")


def test_describe():
    assert describe(FANHybrid(arch=ARCH).state_dict()) == "FAN-Hybrid, width 32, 2 blocks"
    assert describe({"conv1.weight": torch.ones(1)}) == "no FAN backbone"


def test_url_is_fetched_once(tmp_path, source, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "files").mkdir()
    save(tmp_path / "files" / "fan.pth.tar", source)
    with serve(tmp_path / "files") as (address, asked):
        for _ in range(2):
            model = loaded(f"{address}/fan.pth.tar")
            assert same(source.state_dict().values(), model.state_dict().values())
        assert asked == ["/fan.pth.tar"]
        with pytest.raises(CheckpointError, match=r"Could not download .*/other\.pth: .*404.*checkpoint=FILE"):
            loaded(f"{address}/other.pth")


def test_weights_that_cannot_be_used_are_named_and_not_loaded(tmp_path, source):
    state = source.state_dict()
    name = "blocks.0.attn.q.weight"
    for wrong, what in ((state[name] * float("nan"), "not finite"), (state[name] > 0, "bool"), (None, "hold weights")):
        torch.save({"state_dict": {**state, name: wrong}}, tmp_path / "wrong.pth")
        with pytest.raises(CheckpointError, match=what):
            loaded(str(tmp_path / "wrong.pth"))
