"""Masks that hold a share of attention, and the Jaccard index, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmfan.analysis.analyses.attnseg import class_scores, jaccard, mass_mask

pytestmark = pytest.mark.slow


def test_the_fewest_places_that_hold_the_share() -> None:
    weights = np.array([[0.5, 0.1], [0.3, 0.1]])
    assert mass_mask(weights, 0.5).tolist() == [[True, False], [False, False]]
    assert mass_mask(weights, 0.51).tolist() == [[True, False], [True, False]]
    assert mass_mask(weights, 0.9).sum() == 3
    assert mass_mask(10 * weights, 1.0).all()


@given(arrays(np.float64, 12, elements=st.floats(0.01, 1)), st.floats(0.05, 1))
def test_kept_and_dropped_mass(weights: np.ndarray, share: float) -> None:
    mask = mass_mask(weights, share)
    total = weights.sum()
    assert weights[mask].sum() >= share * total - 1e-9
    # one place fewer would not do
    assert weights[mask].sum() - weights[mask].min() < share * total + 1e-9
    assert (weights[mask].sum() + weights[~mask].sum()) / total == pytest.approx(1)


def test_the_index_by_hand() -> None:
    every = np.ones((1, 4), bool)
    mask, target = np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 0]], bool)
    assert jaccard(mask, target, every) == pytest.approx(1 / 3)
    assert jaccard(mask, target, np.array([[0, 1, 1, 1]], bool)) == pytest.approx(1 / 2)
    assert jaccard(mask, mask, every) == 1
    assert jaccard(~every, ~every, every) == 0


def test_ignored_pixels_are_left_out_or_background() -> None:
    truth = np.array([[3, 3, 255, 7]], np.uint8)
    masks = np.array([[[1, 1, 1, 0]], [[0, 0, 0, 1]]], bool)
    assert class_scores(masks, truth) == {3: [1.0, 0.0], 7: [0.0, 1.0]}
    assert class_scores(masks, truth, "background") == {3: [pytest.approx(2 / 3), 0.0], 7: [0.0, 1.0]}
    assert class_scores(masks, np.full((1, 4), 255, np.uint8)) == {}
