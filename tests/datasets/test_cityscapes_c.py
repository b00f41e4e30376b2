"""Cityscapes-C: the clean set's labels, the cell's pictures, and never silently the clean ones."""

import json
import pickle
import shlex
import shutil

import cv2
import numpy as np
import pytest

pytest.importorskip("mmseg")
from helpers.tiny_segmentor import run_tool, write_config, write_tree
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, DefaultScope
from torch.utils.data import DataLoader

from mmfan.apis import load_config
from mmfan.corruptions import corrupt, picture_name, picture_seed, register_corruption, unregister_corruption
from mmfan.datasets import CityscapesCDataset, CityscapesDataset

PREFIX = {"img_path": "leftImg8bit/val", "seg_map_path": "gtFine/val"}
PIPELINE = [
    {"type": "mmfan.LoadImageFromFile"},
    {"type": "mmfan.LoadSegAnnotations"},
    {"type": "mmseg.PackSegInputs"},
]


def stamp(image, severity, seed):
    result = image.copy()
    result.reshape(-1)[:9] = [severity, *seed.to_bytes(8, "little")]
    return result


@pytest.fixture(autouse=True)
def _registered():
    register_corruption("stamp", stamp)
    yield
    unregister_corruption("stamp")


@pytest.fixture
def root(tmp_path):
    return write_tree(tmp_path / "cityscapes", train=1, val=3)


def write_cell(root, corruption, severity, seed=0, suffix=".png", target=None):
    """What the tool makes, written with nothing but corrupt()."""
    target = target or root.with_name(root.name + "_c")
    for path in sorted((root / "leftImg8bit/val").rglob("*.png")):
        name = path.relative_to(root / "leftImg8bit").as_posix()
        rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        made = corrupt(rgb, corruption, severity, picture_seed(seed, name, corruption, severity))
        file = (target / "leftImg8bit" / corruption / str(severity) / name).with_suffix(suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), made[..., ::-1])
    return target


QUICK = {"serialize_data": False}  # serialising collects garbage, which takes most of the time of a test


def dataset(root, corruption="stamp", severity=2, **more):
    more = {"data_root": str(root), "data_prefix": PREFIX, "pipeline": PIPELINE, "test_mode": True, **QUICK, **more}
    return CityscapesCDataset(corruption=corruption, severity=severity, **more)


@pytest.mark.parametrize("corruption", ["stamp", "gaussian_noise", "spatter"])
@pytest.mark.parametrize("seed", [0, 9])
def test_disk_and_fly_give_the_same(root, corruption, seed):
    write_cell(root, corruption, 4, seed)
    disk = dataset(root, corruption, 4, seed=seed)
    fly = dataset(root, corruption, 4, seed=seed, source="fly")
    clean = CityscapesDataset(data_root=str(root), data_prefix=PREFIX, pipeline=PIPELINE, test_mode=True, **QUICK)
    assert len(disk) == len(fly) == len(clean) == 3
    for first, second, plain in zip(disk, fly, clean, strict=True):
        assert first["inputs"].equal(second["inputs"])
        assert not first["inputs"].equal(plain["inputs"])
        truths = [item["data_samples"].gt_sem_seg.data for item in (first, second, plain)]
        assert truths[0].equal(truths[1])
        assert truths[0].equal(truths[2])
        name = picture_name(plain["data_samples"].img_path)
        for item in (first, second):
            meta = item["data_samples"].metainfo
            assert (meta["corruption"], meta["severity"]) == (corruption, 4)
            assert meta["corruption_seed"] == picture_seed(seed, name, corruption, 4)
    assert disk.metainfo == fly.metainfo == clean.metainfo


def test_what_the_message_says_makes_the_set(root, monkeypatch):
    """The command is taken from the error, run, and its pictures are those made on the fly."""
    with pytest.raises(FileNotFoundError) as caught:
        dataset(root, "snow", 3, seed=5)
    command = shlex.split(str(caught.value).split("`")[1])
    assert command[:2] == ["mmfan", "corrupt"]
    assert run_tool(monkeypatch, "make_corrupted_set.py", *command[2:], "--workers", 1) == 0
    made, fly = dataset(root, "snow", 3), dataset(root, "snow", 3, seed=5, source="fly")
    for first, second in zip(made, fly, strict=True):
        assert first["inputs"].equal(second["inputs"])
        assert first["data_samples"].corruption_seed == second["data_samples"].corruption_seed


