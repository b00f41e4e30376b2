"""The part for ACDC, and a config of Cityscapes whose test pictures are ACDC's, on the drawn weather."""

from pathlib import Path

import pytest

pytest.importorskip("mmseg")
from mmengine.registry import DATASETS, DefaultScope

from mmfan.apis import load_config
from mmfan.datasets.miniature import write_weather

FOLDER = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    target = tmp_path_factory.mktemp("weather") / "acdc"
    write_weather(target, 1, 1, (128, 64), workers=1)
    return target


def build(dataset):
    with DefaultScope.overwrite_default_scope("mmseg"):
        return DATASETS.build(dataset)


def test_the_part(root, monkeypatch):
    monkeypatch.setenv("MMFAN_ACDC", str(root))
    monkeypatch.setenv("MMFAN_ACDC_CONDITION", "night")
    cfg = load_config(FOLDER / "_base_/datasets/acdc_1024x1024.py")
    test, train = build(cfg.test_dataloader.dataset), build(cfg.train_dataloader.dataset)
    assert [test.get_data_info(index)["condition"] for index in range(len(test))] == ["night"]
    assert {train.get_data_info(index)["condition"] for index in range(len(train))} == {"fog", "night", "rain", "snow"}
    assert tuple(train[0]["inputs"].shape[1:]) <= (1024, 1024)
    assert test[0]["data_samples"].ori_shape == (64, 128)


def test_a_config_of_cityscapes(root, tmp_path):
    (tmp_path / "own.py").write_text(
        '_base_ = "mmfan::fan_segformer_cityscapes"\n'
        'test_dataloader = dict(dataset=dict(type="mmfan.ACDCDataset", data_root=' + repr(str(root)) + ",\n"
        '    data_prefix=None, split="val", condition="fog"))\n'
    )
    dataset = build(load_config(tmp_path / "own.py").test_dataloader.dataset)
    assert len(dataset) == 1
    assert dataset[0]["inputs"].shape[1:] == (1024, 2048)
