import cv2
import numpy as np
import pytest

from mmfan.utils.files import is_complete_png, part_name, write_whole


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
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_run_left_is_taken_up(tmp_path):
    path = tmp_path / "a.png"
    part_name(path).write_bytes(b"half")
    write_whole(path, b"whole")
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_whole(path, None)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
