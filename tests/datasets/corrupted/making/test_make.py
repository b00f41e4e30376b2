"""The same bytes however a set is made, and nothing mixed, lost or half-written on the way."""

import errno
import hashlib
import json
import os
import random
import signal
import time

import cv2
import numpy as np
import pytest
from helpers.corrupted_tree import start_tool, tree_bytes, write_cityscapes, write_module, write_picture

from mmfan.corruptions import corrupt, frost, picture_seed, register_corruption, unregister_corruption
from mmfan.datasets.corrupted import (
    BusyTargetError,
    DiskFullError,
    MixedSetError,
    Shard,
    WorkerDiedError,
    make_corrupted_set,
    make_plan,
    read_manifest,
    survey,
)
from mmfan.datasets.corrupted.making import make as making
from mmfan.datasets.corrupted.making import worker as units
from mmfan.datasets.corrupted.making.lock import shard_lock
from mmfan.datasets.corrupted.manifest import Ledger, Merge
from mmfan.utils.files import whole_file

CELLS = [("tint", 1), ("tint", 3), ("dim", 2)]


def tint(image, severity, seed):
    shift = np.random.default_rng(seed).integers(1, 20, 3, dtype=np.uint8)
    return image + severity * shift


def dim(image, severity, seed):
    return image // (severity + 1)


@pytest.fixture(autouse=True)
def _own_corruptions():
    register_corruption("tint", tint, severities=(1, 2, 3))
    register_corruption("dim", dim)
    yield
    unregister_corruption("tint")
    unregister_corruption("dim")


@pytest.fixture
def source(tmp_path):
    return write_cityscapes(tmp_path / "clean")


def make(source, target, cells=CELLS, workers=1, **options):
    settings = {key: options.pop(key) for key in ("imports", "progress", "remark", "check_space") if key in options}
    return make_corrupted_set(make_plan(source, target, cells, **options), workers=workers, **settings)


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


@pytest.fixture
def whole(source, tmp_path):
    make(source, tmp_path / "whole")
    return tree_bytes(tmp_path / "whole")


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


