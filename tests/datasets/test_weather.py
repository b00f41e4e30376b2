"""The dataset classes of real weather on made-up trees of the exact layout."""

import re

import pytest

pytest.importorskip("mmseg")
from helpers.weather_sets import ACDC, ACDC_REFERENCES, SETS, SIZE, write_set
from mmengine.registry import DATASETS, DefaultScope
from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmfan.datasets import ACDCDataset, ACDCReferenceDataset, MUSESDataset

CLASSES = {
    "acdc": "ACDCDataset",
    "dark_zurich": "DarkZurichDataset",
    "night_driving": "NightDrivingDataset",
    "muses": "MUSESDataset",
    "bdd100k": "BDD100KDataset",
}
PIPELINE = [
    {"type": "mmfan.LoadImageFromFile"},
    {"type": "mmfan.LoadSegAnnotations"},
    {"type": "mmseg.PackSegInputs", "meta_keys": ("img_path", "seg_map_path", "condition")},
]


@pytest.mark.parametrize("name", SETS)
def test_pictures_and_labels_of_the_default_split(tmp_path, name):
    root = write_set(tmp_path, name)
    with DefaultScope.overwrite_default_scope("mmseg"):
        dataset = DATASETS.build({"type": f"mmfan.{CLASSES[name]}", "data_root": str(root), "pipeline": PIPELINE})
    assert dataset.metainfo["classes"] == MMSegCityscapesDataset.METAINFO["classes"]
    split = "/test/" if name == "night_driving" else "/val/"
    wanted = {picture: label for picture, label in SETS[name].items() if split in picture}
    found = {}
    for sample in (dataset[index]["data_samples"] for index in range(len(dataset))):
        found[sample.img_path.removeprefix(f"{root}/")] = sample.seg_map_path.removeprefix(f"{root}/")
        number = list(SETS[name]).index(sample.img_path.removeprefix(f"{root}/"))
        assert sample.gt_sem_seg.data.unique().tolist() == [number % 19]
        assert sample.gt_sem_seg.shape == SIZE
    assert found == wanted


def test_one_condition_and_all(tmp_path):
    root = write_set(tmp_path, "acdc")
    fog = ACDCDataset(data_root=str(root), condition="fog")
    assert [sample["condition"] for sample in fog] == ["fog", "fog"]
    assert all("/fog/val/" in fog.get_data_info(index)["img_path"] for index in range(2))
    every = ACDCDataset(data_root=str(root), split="train")
    assert [every.get_data_info(index)["condition"] for index in range(8)] == [
        *("fog", "fog", "night", "night", "rain", "rain", "snow", "snow")
    ]
    # names of pictures are relative to the folder of them all, so that those of two conditions never meet
    assert every.data_prefix["img_path"] == f"{root}/rgb_anon"
    nights = MUSESDataset(data_root=str(write_set(tmp_path / "muses", "muses")), condition="night")
    assert {nights.get_data_info(index)["condition"] for index in range(8)} == {
        *("clear/night", "fog/night", "rain/night", "snow/night")
    }


def test_a_split_without_public_labels(tmp_path):
    test = ACDCDataset(data_root=str(write_set(tmp_path, "acdc")), split="test", pipeline=PIPELINE[:1])
    assert len(test) == 8
    assert all("seg_map_path" not in sample for sample in test)


def test_reference_frames(tmp_path):
    root = write_set(tmp_path, "acdc")
    found = ACDCReferenceDataset(data_root=str(root), split="val", condition="rain")
    paths = [found.get_data_info(index)["img_path"].removeprefix(f"{root}/") for index in range(len(found))]
    assert paths == [picture for picture in ACDC_REFERENCES if "/rain/val_ref/" in picture]


def test_folders_of_ones_own(tmp_path):
    root = write_set(tmp_path, "acdc")
    folders = {"img_path": "rgb_anon/snow/train", "seg_map_path": "gt/snow/train"}
    dataset = ACDCDataset(data_root=str(root), data_prefix=folders)
    assert len(dataset) == 2
    with pytest.raises(ValueError, match=r"takes `split` and `condition`, or folders in `data_prefix`, not both"):
        ACDCDataset(data_root=str(root), data_prefix=folders, condition="snow")


def test_what_is_missing(tmp_path):
    root = write_set(tmp_path, "acdc")
    with pytest.raises(ValueError, match=r"ACDC has the splits train, val, test, got 'valid'"):
        ACDCDataset(data_root=str(root), split="valid")
    with pytest.raises(ValueError, match=r"Did you mean 'night'"):
        ACDCDataset(data_root=str(root), condition="nigth")
    with pytest.raises(FileNotFoundError, match=re.escape("rgb_anon_trainvaltest.zip and gt_trainval.zip")):
        ACDCDataset(data_root=str(tmp_path / "elsewhere"))
    label = next(label for picture, label in ACDC.items() if "/night/val/" in picture)
    (root / label).unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 2 pictures have no label in .*gt/night/val: .*GOPR0351"):
        ACDCDataset(data_root=str(root))
    assert len(ACDCDataset(data_root=str(root), condition="fog")) == 2
