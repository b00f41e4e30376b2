"""What changes a run's hashes, and what does not."""

import json

import numpy as np
import pytest

from mmfan.errors import MMFanError
from mmfan.evaluation.loop.identity.contents import contents_of, metric_hash


class Pipeline:
    transforms = ()


class TwoPictures:
    """A dataset of two pictures with label maps, as mmengine's datasets show themselves."""

    pipeline = Pipeline()

    def __init__(self, root, classes=("road", "car"), **more):
        self.metainfo = {"classes": classes}
        self.samples = [
            {"img_path": str(root / f"{number}.png"), "seg_map_path": str(root / f"{number}.map"), **more}
            for number in (0, 1)
        ]

    def get_data_info(self, number):
        return {**self.samples[number], "sample_idx": number}


NAMES = ["a.png", "b.png"]
METRIC = {"type": "IoUMetric", "iou_metrics": ["mIoU"]}


@pytest.fixture
def root(tmp_path):
    for number in (0, 1):
        (tmp_path / f"{number}.png").write_bytes(b"picture %d" % number)
        (tmp_path / f"{number}.map").write_bytes(b"labels %d" % number)
    return tmp_path


def test_the_same_wherever_it_lies_and_in_any_order(root, tmp_path_factory):
    first = contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)
    assert contents_of(TwoPictures(root), [1, 0], NAMES[::-1], METRIC) == first
    other = tmp_path_factory.mktemp("other")
    for file in root.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    assert contents_of(TwoPictures(other), [0, 1], NAMES, METRIC) == first
    assert all(len(part) == 16 and int(part, 16) >= 0 for part in first)
    assert len(set(first)) == 3


@pytest.mark.parametrize(
    ("file", "part"), [("0.png", "pictures"), ("1.png", "pictures"), ("0.map", "truth"), ("1.map", "truth")]
)
def test_a_file_that_is_mended(root, file, part):
    before = contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)
    (root / file).write_bytes(b"mended")
    after = contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)
    assert [name for name in before._fields if getattr(before, name) != getattr(after, name)] == [part]


def test_pictures_that_change_places(root):
    before = contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)
    assert contents_of(TwoPictures(root), [0, 1], NAMES[::-1], METRIC).pictures != before.pictures


@pytest.mark.parametrize(
    "more",
    [
        {"reduce_zero_label": True},
        {"label_map": {0: 1}},
        {"instances": [{"bbox": [0, 0, 4, 5], "bbox_label": 1}]},
        {"gt": np.arange(3)},
    ],
)
def test_what_samples_tell_of_the_truth(root, more):
    plain = contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)
    changed = contents_of(TwoPictures(root, **more), [0, 1], NAMES, METRIC)
    assert changed.truth != plain.truth
    assert changed.pictures == plain.pictures
    assert contents_of(TwoPictures(root, **more), [0, 1], NAMES, METRIC) == changed


def test_an_annotation_file_counts_by_what_it_holds(root):
    def of(file, content):
        (root / file).write_text(json.dumps(content))
        metric = {"type": "CocoMetric", "ann_file": str(root / file)}
        return contents_of(TwoPictures(root), [0, 1], NAMES, {"type": "mmfan.RetentionEvaluator", "metric": [metric]})

    first = of("a.json", {"annotations": []})
    assert of("b.json", {"annotations": []}) == first
    mended = of("a.json", {"annotations": [1]})
    assert mended.truth != first.truth
    assert mended.metric == first.metric


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"ignore_index": 0}, False),
        ({"iou_metrics": ["mIoU", "mDice"]}, False),
        ({"type": "CocoMetric"}, False),
        ({"collect_device": "gpu", "output_dir": "maps"}, True),
    ],
)
def test_settings_of_the_metric(change, same):
    assert (metric_hash({**METRIC, **change}, ["road"]) == metric_hash(METRIC, ["road"])) is same


def test_classes_count_in_their_order():
    assert metric_hash(METRIC, ["road", "car"]) != metric_hash(METRIC, ["car", "road"])
    assert metric_hash(METRIC, ["roadcar"]) != metric_hash(METRIC, ["road", "car"])


def test_a_file_that_is_not_there(root):
    (root / "1.map").unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.map"):
        contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)


def test_a_folder_in_the_place_of_a_picture(root):
    (root / "1.png").unlink()
    (root / "1.png").mkdir()
    with pytest.raises(MMFanError, match=r"1\.png cannot be read"):
        contents_of(TwoPictures(root), [0, 1], NAMES, METRIC)