def test_sample_from_disk(root):
    target = write_cell(root, "stamp", 2)
    info = dataset(root).get_data_info(1)
    name = "val/town/town_000001_000000_leftImg8bit.png"
    assert info["img_path"] == str(target / "leftImg8bit/stamp/2" / name)
    assert info["clean_img_path"] == str(root / "leftImg8bit" / name)
    assert info["seg_map_path"] == str(root / "gtFine/val/town/town_000001_000000_gtFine_labelTrainIds.png")
    assert info["num_classes"] == 19
    assert info["corruption_seed"] is None  # nothing says what the set was made with


def test_clean_cell(root):
    for source in ("disk", "fly"):
        found = dataset(root, "clean", 0, source=source)
        clean = CityscapesDataset(data_root=str(root), data_prefix=PREFIX, pipeline=PIPELINE, **QUICK)
        for item, plain in zip(found, clean, strict=True):
            assert item["inputs"].equal(plain["inputs"])
            meta = item["data_samples"].metainfo
            assert (meta["corruption"], meta["severity"], meta["corruption_seed"]) == ("clean", 0, None)


def test_jpeg_and_a_root_elsewhere(root, tmp_path):
    target = write_cell(root, "stamp", 2, suffix=".jpg", target=tmp_path / "else where")
    found = dataset(root, corrupted_root=str(target))
    assert all(found.get_data_info(number)["img_path"].endswith("_leftImg8bit.jpg") for number in range(3))


def test_record_of_the_set(root):
    target = write_cell(root, "stamp", 2, seed=6)
    record = {"seed": 6, "engine_version": "1", "layout": "cityscapes", "format": "png"}
    (target / "corrupted_set.json").write_text(json.dumps(record))
    name = "val/town/town_000000_000000_leftImg8bit.png"
    for seed in (None, 6):
        assert dataset(root, seed=seed).get_data_info(0)["corruption_seed"] == picture_seed(6, name, "stamp", 2)
    with pytest.raises(ValueError, match=r"was made with the seed 6 .* but `seed` is 0"):
        dataset(root, seed=0)
    (target / "corrupted_set.json").write_text(json.dumps({**record, "engine_version": "0"}))
    with pytest.warns(UserWarning, match="made by version 0 of the corruptions, this is "):
        dataset(root)
    (target / "corrupted_set.json").write_text("{")
    with pytest.raises(ValueError, match=r"corrupted_set\.json is not the record"):
        dataset(root)


def test_missing_cell(root):
    with pytest.raises(FileNotFoundError) as caught:
        dataset(root, "fog")
    said = f"The corrupted set {root}_c does not exist. Make them with `mmfan corrupt"
    assert str(caught.value).startswith(said)
    write_cell(root, "stamp", 1)
    with pytest.raises(FileNotFoundError, match=r"lacks 3 pictures of fog 2: .* It holds stamp") as caught:
        dataset(root, "fog")
    assert f"{root}_c/leftImg8bit/fog/2/val/town/town_000000" in str(caught.value)
    with pytest.raises(FileNotFoundError, match="'fogg' may be misspelt"):
        dataset(root, "fogg")


