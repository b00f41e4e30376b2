"""The miniature of real weather: deterministic, in ACDC's tree, true to its name, and read by the dataset class."""

import hashlib

import cv2
import numpy as np
import pytest
from helpers.corrupted_tree import tree_bytes

from mmfan.cli import main
from mmfan.datasets.cityscapes_labels import LABELS, TRAIN_ID_OF
from mmfan.datasets.miniature import draw_in_weather, draw_miniature, write_weather
from mmfan.datasets.miniature.render.weather import CONDITIONS, Weather
from mmfan.datasets.prepare.weather_trees import TREES, report_tree, unreferenced

SIZE = (128, 64)


def test_same_arguments_same_bytes():
    def digest(seed, condition, split, index):
        return [
            hashlib.sha256(one.image.tobytes()).hexdigest()
            for one in draw_in_weather(seed, condition, split, index, SIZE)
        ]

    first = digest(0, "snow", "val", 1)
    assert first == digest(0, "snow", "val", 1)
    others = [digest(0, "snow", "val", 2), digest(1, "snow", "val", 1), digest(0, "rain", "val", 1)]
    assert all(set(first).isdisjoint(other) for other in others)


def test_clear_pictures_are_what_they_were():
    """The bytes of the miniature Cityscapes of the version before there was weather."""
    scene = draw_miniature(0, "val", 3, SIZE)
    assert hashlib.sha256(scene.image.tobytes()).hexdigest()[:16] == "91db9f3d5d278103"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_same_street_with_its_truth(condition):
    for index in range(3):
        bad, good = draw_in_weather(0, condition, "val", index)
        assert bad.image.shape == good.image.shape == (256, 512, 3)
        assert (bad.label_ids == good.label_ids).mean() > 0.998
        assert np.abs(bad.image.astype(int) - good.image).mean() > 8


def test_each_condition_is_what_it_is_called():
    fogs, nights, rains, snows = (
        [draw_in_weather(0, condition, "val", index) for index in range(4)] for condition in CONDITIONS
    )
    # what is far has little contrast left
    contrasts = np.array([[scene.image[100:130].std() for scene in pair] for pair in fogs]).mean(0)
    assert contrasts[0] < 0.6 * contrasts[1]
    for bad, good in nights:
        sky = bad.label_ids == LABELS["sky"].id
        assert bad.image.mean() < 0.75 * good.image.mean()
        assert not sky.any() or bad.image[sky].mean() < 90
    for bad, good in rains:  # a dark, wet road
        road = bad.label_ids == LABELS["road"].id
        assert bad.image[road].mean() < good.image[road].mean()
    for bad, good in snows:  # a white one
        walk = bad.label_ids == LABELS["sidewalk"].id
        road = bad.label_ids == LABELS["road"].id
        assert bad.image[road].mean() > good.image[road].mean()
        assert not walk.any() or bad.image[walk].mean() > good.image[walk].mean()


def test_the_tree_is_that_of_acdc(tmp_path):
    root = tmp_path / "weather"
    assert write_weather(root, 1, 2, SIZE, workers=1)
    reports = report_tree(root, TREES["acdc"], ("train", "val"))
    assert [(report.place, report.pictures, report.labels) for report in reports] == [
        *((f"train {condition}", 1, 1) for condition in CONDITIONS),
        *((f"val {condition}", 2, 2) for condition in CONDITIONS),
    ]
    assert all(unreferenced(root, "val", condition) == [] for condition in CONDITIONS)
    name = "gt/night/val/mohnstadt_night/mohnstadt_night_frame_000001_gt"
    train_ids, ids = (cv2.imread(str(root / f"{name}_{kind}.png"), -1) for kind in ("labelTrainIds", "labelIds"))
    np.testing.assert_array_equal(train_ids, TRAIN_ID_OF[ids])
    scene, clear = draw_in_weather(0, "night", "val", 1, SIZE)
    np.testing.assert_array_equal(ids, scene.label_ids)
    shown = cv2.imread(
        str(root / "rgb_anon/night/val_ref/mohnstadt_night/mohnstadt_night_frame_000001_rgb_ref_anon.png")
    )
    np.testing.assert_array_equal(shown[..., ::-1], clear.image)
    assert not write_weather(root, 1, 2, SIZE)  # already there
    names = [path.name for path in root.rglob("*_rgb_anon.png")]
    assert len(names) == len(set(names)) == 12  # predictions of all conditions fit into one folder


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(tmp_path):
    write_weather(tmp_path / "one", 0, 3, SIZE, workers=1)
    write_weather(tmp_path / "two", 0, 3, SIZE, workers=2)
    assert tree_bytes(tmp_path / "one") == tree_bytes(tmp_path / "two")


def test_on_the_command_line_and_as_a_dataset(tmp_path, capsys):
    command = ["mini", "weather", str(tmp_path / "w"), "--val", "2", "--size", *map(str, SIZE), "--workers", "1"]
    assert main(command) == 0
    assert "0 train + 2 val pictures of each condition" in capsys.readouterr().out
    pytest.importorskip("mmseg")
    from mmfan.datasets import ACDCDataset

    steps = [{"type": "mmfan.LoadImageFromFile"}, {"type": "mmfan.LoadSegAnnotations"}]
    dataset = ACDCDataset(data_root=str(tmp_path / "w"), condition="rain", pipeline=steps)
    assert len(dataset) == 2
    assert dataset[0]["gt_seg_map"].shape == dataset[0]["img"].shape[:2] == (64, 128)


def test_what_is_refused():
    with pytest.raises(ValueError, match="Expected a condition of fog, night, rain, snow, got 'hail'"):
        draw_in_weather(0, "hail", "val", 0)
    with pytest.raises(ValueError, match="got 'hail'"):
        Weather("hail", np.random.default_rng(0))
    with pytest.raises(ValueError, match="`split` to be one of train, val, but got 'test'"):
        draw_in_weather(0, "fog", "test", 0)
