"""Exported segmentors: equal to the model in PyTorch, by ONNX Runtime and through the judge; and nothing wrong kept."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")
from helpers.small_networks import BACKBONES
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

from mmfan import SegmentationData, judge
from mmfan.adapters import OnnxSegmentor, OpenVinoSegmentor, Preprocessing
from mmfan.apis import init_model, predict
from mmfan.apis.export import checking, export_model
from mmfan.errors import MMFanError

IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def data(folder):
    return write_tree(folder / "data")


@pytest.fixture(scope="module")
def model(folder, data):
    config = write_config(folder / "tiny.py", data)
    return init_model(config, write_checkpoint(folder / "tiny.pth", config), "cpu")


@pytest.fixture(scope="module")
def exported(folder, model):
    """The file of the scores, and what was said of it."""
    return folder / "model.onnx", export_model(model, folder / "model.onnx")


def rgb(height=70, width=90, number=0):
    """A picture of a size that needs padding."""
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)


def test_what_is_said_of_it(exported, model):
    path, done = exported
    assert done.files == [path]
    assert [one.size for one in done.checked] == [(1, 128, 160), (2, 200, 136), (1, 97, 355)]
    assert all(one.pixels > 0.999 and one.difference < 1e-4 for one in done.checked)
    assert os.listdir(path.parent).count("model.onnx") == 1
    assert not [name for name in os.listdir(path.parent) if name.startswith(".mmfan")]


def test_an_ending_in_capitals(folder, model, monkeypatch):
    """The file that is written is the one that is checked and moved."""
    from mmfan.apis.export import export

    monkeypatch.setattr(export, "write_onnx", lambda *given: given[3].write_bytes(b"network"))
    monkeypatch.setattr(export, "check", lambda form, part, *given: [part.read_bytes()])
    done = export_model(model, folder / "LOUD.ONNX")
    assert (done.files, done.checked) == ([folder / "LOUD.ONNX"], [b"network"])


def test_an_old_network_never_lies_beside_new_weights(folder, model, monkeypatch):
    """As if killed between the two moves."""
    from mmfan.apis.export import export

    def write(source, path, metadata):
        path.write_bytes(b"new")
        path.with_suffix(".bin").write_bytes(b"new")

    real = Path.replace

    def move(path, to):
        if path.suffix == ".xml":
            raise KeyboardInterrupt
        return real(path, to)

    monkeypatch.setattr(export, "write_onnx", lambda *given: given[3].write_bytes(b""))
    monkeypatch.setattr(export, "write_openvino", write)
    for name in ("two.xml", "two.bin"):
        (folder / name).write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", move)
    with pytest.raises(KeyboardInterrupt):
        export_model(model, folder / "two.xml", check_it=False)
    assert not (folder / "two.xml").exists()
    assert (folder / "two.bin").read_bytes() == b"new"


def test_a_version_of_the_operators_that_the_exporter_does_not_write(folder):
    from mmfan.apis.export.writing import write_onnx

    with pytest.raises(MMFanError, match=r"writes operators of version \d+, not 90: give --opset \d+"):
        write_onnx(torch.nn.Conv2d(3, 2, 1), torch.zeros(2, 3, 32, 40), True, folder / "v.onnx", {}, 90)
    assert not (folder / "v.onnx").exists()


def test_metadata(exported, model):
    import hashlib

    import onnxruntime

    from mmfan import __version__

    session = onnxruntime.InferenceSession(str(exported[0]))
    found = session.get_modelmeta().custom_metadata_map
    assert json.loads(found["mmfan.classes"]) == list(model.dataset_meta["classes"])
    assert json.loads(found["mmfan.palette"])[3] == [30, 225, 3]
    assert found["mmfan.version"] == __version__
    assert hashlib.sha256(Path(model.checkpoint).read_bytes()).hexdigest() in found["mmfan.checkpoint_hash"]
    assert len(found["mmfan.config_hash"]) == 16
    assert [one.name for one in session.get_inputs()] == ["pictures"]
    assert session.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert session.get_outputs()[0].name == "scores"


def test_the_label_maps_are_those_of_the_model(exported, model):
    """Of pictures of any size, alone and in batches; but for pixels whose two best scores are equal to five digits."""
    network = OnnxSegmentor(exported[0], model.dataset_meta["classes"])
    pictures = [rgb(70, 90, 1), rgb(70, 90, 2), rgb(33, 250), rgb(16, 16)]
    for found, one in zip(network(pictures), pictures, strict=True):
        assert (found != predict(model, one[..., ::-1])).sum() <= 1


def test_the_judge_counts_the_same_pixels(exported, model, data):
    """Clean and corrupted, by the network and by the model as mmsegmentation runs it: to within 2 pixels a cell."""
    source = SegmentationData.cityscapes(data)
    classes = list(model.dataset_meta["classes"])
    protocol = {"corruptions": ["gaussian_noise", "contrast"], "severities": [3]}
    more = {"workers": 0, "verbose": False}
    network = OnnxSegmentor(exported[0], classes)
    counts = []
    for function in (network, lambda one: predict(model, one[..., ::-1])):
        seen = []
        judge(lambda one, f=function, seen=seen: seen.append(f(one)) or seen[-1], source, protocol, **more)
        counts.append(np.array([np.bincount(np.ravel(labels), minlength=19) for labels in seen]))
    assert counts[0].shape == counts[1].shape == (1 + 3 * 2, 19)  # a picture before the first cell, then 3 cells of 2
    assert np.abs(counts[0] - counts[1]).max() <= 2


def test_argmax_and_normalised_floats(folder, model):
    path = folder / "labels.onnx"
    done = export_model(model, path, argmax=True, normalised=True)
    assert all(one.pixels > 0.999 for one in done.checked)
    network = OnnxSegmentor(path, model.dataset_meta["classes"], Preprocessing(**IMAGENET, white=255))
    assert network.session.get_outputs()[0].type == "tensor(uint8)"
    one = rgb()
    assert (network(one) != predict(model, one[..., ::-1])).sum() <= 1
    found = json.loads(network.session.get_modelmeta().custom_metadata_map["mmfan.mean"])
    assert found == pytest.approx(IMAGENET["mean"])


def test_torchscript(folder, model):
    """Without mmfan: only what torch.jit.load gives."""
    path = folder / "model.pt"
    assert all(one.pixels > 0.999 for one in export_model(model, path).checked)
    files = {"mmfan.json": ""}
    network = torch.jit.load(str(path), _extra_files=files)
    assert json.loads(json.loads(files["mmfan.json"])["mmfan.classes"]) == list(model.dataset_meta["classes"])
    one = rgb()
    found = network(torch.from_numpy(one).permute(2, 0, 1)[None]).argmax(1)[0].numpy()
    assert (found != predict(model, one[..., ::-1])).sum() <= 1


def test_openvino(folder, model):
    pytest.importorskip("openvino")
    done = export_model(model, folder / "model.xml")
    assert [path.name for path in done.files] == ["model.xml", "model.bin"]
    assert len(done.checked) == 3
    network = OpenVinoSegmentor(folder / "model.xml", model.dataset_meta["classes"])
    one = rgb()
    # the adapter leaves the precision to OpenVINO: 16 bits where the CPU has them
    assert (network(one) != predict(model, one[..., ::-1])).mean() < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "hybrid"])
def test_every_family(name, folder, data):
    """The backbones behind FAN's head; padding to what each needs is in the network."""
    channels = {"fan": [32] * 4, "hybrid_tail": [128, 256, 32, 48]}.get(name, [16, 32, 64, 128])
    backbone = {**BACKBONES[name]}
    # PyTorch's exporter takes long for every block with windows: one plain and one shifted will do, or one that masks
    if name == "swin":
        backbone["arch"] = {**backbone["arch"], "depths": (2, 1, 1, 1)}
    elif name == "alternet":
        backbone |= {"arch": {**backbone["arch"], "depths": (1, 2, 1, 1)}, "num_msa": (0, 1, 0, 0)}
    more = (
        f"\nmodel['backbone'] = dict(_delete_=True, **{backbone!r})"
        f"\nmodel['decode_head'].update(in_channels={channels})"
    )
    done = export_model(init_model(write_config(folder / f"{name}.py", data, more), None, "cpu"), folder / "f.onnx")
    assert len(done.checked) == 3
    assert all(one.difference < 1e-4 for one in done.checked)


