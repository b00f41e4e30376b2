"""Glass blur against the reference: with the same displacements, and over many seeds."""

from collections.abc import Callable
from unittest import mock

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import assert_close, photograph, reference_with, source

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.draws import stream_key, word
from mmfan.corruptions.glass import _shake


def _our_displacements(seed: int) -> Callable[..., tuple[int, int]]:
    key, drawn = stream_key(seed, 0), iter(range(10**9))

    def randint(low: int, high: int, size: tuple[int]) -> tuple[int, int]:
        at = next(drawn)
        bits = int(word(key, at >> 1)) >> (32 * (at & 1))
        dx, dy = ((bits >> shift & 0xFFFF) * (high - low) >> 16 for shift in (0, 16))
        return dx + low, dy + low

    return randint


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("part", ["least", "odd"])
def test_same_displacements_give_the_picture_of_the_reference(part: str, severity: int) -> None:
    image = photograph(part)
    # the compiled shuffle of the reference has a generator of its own; the Python function behind it has not
    shuffle = source._shuffle_pixels_njit_glass_blur.py_func
    with mock.patch.object(source, "_shuffle_pixels_njit_glass_blur", shuffle):
        theirs = reference_with(
            image,
            "glass_blur",
            severity,
            randint=_our_displacements(7),
            seed=lambda seed: None,
            default_rng=mock.Mock(),
        )
    # a level lost before the shuffle is one level of some pixels after it, and at most one level after the second blur
    assert_close(corrupt(image, "glass_blur", severity, 7), theirs, share=0.005)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_same_distribution_as_the_reference(severity: int) -> None:
    assert_same_distribution("glass_blur", severity)


def test_pixels_are_copied_not_swapped() -> None:
    image = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40, 1)
    shaken = image.copy()
    _shake(shaken, 2, 1, stream_key(1, 0))
    assert np.unique(shaken).size < image.size
    np.testing.assert_array_equal(shaken[:2], image[:2])
    np.testing.assert_array_equal(shaken[:, 39], image[:, 39])


def test_displacements_are_uniform_from_minus_the_reach_to_one_less_than_it() -> None:
    for _, reach, _ in PARAMETERS["glass_blur"]:
        randint = _our_displacements(3)
        drawn = np.array([randint(-reach, reach, (2,)) for _ in range(8000)])
        assert set(np.unique(drawn)) == set(range(-reach, reach))
        counts = np.bincount((drawn + reach).ravel())
        assert np.abs(counts - counts.mean()).max() < 4.5 * np.sqrt(counts.mean())
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05


def test_a_flat_picture_stays_as_it_is() -> None:
    image = np.full((50, 64, 3), 201, np.uint8)
    for severity in SEVERITIES:
        np.testing.assert_array_equal(corrupt(image, "glass_blur", severity, 0), image)
