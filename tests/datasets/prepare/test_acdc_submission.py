"""The archive for ACDC's server: names, ids, sizes; every mistake is named and nothing is written."""

import subprocess
import sys
import zipfile

import cv2
import numpy as np
import pytest
from helpers.weather_sets import ACDC, SIZE, write_set

from mmfan.cli import main
from mmfan.datasets.prepare.acdc_submission import SubmissionError, check_archive, write_archive

TEST = sorted(picture.rsplit("/", 1)[1] for picture in ACDC if "/test/" in picture)
# of road, sidewalk, ..., bicycle, as Cityscapes lists them
LABEL_IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]


@pytest.fixture
def root(tmp_path):
    return write_set(tmp_path / "acdc", "acdc")


def predictions(folder, ids=LABEL_IDS):
    folder.mkdir()
    for number, name in enumerate(TEST):
        cv2.imwrite(str(folder / name), np.full(SIZE, ids[number], np.uint8))
    return folder


def read(archive):
    with zipfile.ZipFile(archive) as opened:
        return {
            name: cv2.imdecode(np.frombuffer(opened.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
            for name in opened.namelist()
        }


def test_names_and_ids(root, tmp_path):
    made = write_archive(predictions(tmp_path / "p"), root, tmp_path / "acdc.zip")
    assert made.pictures == {"fog": 2, "night": 2, "rain": 2, "snow": 2}
    found = read(made.path)
    assert list(found) == TEST  # at the top, named like the pictures
    assert TEST[0] == "GOPR0122_frame_000041_rgb_anon.png"
    assert [np.unique(found[name]).tolist() for name in TEST] == [[number] for number in LABEL_IDS[:8]]
    assert all(label.shape == SIZE and label.dtype == np.uint8 for label in found.values())
    assert check_archive(made.path, root) == made
    first = made.path.read_bytes()
    write_archive(tmp_path / "p", root, tmp_path / "acdc.zip")
    assert made.path.read_bytes() == first


def test_train_ids_are_changed_where_it_is_said(root, tmp_path):
    folder = predictions(tmp_path / "p", list(range(19)))
    with pytest.raises(
        SubmissionError, match=r"ids that are no class: 0\. .*They look like train ids: say so with --ids"
    ):
        write_archive(folder, root, tmp_path / "acdc.zip")
    made = write_archive(folder, root, tmp_path / "acdc.zip", ids="train")
    assert [int(label[0, 0]) for label in read(made.path).values()] == LABEL_IDS[:8]
    assert check_archive(made.path, root).pictures["night"] == 2


def save(label, name=None):
    return lambda path: cv2.imwrite(str(path.with_name(name or path.name)), label)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), r"1 of 8 pictures have no prediction in .*: GOPR0122_frame_000041_rgb_anon\.png"),
        (save(np.zeros(SIZE, np.uint8), "x.png"), r"named like no picture: x.png"),
        (save(np.full((5, 10), 7, np.uint8)), r"is 10x5 \(width x height\), its picture 10x6"),
        (save(np.full(SIZE, 29, np.uint8)), r"holds ids that are no class: 29. The label ids"),
        (save(np.full(SIZE, 255, np.uint8)), r"holds ids that are no class: 255"),
        (save(np.full((*SIZE, 3), 7, np.uint8)), r"has the shape"),
        (save(np.full(SIZE, 7, np.uint16)), r"must have 8 bits"),
        (lambda path: path.write_bytes(path.read_bytes()[:40]), r"GOPR0122_frame_000041_rgb_anon.png cannot be read"),
    ],
)
def test_every_mistake_is_named_and_nothing_is_written(root, tmp_path, spoil, message):
    folder = predictions(tmp_path / "p")
    spoil(folder / TEST[0])
    with pytest.raises(SubmissionError, match=message):
        write_archive(folder, root, tmp_path / "acdc.zip")
    assert not list(tmp_path.glob("*.zip*"))


def test_archives_made_otherwise(root, tmp_path):
    folder, path = predictions(tmp_path / "p"), tmp_path / "own.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in TEST:
            archive.write(folder / name, f"results/{name}")
    with pytest.raises(SubmissionError, match=r"holds folders"):
        check_archive(path, root)
    path.write_bytes(b"no archive")
    with pytest.raises(SubmissionError, match=r"is no whole zip archive"):
        check_archive(path, root)
    with zipfile.ZipFile(path, "w") as archive:
        for name in TEST[1:]:
            archive.write(folder / name, name)
    with pytest.raises(SubmissionError, match=r"1 of 8 pictures have no prediction in .*own.zip"):
        check_archive(path, root)


def test_an_archive_of_train_ids(root, tmp_path, capsys):
    """Nothing in an archive is changed, so that `--ids train` is no cure for it."""
    folder, path = predictions(tmp_path / "p", list(range(19))), tmp_path / "own.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in TEST:
            archive.write(folder / name, name)
    with pytest.raises(
        SubmissionError, match=r"look like train ids: the server takes none\. Pack the .* anew, as `mmfan"
    ):
        check_archive(path, root)
    with pytest.raises(SystemExit) as stop:
        main(["submit", "acdc", "--check", str(path), "--root", str(root), "--ids", "train"])
    assert stop.value.code == 2
    assert "--ids train changes predictions while they are packed" in capsys.readouterr().err


def test_two_pictures_of_one_name(root, tmp_path):
    first = next(root / picture for picture in ACDC if "/fog/test/" in picture)
    other = root / "rgb_anon/rain/test/GOPR0475" / first.name
    other.parent.mkdir()
    other.write_bytes(first.read_bytes())
    with pytest.raises(SubmissionError, match=rf"Two pictures have the name {first.name}: .*fog.* and .*rain"):
        write_archive(predictions(tmp_path / "p"), root, tmp_path / "acdc.zip")


def test_a_set_without_test_pictures(root, tmp_path):
    for picture in ACDC:
        if "/fog/test/" in picture:
            (root / picture).unlink()
    with pytest.raises(FileNotFoundError, match=r"No picture .* in .*rgb_anon/fog/test"):
        write_archive(predictions(tmp_path / "p"), root, tmp_path / "acdc.zip")


@pytest.mark.process
def test_as_a_command(root, tmp_path):
    predictions(tmp_path / "p")

    def run(*arguments):
        command = [sys.executable, "-m", "mmfan", "submit", "acdc", *arguments, "--root", str(root)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    done = run("p", "--out", "mine.zip")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "mine.zip: 8 label maps in label ids (fog 2, night 2, rain 2, snow 2)\n"
    assert run("--check", "mine.zip").returncode == 0
    (tmp_path / "p" / TEST[3]).unlink()
    failed = run("p", "--out", "other.zip")
    assert failed.returncode == 2
    assert f"1 of 8 pictures have no prediction in p: {TEST[3]}" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "other.zip").exists()
    wrong = run("p", "--out", "other.tar")
    assert wrong.returncode == 2
    assert "expected a name that ends in .zip, got other.tar" in wrong.stderr
    assert run().returncode == 2
