"""Networks in OpenVINO, in the form of its documented API; ``tests/adapters/test_networks.py`` runs real ones."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mmfan.adapters import OpenVinoSegmentor, Preprocessing
from mmfan.errors import MMFanError

CLASSES = ["red", "green", "blue"]
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
NORMALISED = {"input": "RGB, normalised", "mean": json.dumps(MEAN), "std": json.dumps(STD)}
# where OpenVINO has a fact of its own form, and one of ONNX's
PLACES = [lambda name: ("mmfan", name), lambda name: ("framework", f"mmfan.{name}")]
CHANNELS = SimpleNamespace(is_dynamic=False, get_length=lambda: 3)
FREE = SimpleNamespace(is_dynamic=True)


class Shape(list):
    rank = SimpleNamespace(is_dynamic=False)


class Port:
    def __init__(self, name):
        self.get_names = lambda: {name}

    def get_partial_shape(self):
        return Shape([FREE, CHANNELS, FREE, FREE])

    def get_element_type(self):
        return SimpleNamespace(to_dtype=lambda: np.float32)


class Compiled:
    """Scores a pixel by its red, green and blue; of the form of ``openvino.CompiledModel``."""

    inputs, outputs = (Port("pictures"),), (Port("scores"),)

    def __call__(self, given):
        return dict(zip(self.outputs, given, strict=True))


@pytest.fixture(params=PLACES, ids=["xml", "onnx"])
def written(request, monkeypatch, tmp_path):
    """Makes a file of some facts, and an OpenVINO that reads it."""

    def write(**facts):
        there = {request.param(name): SimpleNamespace(astype=lambda kind, fact=fact: kind(fact))
                 for name, fact in facts.items()}  # fmt: skip
        network = SimpleNamespace(
            has_rt_info=lambda place: tuple(place) in there, get_rt_info=lambda place: there[tuple(place)]
        )
        core = SimpleNamespace(read_model=lambda _: network, compile_model=lambda *_: Compiled())
        monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: core))
        (tmp_path / "network.xml").touch()
        return tmp_path / "network.xml"

    return write


def test_a_file_that_says_its_normalisation_takes_no_other(written):
    path = written(**NORMALISED)
    OpenVinoSegmentor(path, CLASSES, Preprocessing(mean=tuple(MEAN), std=tuple(STD), white=255))
    for wrong in (None, Preprocessing(white=255)):
        with pytest.raises(MMFanError, match=r"normalised by the mean \[123\.675, .* --white 255"):
            OpenVinoSegmentor(path, CLASSES, wrong)


def test_classes_that_a_file_names_are_matched_by_name(written):
    path = written(classes=json.dumps(CLASSES))
    colours = np.eye(3, dtype=np.uint8)[None] * 255  # red, green, blue
    assert OpenVinoSegmentor(path, ["blue", "red", "green"])(colours).tolist() == [[1, 2, 0]]
    assert OpenVinoSegmentor(path, CLASSES[::-1], classes=CLASSES[::-1])(colours).tolist() == [[0, 1, 2]]


def test_what_says_nothing_is_taken_as_it_is_given(written):
    for network in (written(), Compiled()):
        assert OpenVinoSegmentor(network, CLASSES)(np.eye(3, dtype=np.uint8)[None]).tolist() == [[0, 1, 2]]


def test_a_file_of_mmfan_export(tmp_path):
    """Written and read by OpenVINO itself."""
    pytest.importorskip("onnx")
    pytest.importorskip("openvino")
    from helpers.small_onnx import write_network

    from mmfan.apis.export.writing import write_openvino

    path = tmp_path / "network.xml"
    facts = {f"mmfan.{name}": fact for name, fact in NORMALISED.items()}
    write_openvino(write_network(tmp_path / "n.onnx"), path, {**facts, "mmfan.classes": json.dumps(CLASSES)})
    with pytest.raises(MMFanError, match="normalised by the mean"):
        OpenVinoSegmentor(path, CLASSES)
    network = OpenVinoSegmentor(path, CLASSES[::-1], Preprocessing(mean=tuple(MEAN), std=tuple(STD), white=255))
    assert network(np.eye(3, dtype=np.uint8)[None] * 255).tolist() == [[2, 1, 0]]
