"""The same bytes however a set is made, and nothing mixed, lost or half-written on the way."""

import errno
import hashlib
import json
import os

import cv2
import numpy as np
import pytest
from helpers.corrupted_tree import tree_bytes, write_cityscapes, write_picture
from helpers.own_sets import CELLS, dim, make

from mmfan.corruptions import corrupt, frost, picture_seed, register_corruption, unregister_corruption
from mmfan.datasets.corrupted import (
    MixedSetError,
    Shard,
    make_corrupted_set,
    make_plan,
)
from mmfan.datasets.corrupted.making import worker as units
from mmfan.datasets.corrupted.manifest import Ledger, Merge

pytestmark = pytest.mark.usefixtures("own_corruptions")


def test_files_are_what_the_engine_says(source, tmp_path):
    target = tmp_path / "c"
    calls = []
    done = make(source, target, progress=lambda *numbers: calls.append(numbers))
    assert (done.made, done.kept, done.failures) == (21, 0, [])
    assert calls == [(count, 21) for count in range(1, 22)]
    name = "val/ulm/ulm_000002_000019_leftImg8bit.png"
    clean = cv2.imread(str(source / "leftImg8bit" / name))[..., ::-1]
    path = target / "leftImg8bit/tint/3" / name
    expected = corrupt(np.ascontiguousarray(clean), "tint", 3, picture_seed(0, name, "tint", 3))
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], expected)
    assert done.size == sum(len(content) for file, content in tree_bytes(target).items() if file.endswith(".png"))

    files = [str(path) for path in tree_bytes(target) if path.startswith("leftImg8bit")]
    assert len(files) == 21
    manifest = json.loads((target / "manifests/tint/3/val.json").read_text())
    assert manifest["count"] == 7
    assert manifest["files"][name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(manifest["files"]) == sorted(manifest["files"])
    assert (manifest["seed"], manifest["corruption_version"], manifest["format"]) == (0, "1", "png")
    assert sorted(entry.name for entry in target.iterdir()) == ["corrupted_set.json", "leftImg8bit", "manifests"]
    assert json.loads((target / "corrupted_set.json").read_text())["made_with"]["numpy"] == np.__version__


def test_shards_write_the_same_as_one_run(source, whole, tmp_path):
    target = tmp_path / "shards"
    first = make(source, target, shard=Shard(1, 3))
    assert (first.made, first.merge.complete, len(first.merge.incomplete)) == (9, [], 3)
    assert {path.name for path in (target / "manifests").rglob("*.json")} == {"val.1-of-3.json"}
    make(source, target, shard=Shard(3, 3))
    last = make(source, target, shard=Shard(2, 3))
    assert len(last.merge.written) == 3
    assert tree_bytes(target) == whole


def test_a_shard_that_was_last_to_note_is_merged_by_any_later_run(source, whole, tmp_path, monkeypatch):
    target = tmp_path / "shards"
    monkeypatch.setattr(Ledger, "merge", lambda ledger: ledger.save() or Merge())  # both at the same moment
    make(source, target, shard=Shard(1, 2))
    make(source, target, shard=Shard(2, 2))
    monkeypatch.undo()
    done = make(source, target, shard=Shard(2, 2))
    assert (done.made, done.kept, len(done.merge.written)) == (0, 9, 3)
    assert tree_bytes(target) == whole


def test_resumed_in_any_state(source, whole, tmp_path):
    target = tmp_path / "whole"
    pictures = sorted((target / "leftImg8bit").rglob("*.png"))
    pictures[0].unlink()
    pictures[1].write_bytes(pictures[1].read_bytes()[:-30])
    pictures[2].with_name(f".{pictures[2].name}.1-a.1-of-1.part").write_bytes(b"half")
    pictures[2].unlink()
    done = make(source, target)
    assert (done.made, done.kept, done.merge.written) == (3, 18, [])
    assert tree_bytes(target) == whole
    assert make(source, target).kept == 21


def test_files_nobody_noted_are_read_again_and_damaged_ones_made_anew(source, whole, tmp_path):
    target = tmp_path / "whole"
    for manifest in (target / "manifests").rglob("*.json"):
        manifest.unlink()
    damaged = sorted((target / "leftImg8bit").rglob("*.png"))[4]
    content = bytearray(damaged.read_bytes())
    content[60] ^= 1  # whole by its end, wrong by its checksum
    damaged.write_bytes(content)
    done = make(source, target)
    assert (done.made, done.kept) == (1, 20)
    assert tree_bytes(target) == whole


def test_a_set_grows(source, whole, tmp_path):
    target = tmp_path / "grows"
    make(source, target, cells=CELLS[:1])
    make(source, target, split="train")
    make(source, target, cells=CELLS[1:])
    train = tree_bytes(target)
    assert {file: content for file, content in train.items() if "train" not in file} == whole
    assert len(train) - len(whole) == 7

    write_picture(source / "leftImg8bit/val/ulm/ulm_000100_000019_leftImg8bit.png", 100)
    done = make(source, target)
    assert (done.made, done.kept, len(done.merge.written)) == (3, 21, 3)
    assert json.loads((target / "manifests/dim/2/val.json").read_text())["count"] == 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 5}, "base seed 0 there, 5 now"),
        ({"picture_format": "jpeg"}, "format png there, jpeg now; JPEG quality None there, 95 now"),
    ],
)
def test_mixing_is_refused(source, whole, tmp_path, options, said):
    with pytest.raises(MixedSetError, match=said):
        make(source, tmp_path / "whole", **options)
    assert tree_bytes(tmp_path / "whole") == whole


