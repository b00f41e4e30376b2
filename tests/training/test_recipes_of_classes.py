"""Recipes on configs in pure Python, whose types are classes: they are read as their names are, and train."""

import pytest
from helpers.lazy_segmentor import write_lazy_config
from helpers.recipe_trainings import train
from helpers.tiny_segmentor import write_tree
from mmengine.config import Config
from mmengine.hooks import EMAHook

from mmfan.apis import load_config
from mmfan.errors import ConfigError
from mmfan.training.recipe_places import kinds
from mmfan.training.recipes import apply_recipes

SEGMENTOR = "mmseg.models.segmentors.encoder_decoder.EncoderDecoder"


@pytest.fixture
def cfg(tmp_path):
    pytest.importorskip("mmseg")
    return load_config(write_lazy_config(tmp_path))


def test_cwfa_knows_the_encoder(cfg):
    apply_recipes(cfg, ["cwfa"])
    assert cfg.custom_hooks[0]["eps"] == 9


def test_what_a_recipe_lacks_is_seen(cfg):
    with pytest.raises(ConfigError, match="of segmentors take augmix; this training, with PackSegInputs, has none"):
        apply_recipes(cfg, ["oamix"])
    with pytest.raises(ConfigError, match="fda does nothing to crops of 64 pixels"):
        apply_recipes(cfg, ["fda"])


def test_every_step_is_known(cfg):
    assert apply_recipes(cfg, ["seeded"])[-1].endswith("shows: none (by the recipes: none)")
    assert list(kinds(cfg.train_dataloader.dataset)) == ["mmseg.datasets.cityscapes.CityscapesDataset"]


@pytest.mark.parametrize("recipe", ["augmix", "teacher"])
def test_a_wrapper_names_the_class_by_its_path(cfg, tmp_path, recipe):
    lines = apply_recipes(cfg, [recipe])
    assert cfg.model.of == SEGMENTOR
    assert "<class" not in "".join(lines)
    with pytest.raises(ConfigError, match="already"):
        apply_recipes(cfg, [recipe])
    cfg.dump(tmp_path / "written.py")
    assert Config.fromfile(tmp_path / "written.py").model.of == SEGMENTOR


@pytest.mark.parametrize(("kind", "name"), [("AugMix", "augmix-plain"), ("EMAHook", "ema")])
def test_what_is_there_as_a_class_is_not_added_again(cfg, kind, name):
    from mmfan.datasets.augmentations import AugMix

    if kind == "EMAHook":
        cfg.custom_hooks = [{"type": EMAHook}]
    else:
        cfg.train_dataloader.dataset.pipeline.insert(-1, {"type": AugMix})
    with pytest.raises(ConfigError, match=f"{kind} already"):
        apply_recipes(cfg, [name])


def test_copies_that_are_there_as_a_class_stay_last(cfg):
    from mmfan.datasets.augmentations import Views

    steps = cfg.train_dataloader.dataset.pipeline
    steps.insert(-1, {"type": Views, "views": 2, "steps": [{"type": "mmfan.AugMix"}]})
    apply_recipes(cfg, ["mask"])
    assert [step["type"] for step in cfg.train_dataloader.dataset.pipeline[-3:-1]] == ["mmfan.MaskBlocks", Views]


def test_a_wrapper_that_is_there_as_a_class_is_seen(cfg):
    from mmfan.training.registered import ConsistencyWrapper

    cfg.model.type = ConsistencyWrapper
    with pytest.raises(ConfigError, match=r"in mmfan\.ConsistencyWrapper already"):
        apply_recipes(cfg, ["teacher"])


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("scope", ["mmseg", None])
def test_they_train(tmp_path, scope):
    """With None too, as the configs of this kind in OpenMMLab's packages have it."""
    pytest.importorskip("mmseg")
    config = write_lazy_config(tmp_path, write_tree(tmp_path / "data"), scope=scope)
    _, losses = train(config, ["cwfa", "augmix", "ema"], tmp_path / f"{scope}")
    assert [{"loss", "decode.loss_ce", "loss_consistency_pixels"} <= set(one) for one in losses] == [True, True]
    assert (tmp_path / f"{scope}" / "experiment.py").is_file()
