"""Batches with copies: a model that takes copies and a pipeline that makes them belong together."""

import pytest
from helpers.tiny_segmentor import write_config, write_tree
from mmcv.transforms import Compose, RandomApply
from mmengine.registry import MODELS, DefaultScope

from mmfan.apis import build_runner, load_config
from mmfan.datasets.augmentations.augmix import AugMix
from mmfan.datasets.augmentations.views import Views
from mmfan.errors import ConfigError
from mmfan.training.view_batches import check_views

VIEWS = {"type": "mmfan.Views", "views": 2, "steps": [{"type": "mmfan.AugMix"}]}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    return write_config(folder / "tiny.py", write_tree(folder / "data"))


def model_of(config, **changes):
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build({**load_config(config).model, **changes})


@pytest.mark.parametrize("wrapper", ["mmfan.ConsistencyWrapper", "mmfan.TeacherWrapper"])
def test_copies_are_made_where_they_are_taken(config, wrapper):
    plain, wrapped = model_of(config), model_of(config, type=wrapper, of="EncoderDecoder")
    views = Views([AugMix()])
    nested = Compose([AugMix(), RandomApply([views])])
    for pipelines in ([nested], [[AugMix()], [VIEWS]], [[{**VIEWS, "type": "Views"}]], [[{**VIEWS, "type": Views}]]):
        check_views(wrapped, pipelines)
        with pytest.raises(ConfigError, match=r"has mmfan\.Views, but EncoderDecoder takes plain pictures: set"):
            check_views(plain, pipelines)
    for pipelines in ([], [Compose([AugMix()])], [[{"type": "mmfan.AugMix"}]]):
        check_views(plain, pipelines)
        with pytest.raises(ConfigError, match=r"no pipeline of the training makes any: put dict\(type='mmfan\.Views'"):
            check_views(wrapped, pipelines)


@pytest.mark.slow
def test_a_training_with_one_of_the_two_does_not_begin(config, tmp_path):
    cfg = load_config(config)
    cfg.train_dataloader.dataset.pipeline.insert(-1, VIEWS)
    with pytest.raises(ConfigError, match="takes plain pictures"):
        build_runner(cfg, work_dir=tmp_path / "views").train()
    cfg = load_config(config)
    cfg.model.update(type="mmfan.ConsistencyWrapper", of="EncoderDecoder")
    with pytest.raises(ConfigError, match="learns from changed copies"):
        build_runner(cfg, work_dir=tmp_path / "wrapped").train()
    assert not list(tmp_path.glob("*/*.pth"))
