"""tools/analyze.py with analyses that judge or differentiate, as its users start it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from helpers.tiny_analysis import write_parts
from helpers.tiny_retinanet import write_detector
from helpers.tiny_segmentor import run_tool

pytestmark = pytest.mark.slow

TOOL = Path(__file__).parents[2] / "tools" / "analyze.py"


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


@pytest.mark.process
def test_patchdrop_of_two_models_in_one_figure(parts, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    models = [parts / "tiny.py", parts / "tiny.pth", "--model", f"{parts / 'tiny.py'}:{parts / 'tiny.pth'}"]
    options = [
        "--labels",
        "one",
        "other",
        "--out",
        tmp_path,
        "--limit",
        2,
        "--ratios",
        50,
        "--modes",
        "salient",
        "--workers",
        0,
    ]
    done = subprocess.run(
        [sys.executable, str(TOOL), "patchdrop", *map(str, models), *map(str, options)],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Wrote {tmp_path / 'patchdrop.json'}" in done.stdout
    document = json.loads((tmp_path / "patchdrop.json").read_text())
    assert [model["label"] for model in document["models"]] == ["one", "other"]
    one, other = (model["result"] for model in document["models"])
    assert one == other
    assert list(one["modes"]) == ["salient"]
    assert len(document["models"][0]["pictures"]) == 2
    assert cv2.imread(str(tmp_path / "patchdrop.png")).std() > 1
    records = [json.loads(line) for line in (tmp_path / "patchdrop.jsonl").read_text().splitlines()]
    assert {record["model"] for record in records} == {"one", "other"}
    assert len(records) == 4


def test_random_weights_are_labelled(parts, tmp_path, monkeypatch):
    arguments = ["--out", tmp_path, "--limit", 1, "--points", 1, "--batch-size", 1]
    assert run_tool(monkeypatch, "analyze.py", "landscape", parts / "tiny.py", *arguments) == 0
    (model,) = json.loads((tmp_path / "landscape.json").read_text())["models"]
    assert model["label"] == "tiny (random weights)"
    assert model["result"]["centre"] > 1


@pytest.mark.process
def test_detectors_are_judged_by_their_own_metric(tmp_path, monkeypatch, capsys):
    config, checkpoint = write_detector(tmp_path)
    common = [config, checkpoint, "--out", tmp_path / "out", "--limit", 1, "--workers", 0]
    assert run_tool(monkeypatch, "analyze.py", "bandnoise", *common, "--frequencies", 50) == 0
    (model,) = json.loads((tmp_path / "out" / "bandnoise.json").read_text())["models"]
    assert model["result"]["metric"] == "bbox_mAP"
    capsys.readouterr()
    assert run_tool(monkeypatch, "analyze.py", "shuffle", *common) == 2
    said = capsys.readouterr().err
    assert "is for segmentation; the config is judged by CocoScoresMetric" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["shuffle", "tiny.py"], 2, "shuffle judges predictions: give every model a checkpoint"),
        (["patchdrop", "tiny.py", "tiny.pth", "--modes", "middle"], 2, "invalid choice: 'middle'"),
        (
            ["bandnoise", "tiny.py", "tiny.pth", "--frequencies", "0"],
            2,
            "argument --frequencies: expected a whole number from 1 to 100, got 0",
        ),
        (["hessian", "tiny.py", "--limit", "9"], 2, "needs 9 batches of 2 pictures, the training set of"),
    ],
)
def test_bad_arguments(parts, tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(parts)
    assert run_tool(monkeypatch, "analyze.py", *arguments, "--out", tmp_path) == code
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / f"{arguments[0]}.json").exists()
