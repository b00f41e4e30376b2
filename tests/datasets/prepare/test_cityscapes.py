"""Labels drawn by hand, by cityscapesScripts directly, and by the tool's function must be the same pixels."""

import json
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("cityscapesscripts")
from cityscapesscripts.preparation.json2labelImg import json2labelImg
from helpers.stale_parts import stale_part

from mmfan.datasets.prepare import cityscapes as prepare_cityscapes
from mmfan.datasets.prepare.cityscapes import check_root, convert, prepare
from mmfan.environment import EnvironmentMismatchError
from mmfan.errors import WorkerDiedError


def box(label, left, top, right, bottom, **more):
    """A rectangle; cityscapesScripts fills its border pixels too."""
    return {"label": label, "polygon": [[left, top], [right, top], [right, bottom], [left, bottom]], **more}


def kill_this_process(_):
    os.kill(os.getpid(), signal.SIGKILL)


SCENE = [
    box("road", 0, 0, 11, 7),
    box("cargroup", 2, 1, 5, 3),  # a group counts as its class
    box("license plate", 3, 2, 3, 2),  # id -1: not drawn
    box("static", 6, 1, 8, 2),  # void: ignored
    box("person", 4, 2, 6, 6),  # in front of the car and the static thing
    box("bus", 0, 0, 11, 7, deleted=1),
    {"label": "sky", "polygon": [[8, 4], [11, 4], [11, 7]]},  # a diagonal from (8, 4) to (11, 7)
]
PICTURE = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255],
        [0, 0, 13, 13, 13, 13, 255, 255, 255, 0, 0, 0, 255],
        [0, 0, 13, 13, 11, 11, 11, 255, 255, 0, 0, 0, 255],
        [0, 0, 13, 13, 11, 11, 11, 0, 0, 0, 0, 0, 255],
        [0, 0, 0, 0, 11, 11, 11, 0, 10, 10, 10, 10, 255],
        [0, 0, 0, 0, 11, 11, 11, 0, 0, 10, 10, 10, 255],
        [0, 0, 0, 0, 11, 11, 11, 0, 0, 0, 10, 10, 255],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 255],
    ],
    np.uint8,
)  # the last column is covered by no polygon


def write_polygons(path, objects, size=(13, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"imgWidth": size[0], "imgHeight": size[1], "objects": objects}))


@pytest.fixture
def root(tmp_path):
    tmp_path = tmp_path / "cityscapes"
    for split, count in (("train", 5), ("val", 2)):
        for index in range(count):
            stem = f"ulm/ulm_{index:06d}_000019"
            write_polygons(tmp_path / "gtFine" / split / f"{stem}_gtFine_polygons.json", SCENE[: index + 1])
            image = tmp_path / "leftImg8bit" / split / f"{stem}_leftImg8bit.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(image), np.zeros((8, 13, 3), np.uint8))
    return tmp_path


def tree_bytes(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_pixels_against_a_picture_drawn_by_hand(tmp_path):
    polygons = tmp_path / "a_gtFine_polygons.json"
    write_polygons(polygons, SCENE)
    target = convert(polygons)
    assert target == tmp_path / "a_gtFine_labelTrainIds.png"
    label = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, PICTURE)
    json2labelImg(str(polygons), str(tmp_path / "theirs.png"), "trainIds")
    assert target.read_bytes() == (tmp_path / "theirs.png").read_bytes()


def test_rectangles_against_slices(tmp_path):
    rng = np.random.default_rng(7)
    names = {"road": 0, "building": 2, "car": 13, "train": 16, "bicycle": 18, "ground": 255}
    expected = np.full((40, 60), 255, np.uint8)
    objects = []
    for _ in range(30):
        label = str(rng.choice(list(names)))
        left, right = sorted(int(value) for value in rng.choice(60, 2, replace=False))
        top, bottom = sorted(int(value) for value in rng.choice(40, 2, replace=False))
        objects.append(box(label, left, top, right, bottom))
        expected[top : bottom + 1, left : right + 1] = names[label]
    polygons = tmp_path / "a_gtFine_polygons.json"
    write_polygons(polygons, objects, size=(60, 40))
    np.testing.assert_array_equal(cv2.imread(str(convert(polygons)), cv2.IMREAD_UNCHANGED), expected)


