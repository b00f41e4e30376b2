import pytest

from mmfan.datasets.prepare.cityscapes_tree import IMAGE_SUFFIX, LABEL_SUFFIX, report_split, stems_in
from mmfan.utils.text import shortlist


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture
def tree(tmp_path):
    for name in ("ulm/ulm_0", "ulm/ulm_1", "aachen/aachen_0"):
        touch(tmp_path / "leftImg8bit/train" / (name + IMAGE_SUFFIX))
        touch(tmp_path / "gtFine/train" / (name + LABEL_SUFFIX))
    return tmp_path


def test_stems_are_sorted_relative_and_visible(tree):
    touch(tree / "leftImg8bit/train/ulm/.ulm_9_leftImg8bit.png")
    touch(tree / "leftImg8bit/train/.trash/ulm_9_leftImg8bit.png")
    touch(tree / "leftImg8bit/train/ulm/notes.txt")
    assert stems_in(tree / "leftImg8bit/train", IMAGE_SUFFIX) == ["aachen/aachen_0", "ulm/ulm_0", "ulm/ulm_1"]
    assert stems_in(tree / "nowhere", IMAGE_SUFFIX) == []


def test_stems_follow_linked_cities(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    touch(elsewhere / "bonn_0_leftImg8bit.png")
    (tree / "leftImg8bit/train/bonn").symlink_to(elsewhere)
    assert "bonn/bonn_0" in stems_in(tree / "leftImg8bit/train", IMAGE_SUFFIX)


def test_links_that_lead_back_bring_nothing_twice(tree):
    (tree / "leftImg8bit/train/ulm/all").symlink_to("..")
    (tree / "gtFine/train/aachen/self").symlink_to(".")
    assert report_split(tree, "train", 3).problems == []


def test_complete_split_has_no_problem(tree):
    report = report_split(tree, "train", 3)
    assert (report.pictures, report.labels, report.problems) == (3, 3, [])
    assert report_split(tree, "train").problems == []


def test_each_problem_is_named(tree):
    (tree / "gtFine/train/ulm" / ("ulm_1" + LABEL_SUFFIX)).unlink()
    (tree / "leftImg8bit/train/aachen" / ("aachen_0" + IMAGE_SUFFIX)).unlink()
    report = report_split(tree, "train", 3)
    assert report.problems == [
        "train: 1 pictures have no label: ulm/ulm_1_leftImg8bit.png.",
        "train: 1 labels have no picture: aachen/aachen_0_gtFine_labelTrainIds.png.",
        "train: expected 3 pictures, got 2.",
        "train: expected 3 labels, got 2.",
    ]


def test_empty_split_is_a_problem_even_without_a_count(tree):
    assert report_split(tree, "val").problems == ["val: no picture and no label found."]


def test_shortlist_of_nothing():
    assert shortlist([]) == ""
