"""Questions to a classifier outside of a data set: batches, errors, what is no score."""

import numpy as np
import pytest

from mmfan.evaluation.function.asking import ask, class_scores
from mmfan.evaluation.function.driver import PredictError
from mmfan.evaluation.function.scoring.predictions import PredictionError

PICTURES = [np.full((4, 4, 3), level, np.uint8) for level in (1, 2)]


def test_one_or_a_list():
    assert ask(lambda rgb: int(rgb.max()), PICTURES[:1], 1, "it") == [1]
    assert ask(lambda several: (int(one.max()) for one in several), PICTURES, 2, "it") == [1, 2]
    with pytest.raises(PredictionError, match="Expected 2 predictions of both, got 1"):
        ask(lambda several: [1], PICTURES, 2, "both")
    with pytest.raises(PredictError, match=r"predict raised AttributeError on it: .*\. With batch_size=2 predict gets"):
        ask(lambda rgb: rgb.max(), PICTURES, 2, "it")


def test_what_is_no_score():
    assert class_scores([0.5, -np.inf], "it").tolist() == [0.5, -np.inf]
    for wrong in (3, [1, 2], [[0.5]], [np.nan, 0.5]):
        with pytest.raises(PredictionError, match=r"\(K,\) of floats, none NaN, of it"):
            class_scores(wrong, "it")
