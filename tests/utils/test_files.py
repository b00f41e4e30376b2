import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.stale_parts import stale_part

from mmfan.utils import files
from mmfan.utils.files import is_complete_png, is_part, part_folder, sweep_parts, whole_file, write_whole


def test_complete_png(tmp_path):
    path = tmp_path / "a.png"
    assert not is_complete_png(path)
    cv2.imwrite(str(path), np.zeros((4, 5), np.uint8))
    assert is_complete_png(path)
    whole = path.read_bytes()
    for length in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert not is_complete_png(path)


def test_write_whole_makes_folders_and_leaves_one_file(tmp_path):
    path = tmp_path / "new" / "a.png"
    write_whole(path, b"one")
    write_whole(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_whole(path, None)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_whatever_ends_a_write_leaves_nothing(tmp_path, error):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def write():
        with whole_file(path) as at:
            at.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_has_the_suffix_and_a_name_of_its_own(tmp_path):
    with whole_file(tmp_path / "a.png") as first, whole_file(tmp_path / "a.png") as second:
        assert first.suffix == second.suffix == ".png"
        assert first != second
        assert is_part(first.name)
        first.write_bytes(b"1")
        second.write_bytes(b"2")
    assert (tmp_path / "a.png").read_bytes() == b"1"  # the outer block ends last


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".png")
    write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"


def test_the_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (calls.append(("sync", os.fstat(file).st_size)), sync(file)))
    monkeypatch.setattr(files.Path, "replace", lambda old, new: (calls.append(("rename", new)), rename(old, new)))
    write_whole(tmp_path / "a", b"12345")
    assert calls == [("sync", 5), ("rename", tmp_path / "a")]
    write_whole(tmp_path / "b", b"12345", sync=False)
    assert calls[2:] == [("rename", tmp_path / "b")]


def test_what_a_killed_process_left_is_swept_by_the_next_writer(tmp_path):
    left = stale_part(tmp_path)
    write_whole(tmp_path / "other.json", b"{}")
    assert not left.exists()


def test_the_file_of_a_running_process_stays(tmp_path):
    mine, of_init = stale_part(tmp_path, process=os.getpid()), stale_part(tmp_path, process=1)
    assert sweep_parts(tmp_path) == 0
    assert mine.exists()
    assert of_init.exists()


def test_the_file_of_another_machine_stays_for_a_day(tmp_path):
    other = stale_part(tmp_path, machine="00000000")
    assert sweep_parts(tmp_path) == 0
    yesterday = time.time() - files.STALE_SECONDS - 1
    os.utime(other, (yesterday, yesterday))
    assert sweep_parts(tmp_path) == 1
    assert not other.exists()


def test_other_hidden_files_are_never_swept(tmp_path):
    for name in (".DS_Store", ".a.part.png", ".mmfan.part", ".mmfan.00000000-1-00ff00ff00ff.part.png.txt"):
        (tmp_path / name).write_bytes(b"")
    assert sweep_parts(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 4


WRITER = """
import sys
from pathlib import Path
from mmfan.utils.files import write_whole
path, content = Path(sys.argv[1]), sys.argv[2].encode() * 100_000
for _ in range(100):
    write_whole(path, content, sync=False)
    read = path.read_bytes()
    assert len(read) == len(content) and len(set(read)) == 1, (len(read), set(read))
"""


@pytest.mark.process
@pytest.mark.process
def test_several_processes_write_one_file(tmp_path):
    path = tmp_path / "a.png"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.process
@pytest.mark.skipif(os.name != "posix", reason="killed as POSIX kills")
@pytest.mark.process
def test_a_killed_writer_leaves_the_old_file_and_what_the_next_one_sweeps(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    script = "import os, sys; from mmfan.utils.files import whole_file\n"
    script += "with whole_file(sys.argv[1]) as at:\n at.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2
    write_whole(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"new"


@pytest.mark.process
@pytest.mark.skipif(os.name != "posix", reason="killed as POSIX kills")
def test_a_killed_maker_leaves_a_folder_that_the_next_one_sweeps(tmp_path):
    script = "import os, sys; from mmfan.utils.files import part_folder\n"
    script += "with part_folder(sys.argv[1]) as at:\n (at / 'a').touch(); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "set")], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert is_part(left.name)
    with part_folder(tmp_path / "set") as folder, part_folder(tmp_path / "set") as other:  # those of the living stay
        assert sorted(tmp_path.iterdir()) == sorted((folder, other))
        (folder / "made").mkdir()
        (folder / "made").rename(tmp_path / "set")
    assert list(tmp_path.iterdir()) == [tmp_path / "set"]


def test_errors_name_the_file_that_its_user_knows(tmp_path, monkeypatch):
    """Of a full disk the system names no file, of a folder that cannot be written the temporary one."""

    def fail(number, *names):
        raise OSError(number, os.strerror(number), *names)

    target = tmp_path / "a.md"
    target.write_bytes(b"old")
    with pytest.raises(OSError, match=r"a\.md'$") as full, whole_file(target):
        fail(errno.ENOSPC)
    assert full.value.filename == str(target)
    monkeypatch.setattr(Path, "unlink", lambda path: fail(errno.EROFS, path))
    with pytest.raises(OSError, match=r"a\.md'$"), whole_file(target) as part:
        fail(errno.EROFS, part)
    with pytest.raises(OSError, match=r"other'$"), whole_file(target):
        fail(errno.EROFS, "other")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
