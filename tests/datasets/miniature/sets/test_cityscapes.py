import hashlib
import json

import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import COUNTABLE, PALETTE, TRAIN_ID_OF
from mmfan.datasets.miniature import draw_miniature, write_cityscapes
from mmfan.datasets.miniature.sets.cityscapes import CITIES, MANIFEST, picture_name

pytestmark = pytest.mark.slow

SMALL = {"size": (96, 64), "workers": 1}


def hashes(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.process
def test_the_tree_is_that_of_cityscapes(mini_set):
    for split, count in (("train", 44), ("val", 40)):
        images = sorted((mini_set.root / "leftImg8bit" / split).glob("*/*"))
        assert len(images) == count
        towns = {path.parent.name for path in images}
        assert towns == set(CITIES[split])
        for path in images:
            town, sequence, frame, suffix = path.name.split("_")
            assert (town, len(sequence), len(frame), suffix) == (path.parent.name, 6, 6, "leftImg8bit.png")
        labels = sorted((mini_set.root / "gtFine" / split).glob("*/*"))
        assert len(labels) == 4 * count
        stems = {path.name.removesuffix("_leftImg8bit.png") for path in images}
        assert {path.name.split("_gtFine_")[0] for path in labels} == stems
    assert not set(CITIES["train"]) & set(CITIES["val"])


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_four_label_files_agree(mini_set, split):
    for file in mini_set.files(split)[::5]:
        ids = mini_set.read(file)
        others = {
            k: mini_set.read(file.with_name(file.name.replace("labelIds", k)))
            for k in ("labelTrainIds", "color", "instanceIds")
        }
        assert ids.shape == (256, 512)
        assert (ids.dtype, others["labelTrainIds"].dtype, others["instanceIds"].dtype) == (
            np.uint8,
            np.uint8,
            np.uint16,
        )
        assert np.array_equal(others["labelTrainIds"], TRAIN_ID_OF[ids])
        assert np.array_equal(others["color"][..., ::-1], PALETTE[ids])
        counted = COUNTABLE[ids]
        assert np.array_equal(others["instanceIds"] // 1000, np.where(counted, ids, 0))
        assert np.array_equal(others["instanceIds"][~counted], ids[~counted])
        image = mini_set.image_of(file)
        assert image.shape == (256, 512, 3)
        assert image.dtype == np.uint8


def test_what_is_read_is_what_was_drawn(mini_set):
    scene = draw_miniature(0, "val", 3)
    file = mini_set.root / "gtFine" / f"{picture_name('val', 3)}_gtFine_labelIds.png"
    assert np.array_equal(mini_set.read(file), scene.label_ids)
    assert np.array_equal(mini_set.image_of(file)[..., ::-1], scene.image)  # files hold RGB, OpenCV reads BGR


@pytest.mark.process
def test_same_bytes_for_any_number_of_workers_and_pictures(tmp_path):
    write_cityscapes(tmp_path / "one", train=6, val=2, size=(96, 64), seed=4, workers=1)
    write_cityscapes(tmp_path / "two", train=6, val=2, size=(96, 64), seed=4, workers=2)
    write_cityscapes(tmp_path / "few", train=3, val=1, size=(96, 64), seed=4, workers=3)
    one, two, few = (hashes(tmp_path / name) for name in ("one", "two", "few"))
    assert one == two
    assert len(one) == 8 * 5 + 1
    assert few.items() - {(MANIFEST, few[MANIFEST])} <= one.items()


def test_a_complete_set_is_left_alone(tmp_path):
    target = tmp_path / "a" / "set"
    assert write_cityscapes(target, train=1, val=1, **SMALL)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    assert not write_cityscapes(target, train=1, val=1, **SMALL)
    assert before == {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    manifest = json.loads((target / MANIFEST).read_text())
    assert (manifest["seed"], manifest["size"], manifest["counts"]) == (0, [96, 64], {"train": 1, "val": 1})


def test_other_options_or_missing_files_need_force(tmp_path):
    target = tmp_path / "set"
    write_cityscapes(target, train=1, val=1, **SMALL)
    with pytest.raises(
        FileExistsError, match=r"set holds a miniature set that was made with other options; add --force"
    ):
        write_cityscapes(target, train=2, val=1, **SMALL)
    assert write_cityscapes(target, train=2, val=1, force=True, **SMALL)
    next(target.rglob("*_color.png")).unlink()
    with pytest.raises(FileExistsError, match="is incomplete"):
        write_cityscapes(target, train=2, val=1, **SMALL)
    assert write_cityscapes(target, train=2, val=1, force=True, **SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("content", [None, "", '{"kind": "something else"}', "[1, 2]"])
def test_a_foreign_folder_is_never_replaced(tmp_path, force, content):
    target = tmp_path / "precious"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    if content is not None:
        (target / MANIFEST).write_text(content)
    with pytest.raises(FileExistsError, match="precious exists and is not a miniature set"):
        write_cityscapes(target, train=1, val=0, force=force, **SMALL)
    assert (target / "thesis.txt").read_text() == "years of work"


def test_a_file_is_never_replaced_and_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError, match="is a file, not a folder"):
        write_cityscapes(tmp_path / "file", train=1, val=0, force=True, **SMALL)
    (tmp_path / "empty").mkdir()
    assert write_cityscapes(tmp_path / "empty", train=1, val=0, **SMALL)
    assert (tmp_path / "empty" / "gtFine" / "val").is_dir()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": -1}, "`train` to be a whole number of at least 0, got -1"),
        ({"val": -2}, "`val` to be a whole number of at least 0, got -2"),
        ({"train": 0, "val": 0}, "at least one picture"),
        ({"seed": -1}, "`seed` to be a whole number of at least 0"),
        ({"workers": 0}, "`workers` to be a whole number of at least 1, got 0"),
        ({"size": (0, 256)}, "at least 64 each, but got 0 x 256"),
    ],
)
def test_arguments_out_of_range(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        write_cityscapes(tmp_path / "set", **({"train": 1, "val": 1} | SMALL | changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.process
def test_a_stopped_run_leaves_nothing(tmp_path, workers):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cityscapes(tmp_path / "set", train=8, val=2, size=(96, 64), workers=workers, progress=stop)
    assert not list(tmp_path.iterdir())


def test_a_stopped_replacement_keeps_the_old_set(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    target = tmp_path / "set"
    write_cityscapes(target, train=1, val=1, **SMALL)
    before = hashes(target)
    with pytest.raises(KeyboardInterrupt):
        write_cityscapes(target, train=2, val=1, force=True, progress=stop, **SMALL)
    assert hashes(target) == before


def test_progress_counts_every_picture(tmp_path):
    seen = []
    write_cityscapes(tmp_path / "set", train=3, val=2, progress=lambda done, total: seen.append((done, total)), **SMALL)
    assert seen == [(i, 5) for i in range(1, 6)]


def test_unknown_split():
    with pytest.raises(ValueError, match="one of train, val, but got 'test'"):
        draw_miniature(0, "test", 0)
