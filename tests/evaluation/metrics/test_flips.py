"""Flips: by hand, and what must hold of any predictions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmfan.evaluation.metrics.flips import Flips, count_flips, flips_of_steps, sum_of

CLEAN = np.array([[0, 0, 1], [2, 2, 1]])
FIRST = np.array([[0, 0, 1], [2, 1, 1]])  # one of six
SECOND = np.array([[0, 1, 0], [2, 1, 1]])  # two of six


def test_by_hand():
    steps = flips_of_steps([CLEAN, FIRST, SECOND])
    assert steps == [Flips(1, 6), Flips(2, 6)]
    assert [step.share for step in steps] == pytest.approx([1 / 6, 1 / 3])
    assert sum_of(steps) == Flips(3, 12)
    assert sum_of(steps).share == pytest.approx(0.25)


def test_pixels_left_out():
    bonnet = np.zeros((2, 3), bool)
    bonnet[0] = True
    assert flips_of_steps([CLEAN, FIRST, SECOND], bonnet) == [Flips(1, 3), Flips(0, 3)]
    assert math.isnan(count_flips(CLEAN, FIRST, np.ones((2, 3), bool)).share)


@given(arrays(np.uint8, (4, 5), elements=st.integers(0, 3)), arrays(np.uint8, (4, 5), elements=st.integers(0, 3)))
def test_nothing_flips_to_itself_and_both_ways_are_alike(one, other):
    assert count_flips(one, one) == Flips(0, 20)
    assert count_flips(one, other) == count_flips(other, one)
    halves = [count_flips(one[part], other[part]) for part in (slice(0, 1), slice(1, 4))]
    assert sum_of(halves) == count_flips(one, other)


def test_what_is_refused():
    with pytest.raises(ValueError, match="must be of one size"):
        count_flips(CLEAN, CLEAN[:1])
    with pytest.raises(ValueError, match="must be of one size"):
        count_flips(CLEAN, FIRST, np.zeros((1, 3), bool))
    with pytest.raises(ValueError, match="got 1 prediction"):
        flips_of_steps([CLEAN])
