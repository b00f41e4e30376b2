"""Noise against the reference: with its own draws handed over, against exact probabilities, and over many seeds."""

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import SMALL, assert_close, our_normals, photograph, reference_with

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.noise import _poisson_columns

stats = pytest.importorskip("scipy.stats")

SEED = 11
RAMP = np.repeat(np.arange(256, dtype=np.uint8), 4096).reshape(1024, 1024)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise"])
def test_same_draws_give_the_picture_of_the_reference(name: str, severity: int) -> None:
    for part in SMALL:
        image = photograph(part)
        theirs = reference_with(image, name, severity, normal=our_normals(SEED))
        # 16 bits behind the point against float64: an exact tie falls either way (speckle: every draw at black, ...)
        assert_close(corrupt(image, name, severity, SEED), theirs, share=0.001)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"])
@pytest.mark.slow
def test_same_distribution_as_the_reference(name: str, severity: int) -> None:
    assert_same_distribution(name, severity)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_shot_noise_columns_hold_the_poisson_distribution(severity: int) -> None:
    photons = PARAMETERS["shot_noise"][severity - 1]
    columns = _poisson_columns(photons)
    own, first, alias = columns & 0xFFFFFFFF, columns >> 32 & 255, columns >> 40 & 255
    for level in (0, 1, 7, 100, 254, 255):
        share = (own[level] / 2**32).astype(np.float64) / 64
        held = np.bincount(first[level].astype(int), share, 256)
        held += np.bincount(alias[level].astype(int), 1 / 64 - share, 256)
        counts = np.arange(200)
        outcome = np.uint8(np.clip(counts / photons, 0, 1) * 255)
        expected = np.bincount(outcome, stats.poisson.pmf(counts, level / 255 * photons), 256)
        np.testing.assert_allclose(held, expected, atol=1e-9)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_shot_noise_draws_follow_the_poisson_distribution(severity: int) -> None:
    photons = PARAMETERS["shot_noise"][severity - 1]
    noisy = corrupt(RAMP, "shot_noise", severity, SEED).reshape(256, 4096)
    counts = np.arange(200)
    outcome = np.uint8(np.clip(counts / photons, 0, 1) * 255)
    total, freedom = 0.0, 0
    for level in range(256):
        expected = np.bincount(outcome, stats.poisson.pmf(counts, level / 255 * photons), 256) * 4096
        seen = np.bincount(noisy[level], minlength=256)
        assert not seen[expected == 0].any()
        rare = expected < 5
        pairs = [*zip(seen[~rare], expected[~rare], strict=True), (seen[rare].sum(), expected[rare].sum())]
        cells = [(s, e) for s, e in pairs if e >= 5]
        total += sum((s - e) ** 2 / e for s, e in cells)
        freedom += len(cells) - 1
    assert 0.001 < stats.chi2.sf(total, freedom) < 0.999


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_strikes_its_share_of_values(severity: int) -> None:
    share = PARAMETERS["impulse_noise"][severity - 1]
    image = np.full((600, 500, 3), 100, np.uint8)
    struck = corrupt(image, "impulse_noise", severity, SEED)
    assert set(np.unique(struck)) == {0, 100, 255}
    for value in (0, 255):
        assert stats.binomtest(int((struck == value).sum()), image.size, share / 2).pvalue > 0.001
    # channels are struck on their own
    both = ((struck[..., 0] != 100) & (struck[..., 1] != 100)).sum()
    assert stats.binomtest(int(both), 600 * 500, share**2).pvalue > 0.001


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise_is_normal_to_its_tails(severity: int) -> None:
    sigma = 255 * PARAMETERS["gaussian_noise"][severity - 1]
    image = np.full((1000, 1000, 3), 128, np.uint8)
    noisy = corrupt(image, "gaussian_noise", severity, SEED)
    for level in (1, 40, 90, 128, 160, 220, 255):
        # the value is cut off, so it is at least `level` where the noise is at least `level - 128`
        chance = stats.norm.sf((level - 128) / sigma)
        assert stats.binomtest(int((noisy >= level).sum()), noisy.size, chance).pvalue > 0.001


def test_speckle_noise_leaves_black_alone_and_grows_with_the_value() -> None:
    noisy = corrupt(RAMP, "speckle_noise", 1, SEED).reshape(256, 4096).astype(float)
    assert (noisy[0] == 0).all()
    np.testing.assert_allclose(noisy[[40, 80, 120]].std(axis=1), np.array([40, 80, 120]) * 0.15, rtol=0.05)


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"])
def test_sizes_that_no_word_of_bits_divides(name: str) -> None:
    image = np.full((33, 37), 120, np.uint8)
    wide = np.full((33, 38), 120, np.uint8)
    # a value is drawn by its position alone, whatever comes after it
    first, second = corrupt(image, name, 5, SEED).ravel(), corrupt(wide, name, 5, SEED).ravel()
    np.testing.assert_array_equal(first, second[: first.size])
