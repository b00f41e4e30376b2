"""Accuracies of a classifier, by hand."""

import math

import numpy as np
import pytest

from mmfan.evaluation.metrics.classification import rank_of, scores_of_ranks


@pytest.mark.parametrize(("scores", "truth", "rank"), [
    ([3.0, 1.0, 2.0], 0, 0), ([3.0, 1.0, 2.0], 1, 2), ([3.0, 1.0, 2.0], 2, 1),
    ([1.0, 1.0, 1.0], 0, 0), ([1.0, 1.0, 1.0], 2, 2), ([-np.inf, 0.0, -np.inf], 2, 2),
])  # fmt: skip
def test_rank_of_the_truth(scores, truth, rank):
    assert rank_of(np.array(scores), truth) == rank


def test_rank_zero_is_where_argmax_finds_the_truth():
    scores = np.random.default_rng(0).integers(0, 3, (200, 6)).astype(float)  # many equal ones
    for row in scores:
        ranks = [rank_of(row, truth) for truth in range(6)]
        assert sorted(ranks) == list(range(6))
        assert ranks.index(0) == row.argmax()


def test_scores_by_hand():
    found = scores_of_ranks([0, 4, 5, 0, 6], [0, 0, 1, 1, 2], list("abcdefgh"))
    assert found.metrics == {"top1": 2 / 5, "top5": 3 / 5, "mean_class": pytest.approx((1 / 2 + 1 / 2 + 0) / 3)}
    assert {name: found.per_class["top1"][name] for name in "abc"} == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert all(math.isnan(found.per_class["top1"][name]) for name in "defgh")


def test_five_classes_have_no_top5_and_many_no_table():
    assert "top5" not in scores_of_ranks([0], [0], list("abcde")).metrics
    assert scores_of_ranks([0], [0], [f"c{number}" for number in range(51)]).per_class == {}
    assert math.isnan(scores_of_ranks([], [], list("ab")).metrics["top1"])