def fail_to_write(monkeypatch, number, *which):
    """Let the writing of some pictures fail as the system lets it, after half of the file is on the disk."""
    real, written = units.write_whole, []

    def write(path, content, **options):
        written.append(path)
        if len(written) not in which:
            return real(path, content, **options)
        with whole_file(path, **options) as part:
            part.write_bytes(content[: len(content) // 2])
            raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(units, "write_whole", write)


def test_full_disk_before_and_during(source, whole, tmp_path, monkeypatch):
    target = tmp_path / "c"
    monkeypatch.setattr(making, "free_space", lambda _: 1000)
    with pytest.raises(DiskFullError, match=r"21 pictures will take about 0\.00 GB"):
        make(source, target)
    assert not target.exists()  # no record yet: jpeg, or another seed, is still free to choose
    monkeypatch.undo()
    fail_to_write(monkeypatch, errno.ENOSPC, 5)
    with pytest.raises(DiskFullError, match=r"is full .No space left on device.*run the same command again"):
        make(source, target)
    monkeypatch.undo()
    assert len(list(target.rglob("*.png"))) == 4
    assert not list(target.rglob("*.part"))
    assert make(source, target).kept == 4
    assert tree_bytes(target) == whole


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.process
def test_a_disk_that_cannot_be_written_ends_it_at_once(source, tmp_path, monkeypatch, workers):
    """One error for the disk, not one for every picture."""
    if workers == 2:  # workers are processes of their own, where nothing of this one is patched
        (tmp_path / "full.py").write_text(
            "import errno, os\nfrom mmfan.datasets.corrupted.making import worker\n"
            "def write(path, *_, **__):\n    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))\n"
            "worker.write_whole = write\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
    else:
        fail_to_write(monkeypatch, errno.EROFS, 3)
    cells = [("brightness", 1), ("contrast", 1)]
    with pytest.raises(OSError, match=r"Read-only file system: '.*\.png'") as caught:
        make(source, tmp_path / "c", cells=cells, workers=workers, imports=["full"] * (workers == 2))
    assert caught.value.errno == errno.EROFS
    assert not list((tmp_path / "c").rglob("lock*"))
    assert len(list((tmp_path / "c").rglob("*.png"))) == (2 if workers == 1 else 0)


def test_names_that_are_too_long_are_named(tmp_path):
    """The clean name is as long as a name may be, in a folder as deep as a path may be."""
    name = "n" * 251 + ".png"
    write_picture(tmp_path / "clean" / name, 0)
    target = tmp_path / "c"
    assert make(tmp_path / "clean", target).failures == []
    deep = target / "/".join("d" * 250 for _ in range(16))
    with pytest.raises(OSError, match="File name too long"):
        make(tmp_path / "clean", deep)


def test_the_estimate_counts_what_is_missing(source, whole, tmp_path):
    plan = make_plan(source, tmp_path / "whole", [*CELLS, ("dim", 3)])
    found = survey(plan)
    assert (found.kept, found.count) == (21, 7)
    assert found.size == 7 * -(-3 * 40 * 48 * 55 // 100)


def test_two_runs_at_once(source, tmp_path):
    target = tmp_path / "c"
    with shard_lock(target, Shard(1, 2), print):
        with pytest.raises(BusyTargetError, match=rf"process {os.getpid()} on this machine \(shard 1/2\)"):
            make(source, target, shard=Shard(1, 2))
        with pytest.raises(BusyTargetError, match="--shard 1/2 and --shard 2/2"):
            make(source, target)
        assert make(source, target, shard=Shard(2, 2)).made == 9
    assert make(source, target, shard=Shard(1, 2)).made == 12


def test_what_a_kill_lost_is_read_again(source, whole, tmp_path):
    """The parts of manifests are those of a minute ago, or none was written yet, or one is of a file that is gone."""
    target = tmp_path / "c"
    make(source, target, shard=Shard(1, 2))
    parts = sorted((target / "manifests").rglob("*.json"))
    assert [str(path.relative_to(target)) for path in parts] == [
        f"manifests/{corruption}/{severity}/val.1-of-2.json" for corruption, severity in sorted(CELLS)
    ]
    parts[0].unlink()
    content = json.loads(parts[1].read_text())
    content["files"].popitem()
    parts[1].write_text(json.dumps({**content, "count": len(content["files"])}))
    gone = target / "leftImg8bit/tint/3" / next(iter(content["files"]))
    gone.unlink()
    assert make(source, target, shard=Shard(2, 2)).merge.complete == []
    done = make(source, target, shard=Shard(1, 2))
    assert (done.made, done.kept, len(done.merge.written)) == (1, 11, 3)
    assert tree_bytes(target) == whole


def test_a_file_that_was_noted_and_cannot_be_made_again_is_missing(source, tmp_path):
    target = tmp_path / "c"
    make(source, target, shard=Shard(1, 2))
    make(source, target, cells=CELLS[:2], shard=Shard(2, 2))
    picture = make_plan(source, target, CELLS).listing.pictures[0]
    (target / "leftImg8bit/dim/2" / picture.place).unlink()
    (source / "leftImg8bit" / picture.name).write_bytes(b"")
    for shard in (Shard(1, 2), Shard(2, 2)):
        done = make(source, target, shard=shard)
    assert done.merge.incomplete == {("dim", 2): 6}
    assert done.merge.complete == CELLS[:2]


def test_parts_are_saved_every_minute_and_when_it_is_interrupted(source, whole, tmp_path, monkeypatch):
    from mmfan.datasets.corrupted import manifest

    target = tmp_path / "c"
    clock = [0.0]
    monkeypatch.setattr(manifest.time, "monotonic", lambda: clock[0])
    noted = []

    def progress(done, _):
        noted.append(sum(json.loads(path.read_text())["count"] for path in (target / "manifests").rglob("*.json")))
        clock[0] += 25
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(source, target, progress=progress)
    assert noted == [0, 0, 0, 4, 4, 4, 7, 7]  # at 75 seconds, and more than a minute later
    assert sum(json.loads(path.read_text())["count"] for path in (target / "manifests").rglob("*.json")) == 8
    done = make(source, target)
    assert (done.made, done.kept) == (13, 8)
    assert tree_bytes(target) == whole


def test_shards_that_noted_different_files_of_one_name(source, whole, tmp_path):
    """Of two shards of other counts, both made one file: that of the disk is the one whose hash counts."""
    target = tmp_path / "c"
    make(source, target, shard=Shard(1, 2))
    part = target / "manifests/dim/2/val.1-of-2.json"
    content = json.loads(part.read_text())
    name = min(content["files"])
    content["files"][name] = "0" * 64
    part.with_name("val.1-of-3.json").write_text(json.dumps(content))
    make(source, target, shard=Shard(2, 2))
    assert tree_bytes(target) == whole


@pytest.mark.process
def test_a_killed_worker_is_told_of(source, tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom mmfan.corruptions import register_corruption\n"
        "register_corruption('deadly', lambda *_: os._exit(9))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import deadly  # noqa: F401

    try:
        with pytest.raises(WorkerDiedError, match=r"A worker process ended before its work did.*run it again"):
            make(source, tmp_path / "c", cells=[("deadly", 1)], workers=2, imports=["deadly"])
    finally:
        unregister_corruption("deadly")
    assert not list((tmp_path / "c").rglob("lock*"))


def finished(folder):
    """Number of pictures under their final names."""
    return sum(not path.name.startswith(".") for path in folder.rglob("*.png"))


@pytest.mark.process
@pytest.mark.slow
def test_killed_ten_times_at_random_moments(tmp_path):
    source = tmp_path / "clean"
    pictures = 40
    for index in range(pictures):
        write_picture(source / f"{index:03d}.png", index, (32, 32))
    (tmp_path / "m").mkdir()
    module = write_module(tmp_path / "m", sleep=0.012, severities=tuple(range(1, 13)))
    options = ["--import", module, "--corruptions", "tint", "--workers", "2"]
    target = tmp_path / "killed"
    moments = random.Random(20)
    counts = [0]
    for number in range(10):
        # the kill falls when so many new files are finished, a twelfth of all at most; or while it starts
        files = 0 if number % 4 == 3 else moments.randint(1, pictures)
        tool = start_tool(source, target, *options, cwd=tmp_path / "m")
        while tool.poll() is None and finished(target) < counts[-1] + files:
            time.sleep(0.01)
        if not files:
            time.sleep(moments.uniform(0.05, 0.9))
        tool.send_signal(signal.SIGKILL)
        tool.communicate()
        if finished(target) == pictures * 12:
            break  # a slow machine was late to kill: what follows is tested all the same
        assert tool.returncode == -signal.SIGKILL
        for manifest in (target / "manifests").rglob("all.json"):  # of a cell that is complete, and only of such
            assert finished(target / "tint" / manifest.parent.name) == pictures
        counts.append(finished(target))
        assert counts[-1] >= counts[-2] + files  # nothing finished is lost
    assert number >= 5
    time.sleep(0.5)  # workers end with the process that handed out their work
    count = finished(target)
    assert count - counts[-1] <= 2
    time.sleep(0.2)
    assert finished(target) == count

    tools = [start_tool(source, folder, *options, cwd=tmp_path / "m") for folder in (target, tmp_path / "undisturbed")]
    for tool, kept in zip(tools, (count, 0), strict=True):
        said, complaints = tool.communicate()
        assert tool.returncode == 0, complaints
        assert f"made {pictures * 12 - kept} (0.00 GB), kept {kept}," in said
    files = tree_bytes(target)
    assert len(files) == pictures * 12 + 12 + 2
    assert files == tree_bytes(tmp_path / "undisturbed")
    assert read_manifest(target / "manifests/tint/12/all.json").files.keys() == {
        f"{i:03d}.png" for i in range(pictures)
    }


def test_missing_textures_of_frost_end_it_before_anything_is_written(tmp_path, monkeypatch):
    write_picture(tmp_path / "clean/a.png", seed=1)
    plan = make_plan(tmp_path / "clean", tmp_path / "c", [("dim", 2), ("frost", 1)], layout="folder")
    monkeypatch.setattr(frost, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps imagecorruptions-imaug"):
        make_corrupted_set(plan)
    assert not (tmp_path / "c").exists()
    plan = make_plan(tmp_path / "clean", tmp_path / "c", [("dim", 2)], layout="folder")
    assert make_corrupted_set(plan).made == 1
