"""Frost against the reference: with the same texture and cut, and over many seeds."""

import re
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import PHOTOGRAPHS, photograph, reference_with

import mmfan.corruptions.frost as frost_module
from mmfan.corruptions import SEVERITIES, corrupt
from mmfan.corruptions.draws import below


def _our_choices(seed: int) -> Callable[..., int]:
    stream = iter(range(3))

    def randint(low: int, high: int | None = None) -> int:
        # first the texture (of six, five are used), then rows and columns
        return below(seed, next(stream), 5 if high is None else high - low)

    return randint


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("part", PHOTOGRAPHS)
def test_same_choices_give_the_picture_of_the_reference(part: str, severity: int) -> None:
    image = photograph(part)
    for seed in (severity, severity + 5):
        theirs = reference_with(image, "frost", severity, randint=_our_choices(seed))
        np.testing.assert_array_equal(corrupt(image, "frost", severity, seed), theirs)


def test_a_picture_larger_than_the_textures() -> None:
    image = np.tile(photograph("astronaut"), (5, 4, 1))
    for seed in range(8):
        theirs = reference_with(image, "frost", 3, randint=_our_choices(seed))
        np.testing.assert_array_equal(corrupt(image, "frost", 3, seed), theirs)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_same_distribution_as_the_reference(severity: int) -> None:
    assert_same_distribution("frost", severity)


def test_all_five_textures_are_chosen_equally_often() -> None:
    chosen = np.bincount([below(seed, 0, 5) for seed in range(5000)], minlength=5)
    assert np.abs(chosen - 1000).max() < 4 * np.sqrt(800)


def test_missing_textures_are_named(tmp_path: Path) -> None:
    with (
        mock.patch.object(frost_module, "find_spec", return_value=None),
        pytest.raises(FileNotFoundError, match=r"not installed: run `pip install --no-deps imagecorruptions-imaug`"),
    ):
        frost_module.texture_folder()
    spec = mock.Mock(submodule_search_locations=[str(tmp_path)])
    with (
        mock.patch.object(frost_module, "find_spec", return_value=spec),
        pytest.raises(FileNotFoundError, match=re.escape(f"{tmp_path} lacks some of them")),
    ):
        frost_module.texture_folder()
