"""Elastic transform against the reference: with the same field, and over many seeds."""

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import SMALL, assert_close, photograph, reference_with
from numpy.typing import NDArray

from mmfan.corruptions import SEVERITIES, corrupt
from mmfan.corruptions.draws import random_bytes, stream_key
from mmfan.corruptions.elastic import _mirror


def _theirs(image: NDArray[np.uint8], severity: int, seed: int) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    levels = random_bytes(stream_key(seed, 0), height * width * 2).reshape(height, width, 2).astype(np.float64)
    draws = (2 * levels - 255) / 256
    # the reference draws what it adds to the columns first
    fields = iter((draws[..., 1], draws[..., 0]))
    return reference_with(image, "elastic_transform", severity, uniform=lambda low, high, size: next(fields) * high)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("part", SMALL)
def test_same_field_gives_the_picture_of_the_reference(part: str, severity: int) -> None:
    image = photograph(part)
    assert_close(corrupt(image, "elastic_transform", severity, 6), _theirs(image, severity, 6), share=0.004)


def test_displacements_longer_than_the_picture_is_wide() -> None:
    image = np.tile(photograph("tall")[:, :32], (4, 1, 1))
    assert_close(corrupt(image, "elastic_transform", 5, 3), _theirs(image, 5, 3), share=0.004)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_same_distribution_as_the_reference(severity: int) -> None:
    assert_same_distribution("elastic_transform", severity)


def test_mirror_repeats_the_edge_and_goes_on() -> None:
    line = np.arange(5)
    padded = np.pad(line, 17, mode="symmetric")
    assert [_mirror(at, 5) for at in range(-17, 22)] == padded.tolist()


def test_a_flat_picture_stays_as_it_is() -> None:
    image = np.full((50, 64, 3), 201, np.uint8)
    for severity in SEVERITIES:
        np.testing.assert_array_equal(corrupt(image, "elastic_transform", severity, 0), image)
