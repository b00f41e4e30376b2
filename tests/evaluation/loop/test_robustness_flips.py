"""Flips in the loop: against plain predictions, resumed, and what has none."""

import cv2
import numpy as np
import pytest
from helpers.tiny_retinanet import write_detector
from helpers.tiny_robustness import CELLS, judge, make_runner, write_parts

from mmfan.corruptions import corrupt, picture_seed
from mmfan.evaluation.judging.findings import PreflightError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def found(parts, tmp_path_factory):
    """The folder of the results, and the records of all cells."""
    folder = tmp_path_factory.mktemp("found")
    return folder, judge(*parts, folder / "r.jsonl", flips=True)[1]


def test_they_are_those_of_plain_predictions(parts, found):
    from mmseg.apis import inference_model

    from mmfan.apis import init_model

    config, checkpoint = parts
    model = init_model(config, checkpoint, device="cpu")
    model.cfg.test_pipeline = [step for step in model.cfg.test_pipeline if "Annotations" not in step["type"]]
    changed = dict.fromkeys(CELLS[1:], 0)
    for path in sorted((config.parent / "data/leftImg8bit/val").rglob("*.png")):
        rgb, name = cv2.imread(str(path))[..., ::-1], str(path).split("leftImg8bit/")[1]
        said = {}
        for cell in CELLS:
            seen = rgb if cell == ("clean", 0) else corrupt(rgb, *cell, picture_seed(0, name, *cell))
            said[cell] = inference_model(model, np.ascontiguousarray(seen[..., ::-1])).pred_sem_seg.data.numpy()
        for kind in ("contrast", "gaussian_noise"):
            for before, after in ((("clean", 0), (kind, 2)), ((kind, 2), (kind, 5))):
                changed[after] += int((said[before] != said[after]).sum())
    records = found[1]
    assert {cell: records[cell]["flips"]["changed"] for cell in CELLS[1:]} == changed
    assert any(changed.values())
    assert "flips" not in records["clean", 0]


def test_a_killed_run_goes_on(parts, found, tmp_path):
    lines = (found[0] / "r.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "r.jsonl").write_text("".join(lines[:2]))
    _, records = judge(*parts, tmp_path / "r.jsonl", flips=True)
    assert [one["flips"] for one in list(records.values())[1:]] == [one["flips"] for one in list(found[1].values())[1:]]
    _, plain = judge(*parts, tmp_path / "plain.jsonl")
    assert [one["metrics"] for one in plain.values()] == [one["metrics"] for one in records.values()]
    assert plain["clean", 0]["metric_hash"] != records["clean", 0]["metric_hash"]


def test_detectors_have_none(tmp_path):
    runner = make_runner(*write_detector(tmp_path), tmp_path / "work", flips=True)
    with pytest.raises(PreflightError, match="this is a detector: leave `flips` out"):
        runner.test()
