"""Pixel counts and scores of label maps in plain NumPy."""

import numpy as np
import pytest
from helpers.pixel_counts import counts_of_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.evaluation.metrics.labels import count_labels, scores_of_pictures


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(0, 12), st.integers(1, 12),
    st.sampled_from([np.uint8, np.int64]), st.sampled_from([255, 0]),
)  # fmt: skip
def test_counts_are_those_of_the_plain_function(seed, classes, height, width, kind, ignored):
    rng = np.random.default_rng(seed)
    names = np.append(np.arange(classes), [ignored])
    truth, prediction = (rng.choice(names, (height, width)).astype(kind) for _ in range(2))
    before = truth.copy(), prediction.copy()
    found = count_labels(prediction, truth, classes, ignored)
    assert found.dtype == np.int64
    expected = counts_of_picture(prediction, truth, classes, ignored) if ignored == 255 else None
    if expected is None:  # the number of a class is an answer where the truth says something else
        counted = truth != 0
        expected = counts_of_picture(prediction[counted][None], truth[counted][None], classes, None)
    np.testing.assert_array_equal(found, expected)
    assert (truth == before[0]).all()
    assert (prediction == before[1]).all()


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        ([[0, 1]], [[0], [1]], r"differ in size: \(1, 2\) and \(2, 1\)"),
        ([[0, 0]], [[0, 3]], "class numbers of the truth to be from 0 to 2 .*got 0 to 3"),
        ([[0, -1]], [[0, 0]], "of the prediction .*got -1 to 0"),
        ([[0, 3]], [[255, 255]], "of the prediction .*got 0 to 3"),
    ],
)
def test_wrong_numbers_are_refused(prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        count_labels(np.array(prediction), np.array(truth), 3)


def test_scores_by_hand():
    counts = [np.array([[3, 1, 0], [0, 0, 1], [0, 0, 0]]), np.array([[1, 0, 0], [2, 0, 0], [0, 0, 0]])]
    found = scores_of_pictures(counts, ("a", "b", "c"), ["mIoU", "mDice"])
    assert found.metrics["mIoU"] == (4 / 5 + 2 / 3) / 2  # the third class is nowhere
    assert found.metrics["aAcc"] == 6 / 7
    assert found.metrics["mDice"] == (8 / 9 + 4 / 5) / 2
    assert found.per_class["IoU"]["b"] == 2 / 3
    assert np.isnan(found.per_class["IoU"]["c"])
    assert found.counts.shape == (2, 3, 3)
    assert np.isnan(scores_of_pictures([], ("a",)).metrics["mIoU"])
