"""CKA of features whose similarity is known; HSIC against its definition."""

import numpy as np
import pytest

from mmfan.analysis.analyses.cka import cka, hsic, linear_grams
from mmfan.analysis.options import AnalysisError

pytestmark = pytest.mark.slow


def similarity(x: np.ndarray, y: np.ndarray) -> float:
    k, m = linear_grams([x]), linear_grams([y])
    value = cka(hsic(k, m), hsic(k, k).diagonal(), hsic(m, m).diagonal())[0][0]
    assert value is not None
    return value


def test_hsic_is_the_mean_over_all_quadruples_of_different_pictures() -> None:
    rng = np.random.default_rng(0)
    k, m = (values @ values.T for values in rng.normal(size=(2, 6, 3)))
    total, count = 0.0, 0
    for i in range(6):
        for j in range(6):
            for q in range(6):
                for r in range(6):
                    if len({i, j, q, r}) == 4:
                        total += k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])
                        count += 1
    assert hsic(k[None], m[None])[0, 0] == pytest.approx(total / count)


def test_same_rotated_scaled_and_shifted_features_are_alike() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(12, 20))
    rotation = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    assert similarity(x, x) == pytest.approx(1)
    assert similarity(x, 7 * x @ rotation) == pytest.approx(1)
    assert similarity(x, x + 5) == pytest.approx(1)


def test_independent_features_are_not_alike() -> None:
    rng = np.random.default_rng(2)
    values = [similarity(rng.normal(size=(32, 50)), rng.normal(size=(32, 50))) for _ in range(30)]
    assert abs(np.mean(values)) < 0.03  # the estimator is not biased upwards, as the plain one is


def test_sums_over_equal_batches_give_the_same() -> None:
    rng = np.random.default_rng(3)
    grams = linear_grams([rng.normal(size=(8, 5)), rng.normal(size=(8, 30))])
    once = hsic(grams, grams)
    thrice = once + once + once
    assert cka(thrice, thrice.diagonal(), thrice.diagonal()) == pytest.approx(
        np.array(cka(once, once.diagonal(), once.diagonal()))
    )


def test_features_that_do_not_vary_have_no_similarity() -> None:
    grams = linear_grams([np.ones((6, 4)), np.random.default_rng(0).normal(size=(6, 4))])
    values = hsic(grams, grams)
    assert cka(values, values.diagonal(), values.diagonal())[0] == [None, None]


def test_too_few_pictures() -> None:
    with pytest.raises(AnalysisError, match="at least 4 pictures, got 3"):
        hsic(np.ones((1, 3, 3)), np.ones((1, 3, 3)))
