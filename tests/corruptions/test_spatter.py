"""Spatter against the reference: with the same noise under the drops, and over many seeds."""

from unittest import mock

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import SMALL, levels_apart, our_normals, photograph, reference, reference_with

import mmfan.corruptions.spatter as spatter_module
from mmfan.corruptions import SEVERITIES, corrupt


@pytest.mark.parametrize("severity", SEVERITIES)
def test_same_noise_gives_the_drops_of_the_reference(severity: int) -> None:
    parts = (*SMALL, "patch", "chelsea")
    differ = []
    for part in parts:
        for seed in (1, 2):
            image = photograph(part)
            theirs = reference_with(image, "spatter", severity, normal=our_normals(seed))
            apart = levels_apart(corrupt(image, "spatter", severity, seed), theirs)
            differ.append((apart > 2).mean())
    # where the layer is as high as the threshold to within 1e-4 there is a drop in one and none in the other; one
    # pixel of an edge moves the levels of all edges a little
    assert np.mean(differ) < 0.002
    assert np.max(differ) < 0.02


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_same_distribution_as_the_reference(severity: int) -> None:
    assert_same_distribution("spatter", severity)


def test_water_takes_no_light_away_and_mud_covers() -> None:
    image = photograph("astronaut")
    for severity in (1, 2, 3):
        assert (corrupt(image, "spatter", severity, 4) >= image).all()
    white = np.full_like(image, 255)
    for severity in (4, 5):
        covered = corrupt(white, "spatter", severity, 4)
        mud = covered[..., 0] < 255
        assert 0.02 < mud.mean() < 0.5
        # it is at least 0.8 thick wherever there is any
        assert (covered[mud] < 255 * 0.2 + np.array(spatter_module.MUD) * 0.8 + 1).all()


def test_without_a_drop_the_picture_stays_where_the_reference_has_nothing_but_nan() -> None:
    image = photograph("least")
    flat = np.zeros(image.shape[:2], np.uint16)
    with mock.patch.object(spatter_module, "_layer", return_value=flat):
        for severity in (1, 2, 3):
            np.testing.assert_array_equal(corrupt(image, "spatter", severity, 4), image)
    nothing = reference_with(image, "spatter", 1, normal=lambda size, loc, scale: np.zeros(size))
    assert (nothing == 0).all()  # what NaN becomes


def test_water_that_covers_all_of_a_tiny_picture_has_no_edges() -> None:
    for seed in range(300):
        image = photograph("least")
        result = corrupt(image, "spatter", 1, seed)
        assert result.min() >= image.min()
    assert reference(image, "spatter", 1, 0).shape == image.shape
