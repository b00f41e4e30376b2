"""What a full disk, a kill or a second run leaves of a set: nothing lost, nothing half-written, and told."""

import errno
import json
import os
import random
import signal
import time

import pytest
from helpers.corrupted_tree import start_tool, tree_bytes, write_module, write_picture
from helpers.own_sets import CELLS, make

from mmfan.corruptions import unregister_corruption
from mmfan.datasets.corrupted import (
    BusyTargetError,
    DiskFullError,
    Shard,
    WorkerDiedError,
    make_plan,
    read_manifest,
    survey,
)
from mmfan.datasets.corrupted.making import make as making
from mmfan.datasets.corrupted.making import worker as units
from mmfan.datasets.corrupted.making.lock import shard_lock
from mmfan.utils.files import whole_file

pytestmark = pytest.mark.usefixtures("own_corruptions")


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
