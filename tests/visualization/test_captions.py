"""A picture with what was said of it: the picture stays, the strip below fits the text."""

import numpy as np
import pytest

from mmfan.visualization import captioned


@pytest.mark.parametrize(("height", "strip"), [(40, 12), (320, 40)])
def test_the_strip_is_an_eighth_and_readable(height, strip):
    picture = np.random.default_rng(0).integers(0, 256, (height, 90, 3), np.uint8)
    found = captioned(picture, "tench")
    assert found.shape == (height + strip, 90, 3)
    assert np.array_equal(found[:height], picture)
    assert found[height:].max() > 200


def test_a_long_name_is_made_to_fit():
    """Smaller letters, not fewer: lower than those of a short name, over the whole width."""
    strips = [captioned(np.zeros((200, 60, 3), np.uint8), name)[200:] for name in ("fox", "American pit bull terrier")]
    short, long = (np.argwhere(strip.any(axis=2)) for strip in strips)
    assert np.ptp(long[:, 0]) < np.ptp(short[:, 0])
    assert np.ptp(long[:, 1]) > 50 > np.ptp(short[:, 1])
