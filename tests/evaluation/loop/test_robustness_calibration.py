"""Calibration in the loop: its sums against plain predictions, and what has no confidence."""

import cv2
import numpy as np
import pytest
from helpers.tiny_robustness import judge, make_runner, write_parts

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.confidence import sums_of_picture
from mmfan.evaluation.results.calibration_file import read_sums

pytestmark = pytest.mark.slow
ONE_CELL = {"corruptions": ["contrast"], "severities": [5]}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


def test_sums_are_those_of_plain_predictions(parts, tmp_path):
    from mmseg.apis import inference_model

    from mmfan.apis import init_model

    config, checkpoint = parts
    found, records = judge(config, checkpoint, tmp_path / "r.jsonl", protocol=ONE_CELL, calibration=True)
    plain, without = judge(config, checkpoint, tmp_path / "plain.jsonl", protocol=ONE_CELL)
    assert found == plain  # no retention of it, and the scores are as they were
    assert [record["metrics"] for record in records.values()] == [one["metrics"] for one in without.values()]
    assert not any("calibration" in record for record in without.values())
    model, sums = init_model(config, checkpoint, device="cpu"), None
    model.cfg.test_pipeline = [step for step in model.cfg.test_pipeline if "Annotations" not in step["type"]]
    for path in sorted((config.parent / "data/leftImg8bit/val").rglob("*.png")):
        labels = str(path).replace("leftImg8bit/", "gtFine/").replace("_leftImg8bit", "_gtFine_labelTrainIds")
        scores = inference_model(model, cv2.imread(str(path))).seg_logits.data.numpy()
        one = sums_of_picture(scores, cv2.imread(labels, cv2.IMREAD_UNCHANGED))
        sums = one if sums is None else sums.plus(one)
    kept = read_sums(tmp_path / records["clean", 0]["calibration"]["sums"])
    assert kept.scores() == pytest.approx(sums.scores(), abs=1e-6, nan_ok=True)
    assert records["contrast", 5]["calibration"]["count"] == sums.count
    # killed after the first cell, and gone on with by other processes
    lines = (tmp_path / "r.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "r.jsonl").write_text(lines[0])
    again, resumed = judge(config, checkpoint, tmp_path / "r.jsonl", protocol=ONE_CELL, calibration=True, workers=1)
    assert again == found
    assert resumed["clean", 0] == records["clean", 0]
    assert resumed["contrast", 5]["calibration"] == records["contrast", 5]["calibration"]


def test_test_time_augmentation_has_no_confidence(parts, tmp_path):
    config, checkpoint = parts
    flips = [{"type": "RandomFlip", "prob": 0.0}, {"type": "RandomFlip", "prob": 1.0}]
    more = {"tta_pipeline.1.transforms": [
        [{"type": "Resize", "scale_factor": 1.0, "keep_ratio": True}], flips,
        [{"type": "mmfan.LoadSegAnnotations"}], [{"type": "PackSegInputs"}],
    ]}  # fmt: skip
    runner = make_runner(config, checkpoint, tmp_path / "work", more, tta=True, protocol=ONE_CELL, calibration=True)
    with pytest.raises(MMFanError, match="Test-time augmentation leaves the scores of one view alone"):
        runner.test()


def test_label_maps_alone_have_no_confidence(tmp_path):
    from helpers.known_segmentor import KNOWN

    config, checkpoint = write_parts(tmp_path, more=KNOWN)
    runner = make_runner(config, checkpoint, tmp_path / "work", protocol=ONE_CELL, calibration=True)
    with pytest.raises(MMFanError, match="Calibration needs the scores of all classes, seg_logits"):
        runner.test()


def test_arrays_are_not_shared_with_the_model(parts):
    logits = np.random.default_rng(0).standard_normal((3, 8, 9)).astype(np.float32)
    before = logits.copy()
    sums_of_picture(logits, np.zeros((8, 9), np.uint8))
    sums_of_picture(np.full((2, 8, 9), 0.5, np.float32), np.zeros((8, 9), np.uint8), "probabilities")
    assert (logits == before).all()
