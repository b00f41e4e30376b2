import os

from mmfan.utils.folders import walk


def names_in(folder):
    return [(os.path.relpath(where, folder), sorted(names)) for where, names in walk(folder)]


def test_links_are_followed_but_not_back(tmp_path):
    for name in ("a/one", "a/.hidden", "a/.trash/x", "b/two"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a/other").symlink_to("../b")
    (tmp_path / "a/self").symlink_to(".")
    (tmp_path / "a/up").symlink_to("..")
    (tmp_path / "b/back").symlink_to("../a")
    assert names_in(tmp_path / "a") == [(".", ["one"]), ("other", ["two"])]
    assert names_in(tmp_path) == [(".", []), ("a", ["one"]), ("a/other", ["two"]), ("b", ["two"]), ("b/back", ["one"])]
    assert names_in(tmp_path / "none") == []


def test_folders_that_cannot_be_read_are_told(tmp_path):
    told = []
    assert list(walk(tmp_path / "none", told.append)) == []
    assert [error.filename for error in told] == [str(tmp_path / "none")]