def test_other_engine_or_corruption_versions_are_refused(source, whole, tmp_path, monkeypatch):
    from mmfan.datasets.corrupted.making import plan as planning

    monkeypatch.setattr(planning, "ENGINE_VERSION", "77")
    with pytest.raises(MixedSetError, match="version of the corruptions 1 there, 77 now"):
        make(source, tmp_path / "whole")
    monkeypatch.undo()
    unregister_corruption("dim")
    register_corruption("dim", dim, version="2")
    with pytest.raises(MixedSetError, match="pictures of 'dim' in its version 1, this is version 2"):
        make(source, tmp_path / "whole")
    make(source, tmp_path / "whole", cells=CELLS[:2])  # the others are untouched by it
    assert tree_bytes(tmp_path / "whole") == whole


def test_other_library_versions_are_remarked_on(source, whole, tmp_path):
    record = tmp_path / "whole/corrupted_set.json"
    record.write_text(record.read_text().replace(f'"opencv": "{cv2.__version__}"', '"opencv": "3.1"'))
    said = []
    make(source, tmp_path / "whole", remark=said.append)
    assert len(said) == 1
    assert f"begun with opencv 3.1, this is {cv2.__version__}" in said[0]


def test_pictures_without_a_record_or_from_another_source_are_refused(source, whole, tmp_path):
    other = write_cityscapes(tmp_path / "other", 3)
    with pytest.raises(MixedSetError, match="begun from another source: 4 of its pictures of tint 1"):
        make(other, tmp_path / "whole")
    (tmp_path / "whole/corrupted_set.json").unlink()
    (tmp_path / "whole/manifests/tint/1/val.json").unlink()
    with pytest.raises(MixedSetError, match="has no record of how they were made"):
        make(source, tmp_path / "whole")


def test_a_picture_made_anew_that_differs_from_its_manifest_is_named(source, whole, tmp_path):
    target = tmp_path / "whole"
    manifest = target / "manifests/dim/2/val.json"
    picture = min((target / "leftImg8bit/dim/2").rglob("*.png"))
    manifest.write_text(manifest.read_text().replace(hashlib.sha256(picture.read_bytes()).hexdigest(), "0" * 64))
    picture.unlink()
    done = make(source, target)
    assert len(done.failures) == 1
    assert f"{picture} was made anew and is not what its manifest says" in done.failures[0]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.process