def test_missing_pictures_are_named(root):
    target = write_cell(root, "stamp", 2)
    files = sorted((target / "leftImg8bit/stamp/2").rglob("*.png"))
    files[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 pictures of stamp 2: .*/stamp/2/val/town/town_000001"):
        dataset(root)
    (root / "some.txt").write_text("town/town_000000_000000\ntown/town_000002_000000\n")
    assert len(dataset(root, ann_file="some.txt")) == 2


def test_missing_clean_set(root):
    write_cell(root, "stamp", 2)
    shutil.rmtree(root / "gtFine")
    for source in ("disk", "fly"):
        with pytest.raises(FileNotFoundError, match=r"The label folder .* does not exist"):
            dataset(root, source=source)


def test_lazy(root):
    found = dataset(root, lazy_init=True)
    assert found.metainfo["classes"][0] == "road"
    with pytest.raises(FileNotFoundError, match="does not exist"):
        found.full_init()


def test_a_tree_of_ones_own(root, tmp_path):
    """Without leftImg8bit the picture folder counts as the source, and names are relative to it."""
    (root / "leftImg8bit/val").rename(root / "photos")
    prefix = {"img_path": "photos", "seg_map_path": "gtFine/val"}
    fly = dataset(root, source="fly", data_prefix=prefix)
    name = "town/town_000000_000000_leftImg8bit.png"
    expected = picture_seed(0, name, "stamp", 2)
    assert fly[0]["data_samples"].metainfo["corruption_seed"] == expected
    file = tmp_path / "cityscapes/photos_c/stamp/2" / name
    file.parent.mkdir(parents=True)
    for path in (root / "photos/town").iterdir():
        shutil.copy(path, file.with_name(path.name))
    assert dataset(root, data_prefix=prefix).get_data_info(0)["img_path"] == str(file)


@pytest.mark.parametrize("source", ["disk", "fly"])
def test_a_corrupt_step_in_the_pipeline(root, source):
    write_cell(root, "stamp", 2)
    step = {"type": "mmfan.Corrupt", "corruption": "fog", "severity": 1}
    for pipeline in (
        [PIPELINE[0], step, *PIPELINE[1:]],
        [PIPELINE[0], {"type": "RandomApply", "transforms": [step]}, *PIPELINE[1:]],
    ):
        with pytest.raises(ValueError, match=r"CityscapesCDataset gives the pictures of stamp itself.*corrupted twice"):
            dataset(root, source=source, pipeline=pipeline)


def test_no_loading_step(root):
    with pytest.raises(ValueError, match="Expected one step in the pipeline that loads the picture"):
        dataset(root, source="fly", pipeline=PIPELINE[1:])


def test_a_pipeline_given_later_corrupts_too(root):
    """As a hook that switches pipelines does."""
    fly = dataset(root, source="fly", serialize_data=True)
    expected = fly[0]["inputs"]
    fly.pipeline = Compose(PIPELINE)
    assert fly[0]["inputs"].equal(expected)
    fly.pipeline = fly.pipeline
    assert fly[0]["inputs"].equal(expected)
    copied = pickle.loads(pickle.dumps(fly))
    assert copied[0]["inputs"].equal(expected)
    assert copied.get_subset([2])[0]["inputs"].equal(fly[2]["inputs"])


def test_test_time_augmentation(root):
    pipeline = [
        PIPELINE[0],
        {
            "type": "TestTimeAug",
            "transforms": [
                [{"type": "RandomFlip", "prob": 0.0}, {"type": "RandomFlip", "prob": 1.0}],
                [PIPELINE[1]],
                [PIPELINE[2]],
            ],
        },
    ]
    with DefaultScope.overwrite_default_scope("mmseg"):
        item = dataset(root, source="fly", pipeline=pipeline)[0]
    first, second = item["inputs"]
    assert first.equal(second.flip(-1))
    for packed in item["data_samples"]:
        assert packed.metainfo["corruption"] == "stamp"


def test_by_name_and_bad_arguments(root):
    settings = {"type": "mmfan.CityscapesCDataset", "data_root": str(root), "data_prefix": PREFIX}
    with pytest.raises(TypeError, match="corruption"):
        DATASETS.build(settings)
    with pytest.raises(ValueError, match="fog has the severities"):
        DATASETS.build({**settings, "corruption": "fog", "severity": 9})
    with pytest.raises(TypeError, match="corrupt_root"):
        DATASETS.build({**settings, "corruption": "clean", "severity": 0, "corrupt_root": "x"})


@pytest.mark.process
def test_any_order_and_any_worker(root):
    """The workers of a loader make the same pictures as this process."""
    fly = dataset(root, "gaussian_noise", 3, source="fly")
    expected = [fly[number]["inputs"] for number in range(3)]
    loader = DataLoader(fly, sampler=[2, 0, 1], num_workers=2, collate_fn=lambda batch: batch[0], batch_size=1)
    for number, item in zip((2, 0, 1), loader, strict=True):
        assert item["inputs"].equal(expected[number])


def test_one_cell_of_any_config(root, tmp_path):
    """The three options of the docstring are all it takes."""
    config = write_config(tmp_path / "tiny.py", root)
    place = "test_dataloader.dataset"
    options = {f"{place}.type": "mmfan.CityscapesCDataset", f"{place}.corruption": "stamp", f"{place}.severity": 2}
    with DefaultScope.overwrite_default_scope("mmseg"):
        with pytest.raises(FileNotFoundError, match="--corruptions stamp --severities 2"):
            DATASETS.build(load_config(config, options).test_dataloader.dataset)
        built = DATASETS.build(load_config(config, {**options, f"{place}.source": "fly"}).test_dataloader.dataset)
    assert built[0]["data_samples"].metainfo["corruption"] == "stamp"