@pytest.mark.process
def test_any_number_of_workers_writes_the_same(root):
    calls = []
    done = prepare(root, ["train", "val"], workers=1, progress=lambda *numbers: calls.append(numbers))
    assert (done.made, done.kept, done.failures) == (7, 0, [])
    assert calls == [(count, 7) for count in range(1, 8)]
    one = tree_bytes(root)
    assert len(one) == 7 * 3
    done = prepare(root, ["train", "val"], workers=2, force=True)
    assert (done.made, done.kept, done.failures) == (7, 0, [])
    assert tree_bytes(root) == one


@pytest.mark.process
def test_a_killed_run_is_taken_up(root):
    prepare(root, ["train", "val"])
    whole = tree_bytes(root)
    labels = sorted((root / "gtFine").rglob("*_labelTrainIds.png"))
    labels[0].unlink()
    labels[1].write_bytes(labels[1].read_bytes()[:-20])  # cut short by another program
    stale_part(labels[2].parent)
    labels[2].unlink()
    done = prepare(root, ["train", "val"])
    assert (done.made, done.kept) == (3, 4)
    assert tree_bytes(root) == whole


@pytest.mark.process
def test_a_worker_that_is_killed_ends_the_work_in_one_line(root, monkeypatch):
    monkeypatch.setattr("mmfan.datasets.prepare.cityscapes._problem_of", kill_this_process)
    with pytest.raises(WorkerDiedError, match=r"A worker was killed, .* run it again, with fewer workers\."):
        prepare(root, ["train", "val"], workers=2)


def test_only_the_splits_asked_for(root):
    assert prepare(root, ["val"]).made == 2
    assert not list((root / "gtFine/train").rglob("*.png"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "JSONDecodeError"),
        ('{"imgWidth": 8, "imgHeight": 8, "objects": [', "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"imgWidth": 8, "imgHeight": 8}', "KeyError: 'objects'"),
        ('{"imgWidth": 0, "imgHeight": 0, "objects": []}', ""),
        (
            '{"imgWidth": 8, "imgHeight": 8, "objects": [{"label": "unicorn", "polygon": [[0,0],[1,1]]}]}',
            "'unicorn' not",
        ),
        ('{"imgWidth": 8, "imgHeight": 8, "objects": [{"label": "car", "polygon": [[0,0], 3]}]}', "TypeError"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.process
def test_broken_polygons_are_named_and_the_rest_is_made(root, content, reason, workers, capsys):
    broken = root / "gtFine/train/ulm/ulm_000001_000019_gtFine_polygons.json"
    broken.write_text(content)
    done = prepare(root, ["train", "val"], workers=workers)
    assert done.made == 6
    assert len(done.failures) == 1
    assert done.failures[0].startswith(f"Cannot convert {broken}: ")
    assert reason in done.failures[0]
    assert capsys.readouterr().out == ""
    assert not list(root.rglob("*.part*"))
    assert not list(broken.parent.glob("ulm_000001*.png"))


def test_missing_scripts(root, monkeypatch):
    monkeypatch.setattr(prepare_cityscapes, "is_installed", lambda module: False)
    with pytest.raises(EnvironmentMismatchError, match="pip install cityscapesscripts"):
        prepare(root, ["train"])


def test_nothing_to_draw_needs_no_scripts(root, monkeypatch):
    prepare(root, ["train"])
    monkeypatch.setattr(prepare_cityscapes, "is_installed", lambda module: False)
    assert prepare(root, ["train"]).kept == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere", "nowhere does not exist"),
        ("gtFine/val/ulm", "not found: leftImg8bit, gtFine"),
        ("gtFine", "Both are in {root}: give that folder"),
        (".", "Both are in {root}: give that folder"),
    ],
)
def test_wrong_root(root, given, said):
    with pytest.raises(FileNotFoundError) as caught:
        check_root(root.parent if given == "." else root / given)
    assert said.format(root=root) in str(caught.value)
    assert ("mmfan mini" in str(caught.value)) == ("Both are" not in said)


def test_number_of_workers_is_checked(root):
    with pytest.raises(ValueError, match="Expected `workers` to be a whole number of at least 1, got 0"):
        prepare(root, ["train"], workers=0)


def test_root_may_be_a_string(root):
    assert prepare(str(root), ["val"]).made == 2
    assert Path(root, "gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png").is_file()
