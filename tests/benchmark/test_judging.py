"""The measurement of judging: what its figures are made of."""

import json
import math

import numpy as np
import pytest

from mmfan.benchmark.judging import JudgeTimes, _Predict, judging_page, measure_judging
from mmfan.benchmark.timing import Spread
from mmfan.corruptions import COMMON


def times(alone, judged):
    return JudgeTimes((64, 32), 2, Spread(alone), Spread(judged), Spread((0.001,)), 0.05, Spread((0.02,)))


def test_the_share_is_the_median_of_the_ratios_of_rounds():
    assert times((10.0, 20.0, 40.0), (9.0, 19.0, 20.0)).share == pytest.approx(0.9)


def test_the_page():
    page = judging_page([times((10.0,), (9.0,))])
    row = next(line for line in page.markdown().splitlines() if line.startswith("| 64x32"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "64x32", "2", "10.0", "9.0", "90.0", "1.00", "50", "2.00",
    ]  # fmt: skip
    assert json.loads(page.json())["judge"][0]["share"] == 0.9


def test_a_model_of_known_cost():
    predict = _Predict(0.02)
    label = predict(np.zeros((40, 50, 3), np.uint8))
    assert label.shape == (40, 50)
    assert label.max() <= 18
    begin, end, _ = predict.calls[0]
    assert end - begin >= 0.02
    assert predict(np.zeros((40, 50, 3), np.uint8)) is label


@pytest.mark.slow
@pytest.mark.process
def test_measured():
    said = []
    (found,) = measure_judging([(64, 64)], [1], 1, pictures=3, say=said.append)
    assert (found.size, found.workers, len(COMMON)) == ((64, 64), 1, 15)
    for figure in (found.share, found.alone.median, found.judged.median, found.main.median, found.cost):
        assert math.isfinite(figure)
        assert figure > 0
    assert math.isfinite(found.added.median)
    assert said == [f"64x64, workers 1: {100 * found.share:.1f} % of their own speed"]
