"""tools/analyze.py: every analysis on a FAN-Hybrid and on a model without FAN, and what it says to wrong input."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

pytestmark = pytest.mark.slow

TOOL = Path(__file__).parents[2] / "tools" / "analyze.py"
MIT = """
model = dict(
    backbone=dict(
        _delete_=True, type="MixVisionTransformer", embed_dims=16, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1],
    ),
    decode_head=dict(in_channels=[16, 16, 16, 16], in_index=[0, 1, 2, 3]),
)
"""
RESNET = """
model = dict(
    backbone=dict(_delete_=True, type="ResNet", depth=18, init_cfg=dict(type="Pretrained", checkpoint="nowhere.pth")),
    decode_head=dict(in_channels=[64, 128, 256, 512], in_index=[0, 1, 2, 3]),
)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analyze")
    data = write_tree(folder / "data", train=1, val=5)
    write_config(folder / "fan.py", data)
    write_config(folder / "mit.py", data, MIT)
    write_config(folder / "resnet.py", data, RESNET)
    for name in ("fan", "mit"):
        write_checkpoint(folder / f"{name}.pth", folder / f"{name}.py")
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    from helpers.tiny_segmentor import run_tool

    return run_tool(monkeypatch, "analyze.py", *arguments, "--device", "cpu")


OWN = {
    "spectrum": ["--tolerance", "0.01"],
    "noise-decay": ["--sigma", "0.05"],
    "grouping": ["--clusters", "3"],
    "attention": ["--query", "0.2", "0.8"],
    "attnseg": ["--void", "background"],
    "fourier": [],
    "variance": [],
    "cka": ["--batch", "4", "--cell", "fog:3"],
}


@pytest.mark.parametrize("what", OWN)
def test_two_models_in_one_figure(what: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 4 if what == "cka" else 2
    arguments = [what, folder / "fan.py", folder / "fan.pth", "--model", f"{folder / 'mit.py'}:{folder / 'mit.pth'}"]
    arguments += ["--limit", limit, *OWN[what]]
    assert run(monkeypatch, *arguments, "--out", tmp_path / "a") == 0
    document = json.loads((tmp_path / "a" / f"{what}.json").read_text())
    assert [model["label"] for model in document["models"]] == ["fan", "mit"]
    for model in document["models"]:
        assert model["taps"]
        assert len(model["pictures"]) == limit
        assert model["weights"] == "checkpoint"
    figure = cv2.imread(str(tmp_path / "a" / f"{what}.png"))
    assert figure.std() > 10
    assert run(monkeypatch, *arguments, "--out", tmp_path / "b") == 0
    assert (tmp_path / "a" / f"{what}.json").read_bytes() == (tmp_path / "b" / f"{what}.json").read_bytes()
    assert (tmp_path / "a" / f"{what}.png").read_bytes() == (tmp_path / "b" / f"{what}.png").read_bytes()


def test_random_weights_taps_crop_and_a_network_without_attention(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--limit", 1, "--crop", 64, "--taps", "layer1.1", "layer4.1", "--cell", "snow:2", "--out", tmp_path]
    assert run(monkeypatch, "variance", folder / "resnet.py", *arguments) == 0
    (model,) = json.loads((tmp_path / "variance.json").read_text())["models"]
    assert model["label"] == "resnet (random weights)"
    assert model["weights"] == "random"
    assert [(tap["name"], tap["stride"], tap["width"]) for tap in model["taps"]] == [
        ("layer1.1", 4, 64), ("layer4.1", 32, 512)
    ]  # fmt: skip


WRONG = {
    "tap": (
        ["fourier", "fan.py", "--taps", "blocks.0.tokens"],
        "no tap 'blocks.0.tokens'; the nearest are blocks.0.token",
    ),
    "attention": (["attention", "resnet.py"], "ResNet has no attention to look at"),
    "few": (["cka", "fan.py", "--limit", "9"], "needs at least 8 pictures, and gets 5"),
    "other": (["variance", "fan.py", "mit.pth"], "does not fit this config's model"),
    "missing": (["variance", "fan.py", "none.pth"], "none.pth does not exist"),
    "cell": (["variance", "fan.py", "--cell", "fog"], "NAME:SEVERITY"),
    "head": (["attention", "fan.py", "--head", "7"], "has the heads 0 to 3, not 7"),
    "row": (["attnseg", "mit.py", "--row", "class"], "take row mean"),
    "sigma": (["noise-decay", "fan.py", "--sigma", "0"], "argument --sigma: expected a number above 0, got 0"),
    "limit": (["variance", "fan.py", "--limit", "0"], "argument --limit: expected a whole number from 1 on, got 0"),
    "labels": (["variance", "fan.py", "--labels", "a", "b"], "expected 1 names, one a model, got 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_line(
    case: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WRONG[case]
    arguments = [folder / word if word.endswith((".py", ".pth")) else word for word in words]
    assert run(monkeypatch, *arguments, "--out", tmp_path / "out") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.process
def test_an_unknown_analysis_lists_those_that_there_are() -> None:
    done = subprocess.run([sys.executable, TOOL, "fuorier", "x.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice: 'fuorier'" in done.stderr
    assert "fourier" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mmdet")
    from helpers.tiny_retinanet import write_detector

    config, checkpoint = write_detector(tmp_path)
    arguments = [config, checkpoint, "--limit", 2, "--cell", "fog:3", "--out", tmp_path / "out"]
    assert run(monkeypatch, "fourier", *arguments) == 0
    (model,) = json.loads((tmp_path / "out" / "fourier.json").read_text())["models"]
    assert model["pictures"] == ["val2017/000000000001.png", "val2017/000000000003.png"]
    assert [tap["stride"] for tap in model["taps"]] == [4, 4, 4, 8, 8, 16, 16, 32, 32]
    assert run(monkeypatch, "attnseg", *arguments) == 2
    assert "ResNet has no attention" in capsys.readouterr().err
