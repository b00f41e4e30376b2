"""The file of the counts per picture: the same back, the same bytes, and errors for what is damaged."""

import zipfile

import numpy as np
import pytest

from mmfan.evaluation.results.counts_file import CountsError, read_counts, write_counts

NAMES = ["frankfurt/a.png", "Köln/b c.png"]


def counts_up_to(largest):
    return np.array([[[0, 1, 2]], [[largest, 0, 7]]])


@pytest.mark.parametrize("largest", [5, 255, 256, 2**16, 2**32 + 1, 2**40])
def test_the_same_back(tmp_path, largest):
    path = tmp_path / "new" / "cell.npz"
    write_counts(path, counts_up_to(largest), NAMES, ["road"])
    found = read_counts(path)
    assert found.counts.dtype == np.int64
    assert found.counts.tolist() == counts_up_to(largest).tolist()
    assert found.pictures == tuple(NAMES)
    assert found.classes == ("road",)
    assert [entry.name for entry in path.parent.iterdir()] == ["cell.npz"]


def test_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_counts(tmp_path / name, counts_up_to(9), NAMES)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert read_counts(tmp_path / "a.npz").classes == ()


def test_small_enough_to_keep(tmp_path):
    counts = np.random.default_rng(0).poisson(1e4, (500, 19, 3))
    write_counts(tmp_path / "c.npz", counts, [f"frankfurt/frankfurt_{index:06}.png" for index in range(500)])
    assert (tmp_path / "c.npz").stat().st_size < 60_000


def test_no_pictures(tmp_path):
    write_counts(tmp_path / "c.npz", np.zeros((0, 2, 3), int), [])
    assert read_counts(tmp_path / "c.npz").counts.shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("names", "classes", "message"),
    [
        (["a"], [], "2 different names of pictures"),
        (["a", "a"], [], r"1 different"),
        (NAMES, ["road", "sky"], "names of 1 class, got 2"),
        (["a", "b\0"], [], "cannot end in a null character"),
    ],
)
def test_names_that_do_not_fit(tmp_path, names, classes, message):
    with pytest.raises(CountsError, match=message):
        write_counts(tmp_path / "c.npz", counts_up_to(1), names, classes)
    assert not list(tmp_path.iterdir())


def test_damaged_files(tmp_path):
    path = tmp_path / "c.npz"
    write_counts(path, counts_up_to(300), NAMES)
    whole = path.read_bytes()
    for length in (0, 3, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CountsError, match=r"c\.npz is no whole file of counts"):
            read_counts(path)
    for content in (b"not an archive", whole.replace(b"counts.npy", b"kounts.npy")):
        path.write_bytes(content)
        with pytest.raises(CountsError, match=r"c\.npz"):
            read_counts(path)
    with pytest.raises(FileNotFoundError):
        read_counts(tmp_path / "none.npz")


@pytest.mark.parametrize("change", [(b"(2, 1, 3)", b"((2, 1, 3"), (b"(2, 1, 3), }       ", b"(9999999999, 1, 3),}")])
def test_damaged_headers_of_arrays(tmp_path, change):
    path = tmp_path / "c.npz"
    write_counts(path, counts_up_to(300), NAMES)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert change[0] in parts["counts.npy"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(*change))
    with pytest.raises(CountsError, match=r"c\.npz is no whole file of counts"):
        read_counts(path)


@pytest.mark.slow
def test_a_changed_byte_is_never_taken_for_the_counts(tmp_path):
    path = tmp_path / "c.npz"
    counts = counts_up_to(300)
    write_counts(path, counts, NAMES)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            found = read_counts(path)
        except CountsError:
            continue
        assert found.counts.tolist() == counts.tolist()  # a byte without meaning, such as a date
