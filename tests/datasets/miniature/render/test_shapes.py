import numpy as np
import pytest

from mmfan.datasets.miniature.render.shapes import box_grid, capsule, disc, rectangle, stroke


def area(outline):
    x, y = outline.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_areas():
    assert area(rectangle(1, 2, 4, 4)) == 6
    assert np.isclose(area(stroke((0, 0), (3, 4), 0.5)), 2.5)
    assert np.isclose(area(disc(5, 6, 2.0)), np.pi * 4, rtol=0.03)
    assert np.isclose(area(disc(5, 6, 2.0, squash=0.5)), np.pi * 2, rtol=0.03)


@pytest.mark.parametrize("end", [(0.0, 3.0), (-2.0, 1.0), (4.0, -4.0)])
def test_a_capsule_reaches_its_radius_around_both_ends(end):
    outline = capsule((0.0, 0.0), end, 0.5, 0.25)
    assert np.allclose(np.linalg.norm(outline[:5], axis=1), 0.5)
    assert np.allclose(np.linalg.norm(outline[5:] - end, axis=1), 0.25)
    expected = np.hypot(*end) * 0.75 + np.pi * (0.5**2 + 0.25**2) / 2
    assert np.isclose(area(outline), expected, rtol=0.05)


def test_box_grid_places_boxes_on_the_wall():
    corners = box_grid((5.0, 0.0, 10.0), (0, 0, 1), np.array([(1.0, 2.0, 3.0, 2.5)]))
    assert np.allclose(corners[0], [(5, 2, 11), (5, 2, 13), (5, 2.5, 13), (5, 2.5, 11)])
