"""What can be wrong with an annotation file, each fault alone."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.datasets.coco_annotations import (
    broken_boxes,
    check_classes,
    check_content,
    check_scored,
    clip_boxes,
    narrow_boxes,
    read_annotations,
)

CONTENT = {
    "images": [{"id": 4, "file_name": "a.png", "width": 60, "height": 40}],
    "annotations": [{"id": 1, "image_id": 4, "category_id": 3, "bbox": [0, 0, 60, 40], "area": 2400, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}, {"id": 8, "name": "bus"}],
}


def with_boxes(*boxes):
    entries = [{**CONTENT["annotations"][0], "id": number, "bbox": box} for number, box in enumerate(boxes, 1)]
    return {**CONTENT, "annotations": entries}


def test_a_sound_file_passes():
    check_content(CONTENT, "f.json")
    check_content({key: CONTENT[key] for key in ("images", "categories")}, "image_info.json")
    check_classes(CONTENT, ["person", "car", "bus"], "f.json")
    check_classes(CONTENT, ["person", "bus"], "f.json")
    assert broken_boxes(CONTENT) == {}
    assert clip_boxes(CONTENT) == CONTENT


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("images", {"id": ...}, "f.json: entry number 0 of 'images' has no 'id'"),
        ("images", {"height": ..., "width": ...}, "entry 4 of 'images' has no 'width', 'height'"),
        ("annotations", {"area": ...}, "entry 1 of 'annotations' has no 'area'"),
        ("annotations", {"image_id": 5}, r"1 annotations refer to images that are not in the file: 1 \(image_id 5\)"),
        ("annotations", {"category_id": 2}, r"to categories that are not in the file: 1 \(category_id 2\)"),
        ("categories", {"name": ...}, "entry 1 of 'categories' has no 'name'"),
        ("categories", {"id": 8}, "ids of 'categories' occur more than once: 8"),
        (
            "categories",
            {"id": [8]},
            r"expected 'id' to be whole numbers \(or texts\) in all entries of 'categories', got",
        ),
        ("images", {"id": True}, "expected 'id' to be whole numbers .* of 'images', got True"),
        ("images", {"file_name": 3}, "expected 'file_name' to be texts of 'images', got 3"),
        ("categories", {"name": None}, "expected 'name' to be texts of 'categories', got None"),
        ("annotations", {"id": 10**400}, r"expected 'id' of 'annotations' to be at most 2\*\*53, got 1000"),
        ("annotations", {"category_id": {}}, "expected 'category_id' to be whole numbers"),
    ],
)
def test_a_part_that_is_wrong_is_named(part, change, message):
    content = copy.deepcopy(CONTENT)
    for key, value in change.items():
        if value is ...:
            del content[part][0][key]
        else:
            content[part][0][key] = value
    with pytest.raises(ValueError, match=message):
        check_content(content, "f.json")


@pytest.mark.parametrize("content", [[], {"images": []}, None])
def test_another_file(content):
    with pytest.raises(ValueError, match=r"f\.json to hold 'images', 'annotations' and 'categories'.*got"):
        check_content(content, "f.json")


def test_classes_that_are_no_categories():
    with pytest.raises(
        ValueError, match=r"1 of the dataset's 2 classes are not among the 3 categories of f\.json: truck"
    ):
        check_classes(CONTENT, ["car", "truck"], "f.json")
    with pytest.raises(ValueError, match=r"order of the file.*has person, car, bus, the dataset car, person, bus"):
        check_classes(CONTENT, ["car", "person", "bus"], "f.json")
    with pytest.raises(ValueError, match=r"classes=\('person', 'car', 'bus'\)\).*num_classes=3"):
        check_classes(CONTENT, ["truck"], "f.json")
    twice = {**CONTENT, "categories": [*CONTENT["categories"], {"id": 9, "name": "car"}]}
    with pytest.raises(ValueError, match="without repeats"):
        check_classes(twice, ["person", "car", "bus"], "f.json")


def test_broken_boxes_by_kind():
    content = with_boxes(
        [0, 0, 60.5, 40], [1, 2, 0, 5], [1, 2, 3, -4], [58, 0, 9, 9], [-1.5, 0, 5, 5], [1, 2, 3],
        [1, 2, 3, float("nan")], [100, 100, 5, 5], "1234",
    )  # fmt: skip
    assert broken_boxes(content) == {
        "no box": [6, 7, 9],
        "without area": [2, 3],
        "outside the picture": [4, 5, 8],
    }


def test_clipping_by_hand():
    before = with_boxes(
        [58, 0, 9, 9], [-1.5, 2, 5, 5], [1, 2, 0, 5], [100, 100, 5, 5], [1, 2, 3], [60, 0, 5, 5], [3, 4, 5, 6]
    )
    kept = copy.deepcopy(before)
    after = clip_boxes(before)
    assert before == kept
    assert [(entry["id"], entry["bbox"]) for entry in after["annotations"]] == [
        (1, [58, 0, 2, 9]),
        (2, [0, 2, 3.5, 5]),
        (7, [3, 4, 5, 6]),
    ]


@pytest.mark.parametrize("area", ["12", None, [12], float("nan"), True])
def test_areas_that_are_no_numbers_are_named_and_left_out(area):
    content = with_boxes([1, 1, 5, 5], [1, 1, 5, 5])
    content["annotations"][0]["area"] = area
    assert broken_boxes(content) == {"with area 0": [1]}
    assert [entry["id"] for entry in clip_boxes(content)["annotations"]] == [2]


number = st.floats(-100, 100, allow_nan=False)


@given(st.lists(st.tuples(number, number, number, number), max_size=8))
def test_clipped_boxes_are_sound_and_inside(boxes):
    after = clip_boxes(with_boxes(*map(list, boxes)))
    assert broken_boxes(after) == {}
    assert clip_boxes(after)["annotations"] == after["annotations"]


POLYGON = [[0, 0, 9, 0, 9, 9]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 0}, r"f\.json cannot be scored: annotation 0 with an id that is no whole number from 1 on"),
        ({"id": "1"}, "an id that is no whole number"),
        ({"id": True}, "an id that is no whole number"),
        ({"iscrowd": ...}, "annotation 1 with no `iscrowd`: write 0"),
        ({"iscrowd": 2}, "an `iscrowd` that is neither 0 nor 1"),
        ({"bbox": [0, 0, 0, 4]}, "a box that is not four finite numbers with a width and height above 0"),
        ({"bbox": [0, 0, 3, float("nan")]}, "a box that is not four finite"),
        ({"bbox": [0, 0, 3]}, "a box that is not four finite"),
        ({"area": 0}, "an `area` that is not above 0: write the area of the mask, or width x height"),
        ({"area": None}, "an `area` that is not above 0"),
        ({"area": float("inf")}, "an `area` that is not above 0"),
    ],
)
def test_what_would_be_scored_wrongly_is_named(change, message):
    content = copy.deepcopy(CONTENT)
    for key, value in change.items():
        if value is ...:
            del content["annotations"][0][key]
        else:
            content["annotations"][0][key] = value
    check_scored(CONTENT, "f.json")
    with pytest.raises(ValueError, match=message):
        check_scored(content, "f.json")


@pytest.mark.parametrize("mask", [None, [], {}, [[]], [[0, 0, 9, 9]], "", {"size": [4, 4]}])
def test_masks_are_asked_for_only_where_they_are_scored(mask):
    entry = CONTENT["annotations"][0]
    content = {**CONTENT, "annotations": [{**entry, "segmentation": POLYGON}, {**entry, "id": 2, "segmentation": mask}]}
    check_scored(content, "f.json")
    with pytest.raises(ValueError, match="annotation 2 with no mask"):
        check_scored(content, "f.json", masks=True)
    content["annotations"][1]["segmentation"] = {"size": [40, 60], "counts": "0"}
    check_scored(content, "f.json", masks=True)


def test_objects_that_mmdetection_leaves_out_are_found():
    content = with_boxes([0, 0, 20, 10], [5, 5, 0.5, 9], [5, 5, 9, 0.9])
    content["annotations"][0]["area"] = 0
    assert broken_boxes(content) == {"with area 0": [1]}
    assert narrow_boxes(content, "f.json") == [2, 3]


def test_boxes_in_fractions_are_refused():
    with pytest.raises(ValueError, match=r"All boxes of f\.json lie between 0 and 1: they are fractions"):
        narrow_boxes(with_boxes([0.1, 0.1, 0.4, 0.4], [0, 0, 1, 1]), "f.json")
    assert narrow_boxes({**CONTENT, "annotations": []}, "f.json") == []


@pytest.mark.parametrize("part", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", [None, 3, "text", {"id": 1}])
def test_parts_are_lists(part, value):
    with pytest.raises(ValueError, match=f"f.json: expected '{part}' to be a list"):
        check_content({**CONTENT, part: value}, "f.json")


def test_ids_of_two_types_are_refused():
    content = with_boxes([1, 1, 5, 5], [1, 1, 5, 5])
    content["annotations"][1]["id"] = "2"
    with pytest.raises(
        ValueError, match=r"expected 'id' to be whole numbers .* in all entries of 'annotations', got '2'"
    ):
        check_content(content, "f.json")


def test_numbers_beyond_floating_point():
    content = with_boxes([1, 1, 10**400, 5], [1, 1, 5, float("inf")], [1, 1, 5, 5])
    assert broken_boxes(content) == {"no box": [1, 2]}


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"images": [', b'{"a":' * 100_000])
def test_a_file_that_is_cut_short(tmp_path, content):
    (tmp_path / "f.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"f\.json cannot be read as JSON, is it whole"):
        read_annotations(str(tmp_path / "f.json"))