@pytest.mark.slow
def test_heads_of_mmsegmentation(folder, data):
    """A usual head, and one that pools to a fixed number of cells: of any size it is refused, of one size it goes."""
    head = "dict(type='{}', in_channels={}, in_index={}, channels=16, num_classes=19, norm_cfg=dict(type='BN'))"
    fcn = f"\nmodel['decode_head'] = dict(_delete_=True, **{head.format('FCNHead', 32, 3)})"
    psp = f"\nmodel['decode_head'] = dict(_delete_=True, **{head.format('PSPHead', 32, 3)})"
    built = init_model(write_config(folder / "fcn.py", data, fcn), None, "cpu")
    assert len(export_model(built, folder / "fcn.onnx").checked) == 3
    pooling = init_model(write_config(folder / "psp.py", data, psp), None, "cpu")
    with pytest.raises(MMFanError, match="PSPHead"):
        export_model(pooling, folder / "psp.onnx")
    assert not (folder / "psp.onnx").exists()
    fixed = export_model(pooling, folder / "psp.onnx", size=(96, 96))
    assert [one.size for one in fixed.checked] == [(1, 96, 96), (2, 96, 96), (3, 96, 96)]


def test_a_wrong_network_is_not_kept(folder, model, monkeypatch):
    """Weights changed between writing and comparing; what was there before stays."""
    target = folder / "kept.pt"
    target.write_bytes(b"before")
    real = checking.model_scores
    monkeypatch.setattr(checking, "model_scores", lambda *given: real(*given) * 1.01)
    with pytest.raises(MMFanError, match=r"is not the model: at 1 x 3 x 128 x 160 100\.00% of the pixels agree"):
        export_model(model, target)
    assert target.read_bytes() == b"before"
    assert not [name for name in os.listdir(folder) if name.startswith(".mmfan")]


