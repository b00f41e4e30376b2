"""The trees of real weather against made-up ones of the exact layout, and what is said of those that lack something."""

import pytest
from helpers.weather_sets import ACDC, SETS, write_set

from mmfan.cli import main
from mmfan.datasets.prepare.weather_trees import TREES, report_condition, report_tree, unreferenced


@pytest.mark.parametrize("name", SETS)
def test_every_file_is_counted(tmp_path, name):
    root, tree = write_set(tmp_path, name), TREES[name]
    reports = report_tree(root, tree, tree.splits)
    in_tree = [picture for picture in SETS[name] if not (name == "dark_zurich" and "/test/" in picture)]
    assert sum(report.pictures for report in reports) == len(in_tree)
    assert sum(report.labels for report in reports) == sum(label is not None for label in SETS[name].values())
    assert not any(report.without_label or report.without_picture for report in reports if report.labelled)
    for split in tree.labelled:
        assert all(report.pictures == 2 for report in report_tree(root, tree, (split,)))


def test_published_numbers():
    """ACDC: 1600, 406 and 2000 pictures; of the conditions of val 100, 106, 100 and 100."""
    acdc = TREES["acdc"]
    assert {split: sum(numbers) for split, numbers in acdc.counts.items()} == {"train": 1600, "val": 406, "test": 2000}
    assert [acdc.expected("val", condition) for condition in ("fog", "night", "rain", "snow")] == [100, 106, 100, 100]
    muses = TREES["muses"]
    assert sum(number for numbers in muses.counts.values() for number in numbers) == 2500
    assert len(muses.conditions) == 8
    assert muses.expected("val", "fog/night") is None


def test_conditions_by_name():
    muses = TREES["muses"]
    assert muses.chosen("fog/day") == ("fog/day",)
    assert muses.chosen("night") == ("clear/night", "fog/night", "rain/night", "snow/night")
    assert TREES["acdc"].chosen(None) == ("fog", "night", "rain", "snow")
    with pytest.raises(ValueError, match=r"ACDC has the conditions fog, night, rain, snow, got 'fogg'. Did you mean"):
        TREES["acdc"].chosen("fogg")
    with pytest.raises(ValueError, match=r"BDD100K has no folders of conditions, got 'rain'"):
        TREES["bdd100k"].chosen("rain")


def test_what_is_missing_is_named(tmp_path):
    root = write_set(tmp_path, "acdc")
    pictures = [picture for picture in ACDC if picture.startswith("rgb_anon/fog/val")]
    (root / pictures[0]).unlink()
    (root / ACDC[pictures[1]]).unlink()
    problems = report_condition(root, TREES["acdc"], "val", "fog").problems
    assert problems == [
        "val fog: 1 pictures have no label: GOPR0475/GOPR0475_frame_000083_rgb_anon.png.",
        "val fog: 1 labels have no picture: GOPR0475/GOPR0475_frame_000041_gt_labelTrainIds.png.",
        "val fog: expected 100 pictures, got 1.",
    ]
    assert unreferenced(root, "val", "night") == []
    (root / "rgb_anon/night/val_ref/GOPR0351/GOPR0351_frame_000041_rgb_ref_anon.png").unlink()
    assert unreferenced(root, "val", "night") == ["GOPR0351/GOPR0351_frame_000041"]


@pytest.mark.parametrize("name", SETS)
def test_on_the_command_line(tmp_path, capsys, name):
    root = write_set(tmp_path, name)
    assert main(["prepare", "weather", name, str(root), "--allow-partial"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "2 pictures, 2 labels, expected any number: complete" in said.out
    assert main(["prepare", "weather", name, str(root)]) == 1
    said = capsys.readouterr()
    assert "expected" in said.err
    assert "--allow-partial" in said.err


def test_references_on_the_command_line(tmp_path, capsys):
    root = write_set(tmp_path, "acdc")
    command = ["prepare", "weather", "acdc", str(root), "--allow-partial", "--references", "--splits", "val"]
    assert main(command) == 0
    assert "references: complete" in capsys.readouterr().out
    (root / "rgb_anon/snow/val_ref/GOPR0122/GOPR0122_frame_000083_rgb_ref_anon.png").unlink()
    assert main(command) == 1
    assert "val snow: 1 pictures have no reference: GOPR0122/GOPR0122_frame_000083." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["acdc", "nowhere"], "There is no folder"),
        (["acdc", "nowhere"], "rgb_anon_trainvaltest.zip and gt_trainval.zip"),
        (["muses", "nowhere", "--references"], "only acdc has frames in good weather"),
        (["coco_o", "nowhere", "--splits", "val"], "coco_o is taken whole"),
        (["muses", "nowhere", "--splits", "minival"], "MUSES has the splits train, val, test, got 'minival'"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["prepare", "weather", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_holds_nothing_of_the_set(tmp_path, capsys):
    (tmp_path / "rgb_anon").mkdir()
    assert main(["prepare", "weather", "acdc", str(tmp_path), "--allow-partial"]) == 1
    assert "No picture of ACDC found in train, val." in capsys.readouterr().err
