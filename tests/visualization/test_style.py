"""Styles, folded names and groups of the plots."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmfan.visualization.style import COLOURS, fold, grouped, style_of

# what a red-blind and a green-blind eye make of linear RGB (Vienot, Brettel and Mollon, 1999)
PROTAN = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
DEUTAN = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])


def seen(colour: str, eye: np.ndarray) -> np.ndarray:
    """A colour in CIE Lab, after the loss of a cone."""
    rgb = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.clip(eye @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / to_xyz.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_colours_differ_for_every_eye():
    for eye in (np.eye(3), PROTAN, DEUTAN):
        for one, other in itertools.combinations(COLOURS, 2):
            # a difference of 2.3 is just noticeable
            assert np.linalg.norm(seen(one, eye) - seen(other, eye)) > 15, (one, other)


def test_styles_differ():
    styles = [style_of(place) for place in range(4 * len(COLOURS))]
    assert len(set(styles)) == len(styles)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=150), st.integers(7, 40))
def test_folded_names_fit(name, width):
    lines = fold(name, width, 2).split("\n")
    assert len(lines) <= 2
    # a mark for a possible line end may count as a letter, never the other way round
    assert all(len(line) <= width for line in lines)


def test_short_names_stay():
    assert fold("fan-t") == "fan-t"
    assert fold("a name of 30 letters or fewer.") == "a name of 30 letters or fewer."


def test_groups_keep_their_order_and_lose_nothing():
    groups = {"noise": ("shot_noise",), "weather": ("snow", "fog"), "blur": ("zoom_blur",)}
    assert grouped(["rain", "fog", "shot_noise", "snow"], groups) == {
        "noise": ["shot_noise"], "weather": ["snow", "fog"], "other": ["rain"],
    }  # fmt: skip
    assert grouped(["fog"], {}) == {"other": ["fog"]}
