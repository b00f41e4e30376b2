import numpy as np
import pytest

from mmfan.datasets.miniature import Scene, draw_miniature
from mmfan.datasets.miniature.sets.coco_objects import CATEGORIES, annotate, crowds, outline, run_lengths

pytestmark = pytest.mark.slow


def scene(*objects, size=(60, 100)):
    """A scene of rectangles: (instance id, top, bottom, left, right) each."""
    instances = np.full(size, 7, np.uint16)  # road
    for number, top, bottom, left, right in objects:
        instances[top:bottom, left:right] = number
    labels = np.where(instances >= 1000, instances // 1000, instances).astype(np.uint8)
    return Scene(np.zeros((*size, 3), np.uint8), labels, instances)


def decoded(segmentation, size):
    """A segmentation as pycocotools reads it."""
    pycoco = pytest.importorskip("pycocotools.mask")
    encoded = pycoco.frPyObjects(segmentation, *size)
    return pycoco.decode(pycoco.merge(encoded) if isinstance(encoded, list) else encoded).astype(bool)


def test_an_outline_goes_along_the_edges_of_the_pixels():
    mask = np.zeros((10, 12), bool)
    mask[2:6, 3:9] = True
    (polygon,) = outline(mask)
    corners = np.array(polygon).reshape(-1, 2)
    np.testing.assert_allclose(corners.min(axis=0), [3, 2], atol=0.13)
    np.testing.assert_allclose(corners.max(axis=0), [9, 6], atol=0.13)
    assert np.array_equal(decoded([polygon], mask.shape), mask)


def test_parts_are_polygons_of_their_own_and_holes_are_filled():
    mask = np.zeros((20, 30), bool)
    mask[1:4, 1:4] = True
    mask[6:18, 6:20] = True
    mask[10:12, 10:14] = False
    polygons = outline(mask)
    assert len(polygons) == 2
    assert len(polygons[0]) >= 8
    filled = mask.copy()
    filled[10:12, 10:14] = True
    assert np.array_equal(decoded(polygons, mask.shape), filled)


@pytest.mark.parametrize("seed", range(5))
def test_run_lengths_are_those_of_pycocotools(seed):
    mask = np.random.default_rng(seed).uniform(size=(7, 11)) < seed / 4
    found = run_lengths(mask)
    assert sum(found["counts"]) == mask.size
    assert np.array_equal(decoded(found, mask.shape), mask)


def test_neighbours_of_neighbours_are_one_crowd():
    row = [[x, 0, 5, 10] for x in (0, 9, 40, 18, 60)]  # 0-9-18 are 4 apart, the others far
    assert crowds(row) == [[0, 1, 3]]
    assert crowds(row[:2]) == []
    assert crowds([[0, 0, 5, 10], [40, 0, 5, 10], [18, 0, 5, 10], [0, 15, 5, 5], [9, 3, 30, 4]]) == [[0, 1, 2, 4]]


def test_categories_boxes_and_areas_by_hand():
    found = annotate(
        scene((26000, 10, 30, 5, 45), (25000, 20, 50, 60, 70), (24000, 1, 4, 90, 95), (24001, 40, 50, 90, 95))
    )
    assert [(o["category_id"], o["bbox"], o["area"], o["iscrowd"]) for o in found] == [
        (1, [60, 20, 10, 30], 300, 0),  # a rider is a person
        (3, [5, 10, 40, 20], 800, 0),
        (1, [90, 40, 5, 10], 50, 0),  # the person of 15 pixels is left out
    ]


def test_small_cars_in_a_row_are_one_crowd():
    cars = [(26000 + n, 20, 26, 10 + 9 * n, 16 + 9 * n) for n in range(4)]
    near, single = (26009, 30, 50, 20, 60), (24000, 20, 26, 90, 96)
    found = annotate(scene(*cars, near, single))
    assert [(o["category_id"], o["iscrowd"], o["area"]) for o in found] == [(3, 0, 800), (1, 0, 36), (3, 1, 144)]
    crowd = found[2]
    assert crowd["bbox"] == [10, 20, 33, 6]
    expected = np.zeros((60, 100), bool)
    for _, top, bottom, left, right in cars:
        expected[top:bottom, left:right] = True
    assert np.array_equal(decoded(crowd["segmentation"], (60, 100)), expected)


def test_nothing_to_see():
    assert annotate(scene()) == []


def test_polygons_of_drawn_scenes_are_their_masks():
    drawn = draw_miniature(0, "val", 3)
    found = annotate(drawn)
    assert len(found) >= 5
    assert {entry["category_id"] for entry in found} <= set(CATEGORIES.values())
    union = np.zeros(drawn.label_ids.shape, bool)
    for entry in found:
        mask = decoded(entry["segmentation"], union.shape)
        assert mask.sum() == pytest.approx(entry["area"], rel=0.1)
        union |= mask
    assert (union & (drawn.instance_ids < 1000)).sum() < 0.05 * union.sum()  # holes: what is seen through wheels
