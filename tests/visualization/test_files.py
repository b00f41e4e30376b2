"""PNG files: lossless, whole or not at all."""

import cv2
import numpy as np
import pytest

from mmfan.visualization import files, save_picture


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7)])
def test_round_trip(tmp_path, shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = save_picture(tmp_path / "new" / "a.png", picture)
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1] if picture.ndim == 3 else read, picture)
    assert [item.name for item in path.parent.iterdir()] == ["a.png"]


def test_same_picture_same_bytes(tmp_path):
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    first, second = (save_picture(tmp_path / name, picture).read_bytes() for name in ("a.png", "b.png"))
    assert first == second


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = save_picture(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files.Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_picture(path, np.ones((2, 2), np.uint8))
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"end in \.png, got .*a\.jpg"):
        save_picture(tmp_path / "a.jpg", np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match=r"got \(2, 2\) float64"):
        save_picture(tmp_path / "a.png", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"got \(2, 2, 4\) uint8"):
        save_picture(tmp_path / "a.png", np.zeros((2, 2, 4), np.uint8))
