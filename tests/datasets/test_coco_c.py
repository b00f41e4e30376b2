"""COCO-C: the clean set's boxes, the cell's pictures."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("mmdet")
from mmdet.datasets import CocoDataset
from mmengine.registry import DATASETS, DefaultScope

from mmfan.apis import load_config
from mmfan.corruptions import corrupt, picture_seed
from mmfan.datasets import CocoCDataset

ANNOTATIONS = "annotations/instances_val2017.json"
SIZES = [(40, 64), (56, 48), (33, 70)]  # height, width
PIPELINE = [
    {"type": "LoadImageFromFile"},
    {"type": "mmdet.LoadAnnotations", "with_bbox": True},
    {"type": "mmdet.Resize", "scale": (96, 64), "keep_ratio": True},
    {"type": "mmdet.PackDetInputs"},
]


@pytest.fixture
def root(tmp_path):
    """Three pictures as JPEG; the second has no box."""
    root = tmp_path / "coco"
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    rng = np.random.default_rng(0)
    images, boxes = [], []
    for number, (height, width) in enumerate(SIZES, 1):
        name = f"{number:012d}.jpg"
        cv2.imwrite(str(root / "val2017" / name), rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        if number != 2:
            boxes.append(
                {"id": number, "image_id": number, "category_id": 3, "bbox": [2, 3, 20, 10], "area": 200, "iscrowd": 0}
            )
    categories = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
    (root / ANNOTATIONS).write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return root


def write_cell(root, corruption, severity, seed=0, suffix=".png"):
    target = root.with_name("coco_c")
    for path in sorted((root / "val2017").iterdir()):
        name = f"val2017/{path.name}"
        rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        made = corrupt(rgb, corruption, severity, picture_seed(seed, name, corruption, severity))
        file = (target / corruption / str(severity) / name).with_suffix(suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), made[..., ::-1])
    return target


SETTINGS = {
    "ann_file": ANNOTATIONS,
    "data_prefix": {"img": "val2017/"},
    "pipeline": PIPELINE,
    "test_mode": True,
    "metainfo": {"classes": ("person", "car")},
    "serialize_data": False,  # serialising collects garbage, which takes most of the time of a test
}


def dataset(root, corruption="gaussian_noise", severity=3, **more):
    return CocoCDataset(corruption=corruption, severity=severity, data_root=str(root), **{**SETTINGS, **more})


@pytest.mark.parametrize("corruption", ["gaussian_noise", "spatter"])
def test_disk_and_fly_give_the_same(root, corruption):
    write_cell(root, corruption, 3, seed=2)
    disk = dataset(root, corruption, seed=2)
    fly = dataset(root, corruption, seed=2, source="fly")
    clean = CocoDataset(data_root=str(root), **SETTINGS)
    assert len(disk) == len(fly) == len(clean) == 3
    assert disk.metainfo == clean.metainfo
    for number, (first, second, plain) in enumerate(zip(disk, fly, clean, strict=True), 1):
        assert first["inputs"].equal(second["inputs"])
        assert not first["inputs"].equal(plain["inputs"])
        for item in (first, second):
            sample = item["data_samples"]
            assert sample.gt_instances.bboxes.tensor.equal(plain["data_samples"].gt_instances.bboxes.tensor)
            seed = picture_seed(2, f"val2017/{number:012d}.jpg", corruption, 3)
            found = [sample.metainfo[key] for key in ("img_id", "corruption", "severity", "corruption_seed")]
            assert found == [number, corruption, 3, seed]


def test_clean_cell_needs_no_corrupted_set(root):
    for item, plain in zip(dataset(root, "clean", 0), CocoDataset(data_root=str(root), **SETTINGS), strict=True):
        assert item["inputs"].equal(plain["inputs"])
        assert item["data_samples"].metainfo["corruption"] == "clean"


def test_corrupted_set_alone_will_do(root):
    """From disk the clean pictures are not read."""
    write_cell(root, "fog", 1, suffix=".jpg")
    for path in (root / "val2017").iterdir():
        path.unlink()
    found = dataset(root, "fog", 1)
    assert found.get_data_info(0)["img_path"] == str(root.with_name("coco_c") / "fog/1/val2017/000000000001.jpg")
    for cell in ({"corruption": "clean", "severity": 0}, {"source": "fly"}):
        with pytest.raises(FileNotFoundError, match=r"3 of 3 pictures that .* names are not in .*: 000000000001\.jpg"):
            dataset(root, **cell)


def test_missing_pictures_are_named(root):
    with pytest.raises(FileNotFoundError, match="coco_c does not exist") as caught:
        dataset(root, "fog", 1)
    assert f"mmfan corrupt {root} {root}_c --corruptions fog --severities 1 --split val2017" in str(caught.value)
    target = write_cell(root, "fog", 1)
    (target / "fog/1/val2017/000000000002.png").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"lacks 1 pictures of fog 1: .*fog/1/val2017/000000000002\.png\. Make them"
    ):
        dataset(root, "fog", 1)
    # the second has no box, and training leaves it out
    kept = dataset(root, "fog", 1, test_mode=False, filter_cfg={"filter_empty_gt": True})
    assert [kept.get_data_info(number)["img_id"] for number in range(len(kept))] == [1, 3]


def test_missing_clean_folder_and_settings(root):
    with pytest.raises(FileNotFoundError, match=r"The picture folder .*/nowhere/? does not exist"):
        dataset(root, source="fly", data_prefix={"img": "nowhere/"})
    with pytest.raises(ValueError, match=r"Expected `data_prefix` to hold 'img', got \['img_path'\]"):
        dataset(root, data_prefix={"img_path": "val2017/"})
    with pytest.raises(ValueError, match="Expected `ann_file`"):
        dataset(root, ann_file="")
    with pytest.raises(ValueError, match="Expected one step in the pipeline that loads the picture"):
        dataset(root, source="fly", pipeline=[])


def test_pictures_in_a_folder_of_another_name(root):
    (root / "val2017").rename(root / "streets")
    fly = dataset(root, source="fly", data_prefix={"img": "streets"})
    expected = picture_seed(0, "000000000001.jpg", "gaussian_noise", 3)
    assert fly[0]["data_samples"].metainfo["corruption_seed"] == expected


def test_training_with_mosaic(root):
    """The pictures of a mosaic are corrupted one by one, each with its own seed."""
    inner = {
        "type": "mmfan.CocoCDataset",
        "corruption": "gaussian_noise",
        "severity": 3,
        "source": "fly",
        "data_root": str(root),
        **SETTINGS,
        "pipeline": PIPELINE[:2],
    }
    steps = [{"type": "Mosaic", "img_scale": (64, 64), "pad_val": 114.0}, {"type": "PackDetInputs"}]
    with DefaultScope.overwrite_default_scope("mmdet"):
        mixed = DATASETS.build({"type": "MultiImageMixDataset", "dataset": inner, "pipeline": steps})
        assert tuple(mixed[0]["inputs"].shape) == (3, 128, 128)


def test_by_name(root):
    settings = {**SETTINGS, "type": "mmfan.CocoCDataset", "data_root": str(root), "source": "fly"}
    found = DATASETS.build({**settings, "corruption": "fog", "severity": 1})
    assert isinstance(found, CocoCDataset)
    with pytest.raises(TypeError, match="data_rot"):
        DATASETS.build({**settings, "corruption": "fog", "severity": 1, "data_rot": "x"})


@pytest.mark.slow
def test_one_cell_of_any_config(root, tmp_path):
    """The options of the docstring, on a config of mmdetection."""
    (tmp_path / "theirs.py").write_text('_base_ = "mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py"\n')
    place = "test_dataloader.dataset"
    options = {f"{place}.type": "mmfan.CocoCDataset", f"{place}.corruption": "fog", f"{place}.severity": 2}
    options |= {f"{place}.data_root": f"{root}/", f"{place}.source": "fly"}
    options[f"{place}.metainfo"] = {"classes": ("person", "car")}
    with DefaultScope.overwrite_default_scope("mmdet"):
        built = DATASETS.build(load_config(tmp_path / "theirs.py", options).test_dataloader.dataset)
        meta = built[0]["data_samples"].metainfo
    assert (meta["img_id"], meta["corruption"], meta["severity"]) == (1, "fog", 2)
    assert meta["corruption_seed"] == picture_seed(0, "val2017/000000000001.jpg", "fog", 2)


def test_meta_keys_named_in_the_packing_step(root):
    """With another dataset than ours, as the docstring of the transform says."""
    keys = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "flip", "flip_direction")
    pack = {"type": "mmdet.PackDetInputs", "meta_keys": (*keys, "corruption", "severity", "corruption_seed")}
    step = {"type": "mmfan.Corrupt", "corruption": "fog", "severity": 2}
    plain = CocoDataset(data_root=str(root), **{**SETTINGS, "pipeline": [PIPELINE[0], step, *PIPELINE[1:3], pack]})
    ours = dataset(root, "fog", 2, source="fly")
    for first, second in zip(plain, ours, strict=True):
        assert first["inputs"].equal(second["inputs"])
        assert first["data_samples"].metainfo == second["data_samples"].metainfo
