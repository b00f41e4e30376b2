"""Real networks in ONNX Runtime and OpenVINO; ``make test-adapters`` has the packages."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx")
from helpers.small_onnx import CLASSES, CLEAN, CLEAN_MIOU, write_colours, write_network

from mmfan import SegmentationData, judge
from mmfan.adapters import OnnxSegmentor, OpenVinoSegmentor, Preprocessing
from mmfan.errors import MMFanError

ENGINES = [("onnxruntime", OnnxSegmentor), ("openvino", OpenVinoSegmentor)]


@pytest.fixture(params=ENGINES, ids=[name for name, _ in ENGINES])
def segmentor(request):
    pytest.importorskip(request.param[0])
    return request.param[1]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = write_colours(tmp_path_factory.mktemp("colours"))
    return SegmentationData(folder / "images", folder / "labels", CLASSES)


@pytest.mark.parametrize("kind", ["FLOAT", "UINT8"])
@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("size", [("h", "w"), (40, 56), (80, 112)])
def test_the_clean_score_is_the_one_by_hand(segmentor, data, tmp_path, size, labels, kind):
    path = write_network(tmp_path / "network.onnx", size, labels, kind)
    found = judge(
        segmentor(path, data), data, {"corruptions": ["brightness"], "severities": [5]}, batch_size=2, workers=0,
        verbose=False,
    )  # fmt: skip
    assert found.clean == pytest.approx(CLEAN_MIOU, abs=0.02 if size == (80, 112) else 1e-12)
    assert found.records[0]["per_class"]["IoU"] == pytest.approx(CLEAN, abs=0.03 if size == (80, 112) else 1e-12)
    assert 0 < found.corrupted <= found.clean


def test_mean_and_deviation_reach_the_network(segmentor, tmp_path):
    """With these the network's brightest channel is another one."""
    network = segmentor(write_network(tmp_path / "n.onnx"), CLASSES, Preprocessing(mean=(0.9, 0, 0), std=(1, 1, 0.1)))
    rgb = np.array([[[255, 51, 0], [0, 51, 26]]], np.uint8)  # 0.1, 0.2, 0 and -0.9, 0.2, 1.02
    assert network(rgb).tolist() == [[1, 2]]


def with_facts(path, **facts):
    """The network with what `mmfan export` writes into one."""
    import onnx

    model = onnx.load(str(path))
    for key, fact in facts.items():
        onnx_fact = model.metadata_props.add()
        onnx_fact.key, onnx_fact.value = f"mmfan.{key}", fact if isinstance(fact, str) else json.dumps(fact)
    onnx.save(model, str(path))
    return path


def test_classes_that_the_file_names_are_matched_by_name(segmentor, tmp_path):
    path = with_facts(write_network(tmp_path / "n.onnx"), classes=CLASSES)
    colours = np.eye(3, dtype=np.uint8)[None] * 255  # red, green, blue
    for data, found in (
        (CLASSES, [0, 1, 2]),
        (["blue", "red", "green"], [1, 2, 0]),
        (["Green", "blue"], [255, 0, 1]),  # what the data do not have is ignored
        (["red", "grass", "blue"], [0, 1, 2]),  # another word for what is at the same place
    ):
        assert segmentor(path, data)(colours).tolist() == [found], data
    assert segmentor(path, ["green", "red", "blue"], classes=["green", "red", "blue"])(colours).tolist() == [[0, 1, 2]]
    with pytest.raises(MMFanError, match="1 class of 3 in the data, grass, not among those of the model"):
        segmentor(path, ["blue", "red", "grass"])
    twice = with_facts(write_network(tmp_path / "t.onnx"), classes=["red", "blue", "red"])
    assert segmentor(twice, ["red", "blue", "red"])(colours).tolist() == [[0, 1, 2]]
    wrong = with_facts(write_network(tmp_path / "w.onnx"), classes="[red")
    with pytest.raises(MMFanError, match=r"own mmfan\.classes is no list"):
        segmentor(wrong, CLASSES)


def test_a_file_that_says_its_normalisation_takes_no_other(segmentor, tmp_path):
    facts = {"input": "RGB, normalised", "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
    path = with_facts(write_network(tmp_path / "n.onnx"), **facts)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    pixels = Preprocessing(mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4), white=255)
    for right in (Preprocessing(mean=mean, std=std), pixels):
        segmentor(path, CLASSES, right)
    for wrong in (None, Preprocessing(white=255), Preprocessing(mean=mean), Preprocessing(mean=std, std=mean)):
        with pytest.raises(MMFanError, match=r"normalised by the mean \[123\.675, .* --white 255"):
            segmentor(path, CLASSES, wrong)
    short = with_facts(write_network(tmp_path / "s.onnx"), **facts | {"std": [1.0, 2.0]})
    with pytest.raises(MMFanError, match=r"own mmfan\.std is no list"):
        segmentor(short, CLASSES, pixels)
    with pytest.raises(MMFanError, match="it takes red first"):
        segmentor(path, CLASSES, Preprocessing(mean=mean, std=std, bgr=True))


def test_files_that_are_no_networks(segmentor, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"rubbish")
    with pytest.raises(MMFanError, match=r"bad\.onnx is no network that"):
        segmentor(tmp_path / "bad.onnx", CLASSES)
    with pytest.raises(FileNotFoundError, match=r"none\.onnx does not exist"):
        segmentor(tmp_path / "none.onnx", CLASSES)


def test_outputs_by_name(segmentor, tmp_path):
    path = write_network(tmp_path / "n.onnx")
    assert segmentor(path, CLASSES, output="scores")(np.eye(3, dtype=np.uint8)[None] * 255).tolist() == [[0, 1, 2]]
    with pytest.raises(MMFanError, match="no output 'x': give one of 'scores'"):
        segmentor(path, CLASSES, output="x")
