"""Sets that version 0.1.0 made, one of them half: they are read, verified and finished, with the same bytes."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.corrupted_tree import tree_bytes

from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted import (
    Shard,
    list_pictures,
    make_corrupted_set,
    make_plan,
    read_record,
    survey,
    verify_set,
)
from mmfan.datasets.corrupted.record import library_versions

STORED = Path(__file__).parents[2] / "data/corrupted_set_0.1.0"
CELLS = [Cell("brightness", 2), Cell("pixelate", 4)]


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(STORED, tmp_path / "old"))


def plan(old, name, **more):
    return make_plan(old / "clean", old / name, CELLS, seed=7, **more)


def test_a_whole_set_is_verified_and_nothing_is_left_to_make(old):
    done = verify_set(old / "whole", list_pictures(old / "clean"))
    assert (done.cells, done.files, done.problems) == (2, 6, [])
    before = tree_bytes(old)
    made = make_corrupted_set(plan(old, "whole"))
    assert (made.made, made.kept, made.merge.complete, made.merge.written) == (0, 6, CELLS, [])
    assert tree_bytes(old) == before


def test_a_half_made_set_is_finished_as_a_whole_one(old):
    """Killed on another host: its lock and its journals are there, two of the six pictures are not."""
    half = old / "half"
    left = {path.name for path in (half / ".making").iterdir()}
    assert left == {"lock-1-of-1.json", "journal-1-of-1.jsonl", "journal-2-of-2.jsonl"}
    pictures = {file: content for file, content in tree_bytes(half).items() if file.endswith(".png")}
    assert len(pictures) == 4
    found = survey(plan(old, "half"))
    assert (found.kept, found.count) == (0, 6)  # the journals are not believed: what they note is read again
    done = make_corrupted_set(plan(old, "half"))
    assert (done.made, done.kept, done.failures, done.merge.written) == (2, 4, [], CELLS)
    finished, whole = tree_bytes(half), tree_bytes(old / "whole")
    assert finished.keys() == whole.keys()
    assert pictures.items() <= finished.items()
    assert finished["corrupted_set.json"] == whole["corrupted_set.json"]
    for file, content in whole.items():
        if file.endswith(".png"):
            ours, theirs = (cv2.imdecode(np.frombuffer(each, np.uint8), 1) for each in (finished[file], content))
            np.testing.assert_array_equal(ours, theirs)
    if read_record(half).made_with == library_versions():  # how a PNG is packed depends on the release of OpenCV
        assert finished == whole
    assert verify_set(half, list_pictures(old / "clean")).problems == []


def test_a_half_made_set_is_finished_in_shards(old):
    for number in (1, 2):
        done = make_corrupted_set(plan(old, "half", shard=Shard(number, 2)))
    assert done.merge.complete == CELLS
    assert verify_set(old / "half", list_pictures(old / "clean")).problems == []
    assert not (old / "half/.making").exists()
