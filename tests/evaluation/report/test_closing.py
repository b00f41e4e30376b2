"""Closing words of a finished run."""

import numpy as np
import pytest
from helpers.tiny_pictures import CLASSES, PROTOCOL, by_brightness, pairs

from mmfan import SegmentationData, judge
from mmfan.evaluation.report.closing import overview_text, report_words


@pytest.fixture(scope="module")
def data():
    given = [(picture, np.zeros_like(label), str(number)) for number, (picture, label) in enumerate(pairs(2))]
    return SegmentationData(given, classes=CLASSES)


def test_without_a_clean_score_there_is_no_retention(data, tmp_path):
    found = judge(
        lambda rgb: np.ones(rgb.shape[:2], np.uint8), data, PROTOCOL, tmp_path / "r.jsonl", "blind", workers=0,
        verbose=False,
    )  # fmt: skip
    run = found.results, found.key, found.protocol
    assert overview_text(*run) == (
        "blind has the score 0 (mIoU) on the clean pictures, so that there is no retention; on the corrupted ones it "
        "has 0.00 %."
    )
    assert report_words(*run)[0] == str(tmp_path / "r.jsonl")
    found = judge(by_brightness, data, PROTOCOL, tmp_path / "r.jsonl", "seeing", workers=0, verbose=False)
    assert f"{100 * found.retention:.1f}" in overview_text(found.results, found.key, found.protocol)
