"""Fog against the reference: with the same plasma draws, and over many seeds."""

from collections.abc import Callable

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import SMALL, assert_close, photograph, reference_with, source
from numpy.typing import NDArray

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.draws import stream_key, words
from mmfan.corruptions.fog import plasma_fractal


def _our_draws(size: int, seed: int) -> Callable[..., NDArray[np.float64]]:
    """``numpy.random.uniform`` for the plasma: three calls an octave, 16 bits of the same word for each."""
    sides = [2**octave for octave in range(size.bit_length() - 1)]
    all_words = words(stream_key(seed, 0), 4 * sum(side**2 for side in sides))
    calls = iter([(side, shift) for side in sides for shift in (0, 16, 32)])
    first = {side: 4 * sum(other**2 for other in sides if other < side) for side in sides}

    def uniform(low: float, high: float, shape: tuple[int, int]) -> NDArray[np.float64]:
        side, shift = next(calls)
        bits = (all_words[first[side] :][: side**2] >> np.uint64(shift)) & np.uint64(0xFFFF)
        assert shape == (side, side)
        assert low == -high
        return (bits.reshape(shape) - 32767.5) / 32768 * high

    return uniform


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("part", SMALL)
def test_same_draws_give_the_picture_of_the_reference(part: str, severity: int) -> None:
    image = photograph(part)
    size = 1 << (max(image.shape[:2]) - 1).bit_length()
    theirs = reference_with(image, "fog", severity, uniform=_our_draws(size, 8))
    assert_close(corrupt(image, "fog", severity, 8), theirs, share=0.0005)


@pytest.mark.parametrize("size", [2, 4, 32, 256])
@pytest.mark.parametrize("decay", sorted({decay for _, decay in PARAMETERS["fog"]}))
def test_same_draws_give_the_plasma_of_the_reference(size: int, decay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, "uniform", _our_draws(size, 2))
    plasma = plasma_fractal(size, decay, 2)
    np.testing.assert_allclose(plasma, source.plasma_fractal(size, decay), atol=1e-5)
    assert plasma.min() == 0
    assert plasma.max() == pytest.approx(1)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_same_distribution_as_the_reference(severity: int) -> None:
    assert_same_distribution("fog", severity)


def test_nothing_becomes_brighter_than_the_brightest_value() -> None:
    image = np.minimum(photograph("odd"), 140)
    for severity in SEVERITIES:
        assert corrupt(image, "fog", severity, 5).max() <= image.max()
    black = np.zeros((40, 50, 3), np.uint8)
    np.testing.assert_array_equal(corrupt(black, "fog", 3, 5), black)
