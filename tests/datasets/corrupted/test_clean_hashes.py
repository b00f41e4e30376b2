"""A set knows the clean pictures it was made from: replaced ones are refused by its maker, its check and its reader."""

import hashlib
import shutil
import subprocess

import pytest
from helpers.corrupted_tree import tree_bytes, write_cityscapes, write_picture

from mmfan.corruptions import register_corruption, unregister_corruption
from mmfan.datasets.corrupted import MixedSetError, Shard, list_pictures, make_corrupted_set, make_plan, verify_set
from mmfan.datasets.corrupted.clean_hashes import recorded_hashes
from mmfan.datasets.corrupted.layout import clean_set
from mmfan.datasets.corrupted.lookup import CorruptedSet
from mmfan.errors import MMFanError

CELLS = [("shade", 1), ("shade", 4)]


@pytest.fixture(autouse=True)
def _own_corruption():
    register_corruption("shade", lambda image, severity, seed: image // severity)
    yield
    unregister_corruption("shade")


@pytest.fixture
def source(tmp_path):
    return write_cityscapes(tmp_path / "clean", 4)


def make(source, target, cells=CELLS, **options):
    said = []
    done = make_corrupted_set(make_plan(source, target, cells, **options), remark=said.append)
    return done, said


def pictures_of(source):
    return sorted((source / "leftImg8bit/val").rglob("*.png"))


def corrupted(source, target):
    return CorruptedSet(target, clean_set(str(source / "leftImg8bit/val/ulm")))


def test_every_picture_is_noted_as_sha256sum_reads_it(source, tmp_path):
    done, said = make(source, tmp_path / "c")
    assert (done.failures, said) == ([], [])
    expected = {
        f"val/{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in pictures_of(source)
    }
    assert recorded_hashes(tmp_path / "c") == recorded_hashes(tmp_path / "c", "val") == expected
    assert recorded_hashes(tmp_path / "c", "train") == {}
    notes = tmp_path / "c/manifests/clean/val.sha256"
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--quiet", "--strict", str(notes)]
        assert subprocess.run(command, cwd=source / "leftImg8bit", check=False).returncode == 0


def test_shards_note_the_same_as_one_run(source, tmp_path):
    make(source, tmp_path / "whole")
    make(source, tmp_path / "parts", shard=Shard(1, 2))
    part = tmp_path / "parts/manifests/clean/val.1-of-2.sha256"
    assert len(part.read_text().splitlines()) == 2
    make(source, tmp_path / "parts", shard=Shard(2, 2))
    assert tree_bytes(tmp_path / "parts") == tree_bytes(tmp_path / "whole")


def test_names_that_break_lines(tmp_path):
    for name in ("a\nb.png", "a\\nb.png", "a\rb.png", "größe  x.png"):
        write_picture(tmp_path / "photos" / name, 1)
    make(tmp_path / "photos", tmp_path / "c")
    assert set(recorded_hashes(tmp_path / "c")) == {"a\nb.png", "a\\nb.png", "a\rb.png", "größe  x.png"}


def test_replaced_pictures_are_refused_by_all(source, tmp_path):
    target = tmp_path / "c"
    make(source, target, CELLS[:1])
    paths = list(map(str, pictures_of(source)))
    assert corrupted(source, target).check_clean(paths) is None
    assert verify_set(target, list_pictures(source)).remarks == []
    before = tree_bytes(target)
    write_picture(pictures_of(source)[1], 77)

    with pytest.raises(MixedSetError, match=rf"1 clean picture changed .*{paths[1]}\. Put the former ones back"):
        make(source, target)
    with pytest.raises(MixedSetError, match=paths[1]):
        corrupted(source, target).check_clean(paths)
    assert corrupted(source, target).check_clean(paths[:1]) is None
    done = verify_set(target, list_pictures(source))
    assert done.problems == [f"replaced since the set was made from it: {paths[1]}"]
    assert tree_bytes(target) == before


def test_a_picture_that_nothing_was_made_of_may_be_mended(source, tmp_path):
    cut, small = pictures_of(source)[:2]
    cut.write_bytes(cut.read_bytes()[:-50])
    write_picture(small, 3, (20, 48))
    cells = [("brightness", 1)]
    assert len(make(source, tmp_path / "c", cells)[0].failures) == 2
    write_picture(cut, 5)
    write_picture(small, 6)
    assert make(source, tmp_path / "c", cells)[0].failures == []
    noted = recorded_hashes(tmp_path / "c")
    assert noted[f"val/{small.parent.name}/{small.name}"] == hashlib.sha256(small.read_bytes()).hexdigest()
    assert len(noted) == 4


def test_a_set_that_notes_nothing_is_said_to(source, tmp_path):
    target = tmp_path / "c"
    make(source, target, CELLS[:1])
    (target / "manifests/clean/val.sha256").unlink()
    (target / "manifests/clean").rmdir()
    _, said = make(source, target)
    assert len(said) == 1
    assert "does not say which clean pictures it was made from" in said[0]
    assert not (target / "manifests/clean").exists()
    done = verify_set(target, list_pictures(source))
    assert done.problems == []
    assert "4 of 4" in done.remarks[0]
    assert "whether 4 of 4" in corrupted(source, target).check_clean(list(map(str, pictures_of(source))))


def test_a_damaged_file_of_hashes_is_named(source, tmp_path):
    make(source, tmp_path / "c")
    notes = tmp_path / "c/manifests/clean/val.sha256"
    content = notes.read_bytes()
    for wrong in (content[:-10], content.replace(b"  ", b" ", 1), b"\x00\xff\n"):
        notes.write_bytes(wrong)
        with pytest.raises(MMFanError, match=r"val\.sha256 does not hold the hashes"):
            recorded_hashes(tmp_path / "c")
