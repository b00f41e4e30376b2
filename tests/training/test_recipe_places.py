"""Places of a config: what is there already, what lacks what a recipe needs, what is no config at all."""

import pytest

from mmfan.apis import load_config
from mmfan.errors import ConfigError
from mmfan.training.recipe_places import check_model, hooks_of
from mmfan.training.recipes import RECIPES, apply_recipes


@pytest.mark.parametrize("hooks", [5, "EMAHook", [5], {"type": "EMAHook"}])
def test_hooks_are_a_list_of_configs(hooks):
    cfg = load_config("fan_segformer_mini")
    cfg.custom_hooks = hooks
    with pytest.raises(ConfigError, match=r"`custom_hooks` to be a list of configs, .* got"):
        hooks_of(cfg)
    with pytest.raises(ConfigError, match="`custom_hooks` to be a list of configs"):
        apply_recipes(cfg, ["cwfa"])


def test_a_model_that_nobody_knows_is_named():
    cfg = load_config("fan_segformer_mini")
    check_model(cfg)
    cfg.model.type = "EncoderDecodr"
    with pytest.raises(ConfigError, match=r"no model 'EncoderDecodr' in mmseg\. Did you mean 'EncoderDecoder'\?"):
        check_model(cfg)
    with pytest.raises(ConfigError, match=r"`model\.type`: there is no model"):
        apply_recipes(cfg, ["augmix"])
    cfg.model.type = "mmfan.Nope"
    with pytest.raises(ConfigError, match=r"no model 'mmfan\.Nope' in mmfan"):
        check_model(cfg)
    cfg.model.type = "elsewhere.Model"  # a package that is not here says so where packages are checked
    check_model(cfg)
    cfg.model = 5
    with pytest.raises(ConfigError, match="Expected `model` to be the config of a model, with its `type`, got 5"):
        check_model(cfg)


@pytest.mark.parametrize("recipe", ["textures", "paint", "wave", "mask", "filter", "colour", "fda", "augmix-plain"])
def test_a_step_that_is_there_is_not_added_again(recipe):
    cfg = load_config("fan_segformer_camvid")
    apply_recipes(cfg, [recipe])
    with pytest.raises(ConfigError, match=r"The training pipeline has mmfan\.\w+ already\."):
        apply_recipes(cfg, [recipe])


def test_the_shipped_config_of_textures_has_them():
    with pytest.raises(ConfigError, match=r"has mmfan\.SwapTextures already"):
        apply_recipes(load_config("fan_segformer_camvid_textures"), ["textures"])


def test_other_operations_are_another_augmentation():
    cfg = load_config("fan_segformer_camvid")
    apply_recipes(cfg, ["augmix-plain", "prime"])
    assert [step.type for step in cfg.train_pipeline].count("mmfan.AugMix") == 2


@pytest.mark.parametrize("recipe", ["paint", "textures", "oamix", "adl"])
def test_what_a_classifier_lacks_is_named(recipe):
    message = (
        "needs .*; mmfan.ImageClassifier has no `backbone`" if recipe == "adl" else "needs .*PackClasses, has none"
    )
    with pytest.raises(ConfigError, match=f"The recipe {recipe} {message}"):
        apply_recipes(load_config("fan_classifier_mini"), [recipe])


def test_batches_of_one_have_no_donors():
    for name in ("fan_segformer_cityscapes", "fan_segformer_mini"):
        cfg = load_config(name)
        cfg.train_dataloader.batch_size = 1
        with pytest.raises(ConfigError, match=r"train_dataloader\.batch_size is 1: give --cfg-options .*=2, or .* fda"):
            apply_recipes(cfg, ["apr"])
        cfg.train_dataloader.batch_size = 2
        apply_recipes(cfg, ["apr"])


def test_crops_too_small_for_low_frequencies():
    cfg = load_config("fan_segformer_camvid")
    crop = next(step for step in cfg.train_dataloader.dataset.pipeline if step.type == "RandomCrop")
    crop.crop_size = (100, 120)
    apply_recipes(cfg, ["fda"])
    cfg = load_config("fan_segformer_camvid")
    crop = next(step for step in cfg.train_dataloader.dataset.pipeline if step.type == "RandomCrop")
    crop.crop_size = (120, 99)
    with pytest.raises(
        ConfigError, match=r"fda does nothing to crops of 99 pixels: .* beta=0\.01 .* begin at 100 pixels"
    ):
        apply_recipes(cfg, ["fda"])
    with pytest.raises(ConfigError, match="fda does nothing to crops of 96 pixels"):
        apply_recipes(load_config("fan_classifier_mini"), ["fda"])


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_refused_recipe_is_named_or_done(recipe):
    """On a detector; each either changes the config or says why not."""
    cfg = load_config("fan_cascade_rcnn_bccd")
    if recipe in ("paint", "textures"):
        with pytest.raises(ConfigError, match=f"The recipe {recipe} needs"):
            apply_recipes(cfg, [recipe])
    else:
        assert apply_recipes(cfg, [recipe])[0].startswith(f"{recipe}: ")