def test_how_far_class_numbers_may_be_off():
    """Where the model's two best scores are near, either class will do; elsewhere not."""
    scores = np.zeros((1, 3, 1, 2), np.float32)
    scores[0, :, 0, 0], scores[0, :, 0, 1] = [10, 9.99999, 0], [10, 1, 0]
    near = checking.compare((1, 1, 2), np.array([[[1, 0]]], np.uint8), scores, argmax=True)
    assert near.pixels == 0.5
    assert near.difference == pytest.approx(1e-6, rel=0.1)
    far = checking.compare((1, 1, 2), np.array([[[0, 1]]], np.uint8), scores, argmax=True)
    assert far.difference == pytest.approx(0.9)
    with pytest.raises(MMFanError, match=r"returns \(1, 2\) at 1 x 3 x 1 x 2, not \(1, 1, 2\)"):
        checking.compare((1, 1, 2), np.zeros((1, 2), np.uint8), scores, argmax=True)


@pytest.mark.parametrize(
    ("target", "more", "words"),
    [
        ("a.txt", {}, r"one of the endings \.onnx, \.xml, \.pt, got"),
        ("a.onnx", {"to": "openvino"}, r"the ending \.xml for openvino"),
        ("a.onnx", {"to": "caffe"}, "one of onnx, openvino, torchscript, got 'caffe'"),
    ],
)
def test_what_is_refused(folder, model, target, more, words):
    with pytest.raises(MMFanError, match=words):
        export_model(model, folder / target, **more)


def test_models_that_are_refused(model, monkeypatch):
    from mmfan.apis.export.network import PictureNetwork

    monkeypatch.setattr(model.decode_head, "out_channels", 1)
    with pytest.raises(MMFanError, match="one output channel and a threshold"):
        PictureNetwork(model)
    monkeypatch.undo()
    monkeypatch.setitem(model.cfg, "default_scope", "mmdet")
    with pytest.raises(MMFanError, match="EncoderDecoder is a detector, and mmfan exports segmentors alone"):
        PictureNetwork(model)


def test_a_missing_package(folder, model, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else real(name))
    with pytest.raises(MMFanError, match="This needs onnxscript: pip install onnxscript"):
        export_model(model, folder / "b.onnx")
