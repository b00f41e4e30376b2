"""Masks that would end the process are named, those of COCO's kind pass."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.datasets.coco_annotations import read_annotations
from mmfan.datasets.coco_masks import check_masks, unpacked_runs
from mmfan.errors import MMFanError

WIDTH, HEIGHT = 48, 40


def with_mask(mask, **image):
    entry = {"id": 7, "image_id": 4, "category_id": 3, "bbox": [2, 3, 10, 12], "area": 120, "iscrowd": 0}
    return {
        "images": [{"id": 4, "file_name": "a.png", "width": WIDTH, "height": HEIGHT, **image}],
        "annotations": [{**entry, "segmentation": mask}],
        "categories": [{"id": 3, "name": "car"}],
    }


@pytest.mark.parametrize(
    "mask",
    [
        [],
        None,
        [[2, 3, 12, 3, 12, 15, 2, 15]],
        [[-1.5, 3, 50, 3, 12, 41.25]],  # a little over the edge
        [[2, 3, 2 * WIDTH, 3, 12, 15]],  # within the picture's width beside it, though not within its height
        [[]],
        {"size": [HEIGHT, WIDTH], "counts": [10, 20, HEIGHT * WIDTH - 30]},
        {"size": [HEIGHT, WIDTH], "counts": "[66R1000000000000000000000000000mR1"},
    ],
)
def test_sound_masks(mask):
    check_masks(with_mask(mask), "f.json")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([[2, 3, 3e9, 3, 12, 15]], "coordinates that lie farther outside the picture"),
        ([[2, 3, 12, -41, 12, 15]], "coordinates that lie farther outside the picture"),
        ([[2, 3, float("nan"), 3, 12, 15]], "no finite numbers"),
        ([[2, 3, float("inf"), 3, 12, 15]], "no finite numbers"),
        ([[1e308, 3, 1e308, 3, 12, 15]], "no finite numbers"),
        ([[2, 3, "4", 3, 12, 15]], "no finite numbers"),
        ([[2, 3, 12, 3, 12]], "not pairs of coordinates"),
        ([2, 3, 12, 3, 12, 15], "not pairs of coordinates"),
        ("polygon", "neither polygons nor run lengths"),
        ({"size": [WIDTH, HEIGHT], "counts": [HEIGHT * WIDTH]}, r"of the size \[48, 40\], its picture has \[40, 48\]"),
        ({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH + 1]}, "do not add up"),
        ({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH + 5, -5]}, "do not add up"),
        ({"size": [HEIGHT, WIDTH], "counts": "[66R1"}, "do not add up"),
        ({"size": [HEIGHT, WIDTH], "counts": "~~~"}, "do not add up"),
        ({"size": [HEIGHT, WIDTH], "counts": [float(HEIGHT * WIDTH)]}, "do not add up"),
        ({"size": [HEIGHT, WIDTH], "counts": None}, "do not add up"),
        ({"counts": [HEIGHT * WIDTH]}, "of the size None"),
    ],
)
def test_masks_that_would_end_the_process(mask, message):
    with pytest.raises(MMFanError, match=f"f.json: annotation 7: the `segmentation` .*{message}.* Mend the masks"):
        check_masks(with_mask(mask), "f.json")


@pytest.mark.parametrize("side", [0, -3, 2.5, "48", None, float("inf"), float("nan"), 10**9])
def test_sizes_that_no_picture_has(side):
    with pytest.raises(MMFanError, match=r"f\.json: the width and height of the images 4 are no sizes of pictures"):
        check_masks(with_mask([], width=side), "f.json")


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_runs_are_unpacked_as_pycocotools_packed_them(seed, height, width):
    coder = pytest.importorskip("pycocotools.mask")
    draw = np.random.default_rng(seed)
    mask = np.asfortranarray((draw.random((height, width)) < draw.random()).astype(np.uint8))
    runs = unpacked_runs(coder.encode(mask)["counts"].decode())
    painted = np.repeat(np.arange(len(runs)) % 2, runs).reshape(width, height).T
    np.testing.assert_array_equal(painted, mask)


def test_the_reader_of_annotation_files_checks_them(tmp_path):
    (tmp_path / "f.json").write_text(json.dumps(with_mask([[2, 3, 3e9, 3, 12, 15]])))
    with pytest.raises(MMFanError, match=r"f\.json: annotation 7"):
        read_annotations(str(tmp_path / "f.json"))