@pytest.mark.slow
def test_bad_pictures_are_named_and_the_rest_is_made(source, tmp_path, workers):
    folder = source / "leftImg8bit/val/ulm"
    cut, empty, small, text = (folder / f"ulm_{index:06d}_000019_leftImg8bit.png" for index in (0, 2, 100, 101))
    cut.write_bytes(cut.read_bytes()[:-100])
    empty.write_bytes(b"")
    write_picture(small, 1, (20, 48))
    text.write_text("not a picture")
    cells = [("brightness", 1), ("contrast", 2)]
    done = make(source, tmp_path / "c", cells=cells, workers=workers)
    assert done.made == 2 * 5
    named = "\n".join(done.failures)
    assert f"Cannot use {cut}: the PNG is truncated" in named
    assert f"Cannot use {empty}: the file is empty" in named
    assert f"Cannot use {text}: it is not a picture" in named
    assert f"Cannot use {small} for brightness 1: Expected both sides to be at least 32" in named
    assert len(done.failures) == 5
    assert done.merge.incomplete == dict.fromkeys(cells, 5)
    assert {path.name for path in (tmp_path / "c/manifests").rglob("*.json")} == {"val.1-of-1.json"}
    assert not list((tmp_path / "c").rglob("*.part"))

    for path in (empty, small, text):
        path.unlink()
    write_picture(cut, 0)
    done = make(source, tmp_path / "c", cells=cells, workers=workers)
    assert (done.made, done.kept, done.failures, len(done.merge.written)) == (2, 10, [], 2)


@pytest.mark.process
@pytest.mark.slow
def test_two_workers_write_the_same_as_one(source, tmp_path):
    cells = [("brightness", 1), ("contrast", 2), ("pixelate", 5)]
    done = [make(source, tmp_path / f"c{workers}", cells=cells, workers=workers) for workers in (1, 2)]
    assert [(each.made, each.failures) for each in done] == [(21, [])] * 2
    assert tree_bytes(tmp_path / "c1") == tree_bytes(tmp_path / "c2")


def test_a_clean_picture_is_decoded_once(source, tmp_path, monkeypatch):
    decode, decoded = units.decode_picture, []
    monkeypatch.setattr(units, "decode_picture", lambda content: decoded.append(content) or decode(content))
    make(source, tmp_path / "c")
    assert len(decoded) == len(set(decoded)) == 7


def test_a_corruption_that_fails_is_told_of_every_picture(source, tmp_path):
    def moody(image, severity, seed):
        if seed % 2:
            raise KeyError("no")
        return image

    register_corruption("moody", moody)
    try:
        done = make(source, tmp_path / "c", cells=[("moody", 1), ("dim", 1)])
    finally:
        unregister_corruption("moody")
    assert 0 < len(done.failures) < 7
    assert all("for moody 1: KeyError: 'no'" in failure for failure in done.failures)
    assert done.merge.written == [("dim", 1)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folder(source, tmp_path):
    folder = source / "leftImg8bit/val/jena"
    folder.chmod(0)
    try:
        done = make(source, tmp_path / "c")
    finally:
        folder.chmod(0o755)
    assert done.made == 4 * 3
    assert done.failures == [f"Cannot read the folder {folder}: Permission denied."]
    assert done.merge.complete == []


def test_unreadable_folder_whoever_runs_it(source, tmp_path, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("jena"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    plan = make_plan(source, tmp_path / "c", CELLS)
    monkeypatch.undo()
    done = make_corrupted_set(plan)
    assert (done.made, done.merge.complete) == (12, [])
    assert done.failures == [f"Cannot read the folder {source}/leftImg8bit/val/jena: Permission denied."]
    assert not list((tmp_path / "c/manifests").rglob("val.json"))


def test_missing_textures_of_frost_end_it_before_anything_is_written(tmp_path, monkeypatch):
    write_picture(tmp_path / "clean/a.png", seed=1)
    plan = make_plan(tmp_path / "clean", tmp_path / "c", [("dim", 2), ("frost", 1)], layout="folder")
    monkeypatch.setattr(frost, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps imagecorruptions-imaug"):
        make_corrupted_set(plan)
    assert not (tmp_path / "c").exists()
    plan = make_plan(tmp_path / "clean", tmp_path / "c", [("dim", 2)], layout="folder")
    assert make_corrupted_set(plan).made == 1
