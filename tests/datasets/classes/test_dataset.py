"""Class folders as a dataset of mmengine, and the steps of its pipelines."""

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_classes import CLASSES, write_set

from mmfan.datasets import ClassFoldersDataset, LoadFormedImage, RandomResizedCrop
from mmfan.datasets.classes.picture_form import PictureForm
from mmfan.errors import ConfigError, MMFanError
from mmfan.picture_files import read


def test_samples_are_sorted_by_class_and_path(tmp_path):
    write_set(tmp_path / "val")
    found = ClassFoldersDataset(tmp_path, {"img_path": "val"})
    assert found.metainfo["classes"] == CLASSES
    samples = [found.get_data_info(number) for number in range(len(found))]
    assert [sample["gt_label"] for sample in samples] == [0, 0, 1, 1, 2, 2]
    assert [sample["img_path"] for sample in samples[:2]] == [str(tmp_path / "val/n01" / f"{n}.png") for n in (0, 1)]
    assert len(ClassFoldersDataset(tmp_path, "val")) == 6


def test_classes_of_the_config_have_their_own_order(tmp_path):
    write_set(tmp_path)
    found = ClassFoldersDataset(tmp_path, metainfo={"classes": ("n07", "other", "n02", "n01")})
    assert [found.get_data_info(number)["gt_label"] for number in range(6)] == [3, 3, 2, 2, 0, 0]
    with pytest.raises(ConfigError, match=r"The folders n02, n07 of .* are none of the 1 classes"):
        ClassFoldersDataset(tmp_path, metainfo={"classes": ("n01",)})
    with pytest.raises(FileNotFoundError, match=r"does not exist: expected a folder .* data_root="):
        ClassFoldersDataset(tmp_path, "val")


def test_a_formed_picture_is_that_of_the_function_door(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    found = LoadFormedImage(resize=48, crop=40)({"img_path": str(tmp_path / "a.png")})
    assert found["img_shape"] == found["ori_shape"] == (40, 40)
    formed = PictureForm(48, 40).clean(read(str(tmp_path / "a.png")), "a")
    assert np.array_equal(found["img"], formed)
    with pytest.raises(MMFanError, match="smaller than the crop"):
        LoadFormedImage(crop=70)({"img_path": str(tmp_path / "a.png")})


def test_a_crop_has_the_area_and_aspect_that_were_drawn():
    np.random.seed(0)
    step = RandomResizedCrop(8, area=(0.25, 0.5), aspect=(0.5, 2.0))
    for _ in range(200):
        top, left, height, width = step.box(100, 80)
        assert 0 <= top <= 100 - height
        assert 0 <= left <= 80 - width
        assert 0.24 < height * width / 8000 < 0.51
        assert 0.48 < width / height < 2.1


def test_what_never_fits_is_cut_from_the_middle():
    assert RandomResizedCrop(8, area=(1, 1), aspect=(1, 1)).box(50, 100) == (0, 25, 50, 50)
    assert RandomResizedCrop(8, area=(1, 1), aspect=(4, 4)).box(100, 40) == (45, 0, 10, 40)


def test_the_part_is_resized_to_a_square(monkeypatch):
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[2:6, 4:8] = 200
    step = RandomResizedCrop(4)
    monkeypatch.setattr(step, "box", lambda *_: (2, 4, 4, 4))
    assert bool((step({"img": picture})["img"] == 200).all())


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"area": (0, 1)}, {"aspect": (2, 1)}, {"interpolation": "nearest"}])
def test_arguments_out_of_range(wrong):
    with pytest.raises(MMFanError):
        RandomResizedCrop(**{"scale": 8, **wrong})


def test_a_sample_is_packed(tmp_path):
    write_set(tmp_path)
    pipeline = [{"type": "mmfan.LoadImageFromFile"}, {"type": "mmfan.PackClasses"}]
    packed = ClassFoldersDataset(tmp_path, pipeline=pipeline)[2]
    assert packed["inputs"].shape == (3, 40, 48)
    assert packed["inputs"].dtype == torch.uint8
    assert packed["data_samples"].gt_label.tolist() == [1]
    assert packed["data_samples"].img_path.endswith("n02/0.png")
