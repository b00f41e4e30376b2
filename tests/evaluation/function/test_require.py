"""`result.require`: the gate of a build, in Python and as the script that CI runs."""

import subprocess
import sys

import pytest
from helpers.tiny_pictures import CLASSES, PROTOCOL, by_brightness, write_folders

from mmfan import SegmentationData, judge
from mmfan.errors import MMFanError
from mmfan.evaluation.function import NotAsRequiredError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


@pytest.fixture(scope="module")
def result(data):
    return judge(by_brightness, data, PROTOCOL, name="mine", workers=0, verbose=False)


def test_enough_is_enough(result):
    result.require(retention=result.retention, clean=result.clean, corrupted=result.corrupted)
    result.require(
        by_group={"digital": result.summary.by_group["digital"]},
        scores={"contrast": {"5": result.summary.scores["contrast"][5]}},
    )


def test_what_is_too_low_is_named_with_how_much(result):
    with pytest.raises(NotAsRequiredError) as caught:
        result.require(clean=0.1, retention=result.retention + 0.25, by_corruption={"contrast": 1})
    said = str(caught.value)
    assert said.startswith(f"Not as required on {result.summary.label}: mine: retention is {result.retention:.6g}, ")
    assert f"expected at least {result.retention + 0.25:.6g} (-0.250000 beyond)" in said
    assert "mine: by_corruption.contrast is" in said
    assert "clean" not in said


def test_what_cannot_be_required(result):
    with pytest.raises(MMFanError, match="require, kept: nothing that can be expected; there are clean, corrupted"):
        result.require(kept=0.5)
    with pytest.raises(MMFanError, match="require, retention: expected numbers with min <= max"):
        result.require(retention="0.5")
    with pytest.raises(NotAsRequiredError, match=r"by_corruption\.fog is not there, expected at least 0\.5"):
        result.require(by_corruption={"fog": 0.5})


def test_a_shard_has_not_judged_everything(data, tmp_path):
    path = tmp_path / "r.jsonl"
    part = judge(by_brightness, data, PROTOCOL, path, "mine", workers=0, verbose=False, shard=(1, 2))
    with pytest.raises(NotAsRequiredError, match="mine: 2 cells not judged yet"):
        part.require(retention=0.0)


SCRIPT = """
import numpy as np
from mmfan import SegmentationData, judge


def predict(rgb):
    {predict}


result = judge(predict, SegmentationData("images", "labels", ["sky", "road", "car"]), {protocol}, workers=0)
result.require(retention=0.4)
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("predict", "status"),
    [
        ("return np.digitize(-rgb.mean(axis=2), [-155, -70])", 0),
        # knows the pictures as they are, and nothing of brighter ones or of such with less contrast
        ("return np.digitize(-rgb.mean(axis=2), [-155, -70]) * (rgb.mean() < 160 and rgb.std() > 50)", 1),
    ],
    ids=["kept", "fallen"],
)
def test_as_a_script(tmp_path, predict, status):
    write_folders(tmp_path)
    (tmp_path / "robustness.py").write_text(SCRIPT.format(predict=predict, protocol=PROTOCOL))
    done = subprocess.run([sys.executable, "robustness.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr
    if status:
        assert "NotAsRequiredError: Not as required on custom, 4 cells: model: retention is 0." in done.stderr
        assert "expected at least 0.4" in done.stderr
