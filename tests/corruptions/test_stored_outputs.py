"""The corruptions of one small picture have not changed, on whatever machine this runs."""

import json

import numpy as np
import pytest
from helpers.stored_corruptions import EXACT, HASHES, NEARLY_EXACT, OUTPUTS, picture, result, sha256

from mmfan.corruptions import BUILT_IN, SEVERITIES


def test_every_corruption_is_stored_once() -> None:
    assert sorted(EXACT + NEARLY_EXACT) == sorted(BUILT_IN)
    assert list(json.loads(HASHES.read_text())) == list(EXACT)
    assert sha256(picture()).startswith("57711ea2e6d756ed")


@pytest.mark.parametrize("name", EXACT)
def test_bytes_are_those_stored(name: str) -> None:
    hashes = json.loads(HASHES.read_text())[name]
    assert [sha256(result(name, severity)) for severity in SEVERITIES] == hashes


@pytest.mark.parametrize("name", NEARLY_EXACT)
def test_values_are_those_stored_to_one_level(name: str) -> None:
    with np.load(OUTPUTS) as stored:
        expected = stored[name].astype(int)
    for severity in SEVERITIES:
        apart = np.abs(result(name, severity) - expected[severity - 1])
        if name in ("spatter", "blue_noise_sample", "caustic_refraction"):
            # a pixel at the edge of a drop, a lost one, one on a slope can be on either side of a threshold
            assert (apart > 1).mean() < 0.02
        else:
            # glass too: what is one level apart before its shuffle is at most one apart after it and the second blur
            assert apart.max() <= 1
        assert (apart > 0).mean() < 0.02
