"""The seed of a training: what is none, and who draws by it."""

import pytest
from mmengine.config import Config

from mmfan.apis import load_config
from mmfan.datasets.augmentations.passes import SeedByPicture
from mmfan.errors import ConfigError
from mmfan.training.hooks.feature_hook import FeatureAugmentHook
from mmfan.training.recipes import apply_recipes
from mmfan.training.seeds import follow_seed, seed_of

SEED = {"type": "mmfan.SeedByPicture", "seed": 0}


def steps_that_seed(cfg):
    steps = [*cfg.train_dataloader.dataset.pipeline, *cfg.train_pipeline]
    return [step.get("seed") for step in steps if step["type"] == "mmfan.SeedByPicture"]


@pytest.mark.parametrize("seed", [None, 0, 7, 2**32 - 1])
def test_the_seed_of_a_config(seed):
    assert seed_of(Config({"randomness": {"seed": seed, "deterministic": True}})) == seed
    assert seed_of(Config({})) is None


@pytest.mark.parametrize("seed", ["abc", -3, True, 1.5, 2**32])
def test_what_is_no_seed(seed):
    with pytest.raises(
        ConfigError, match=r"`randomness\.seed` to be a whole number of at (least 0|most 4294967295), got"
    ):
        seed_of(Config({"randomness": {"seed": seed}}))
    with pytest.raises(ConfigError, match="Expected `seed` to be a whole number"):
        apply_recipes(load_config("fan_segformer_mini"), ["cwfa"], seed=seed)


@pytest.mark.parametrize("randomness", [5, None, [3]])
def test_the_seed_stands_in_a_dict(randomness):
    with pytest.raises(ConfigError, match=r"`randomness` to be a dict, as dict\(seed=0\), got"):
        seed_of(Config({"randomness": randomness}))


def test_shipped_configs_draw_by_the_seed_of_the_training():
    """By 0, which they write out, they draw as they always did."""
    for name, followers in (
        ("fan_segformer_camvid_augmix", ["mmfan.SeedByPicture"]),
        ("fan_segformer_camvid_cwfa", ["mmfan.FeatureAugmentHook"]),
        ("segformer_mit-b0_camvid_robust", ["mmfan.FeatureAugmentHook", "mmfan.SeedByPicture"]),
        ("fan_segformer_camvid", []),
    ):
        cfg = load_config(name)
        assert follow_seed(cfg, 0) == []
        assert cfg._cfg_dict == load_config(name)._cfg_dict
        assert follow_seed(cfg, 5) == followers
        assert steps_that_seed(cfg) == [5, 5] * ("mmfan.SeedByPicture" in followers)
        assert [hook.seed for hook in cfg.get("custom_hooks", [])] == [5] * ("mmfan.FeatureAugmentHook" in followers)


def test_recipes_move_the_seed_of_a_shipped_config():
    cfg = load_config("fan_segformer_camvid_augmix")
    lines = apply_recipes(cfg, ["seeded"], seed=5)
    assert steps_that_seed(cfg) == [5, 5]
    assert lines[1] == (
        "seeds: 5, by mmfan.SeedByPicture and mmfan.PassSampler; the same draws for any number of workers"
    )


def test_who_keeps_a_seed_of_its_own_is_told():
    cfg = load_config("fan_segformer_camvid_augmix")
    cfg.train_dataloader.dataset.pipeline[0].seed = cfg.train_pipeline[0].seed = 3
    cfg.custom_hooks = [{"type": "mmfan.AttentionDiversityHook", "seed": 0}]
    lines = apply_recipes(cfg, ["cwfa"], seed=5)
    assert steps_that_seed(cfg) == [3, 3]
    assert lines[1] == (
        "seeds: 5, by mmfan.SeedByPicture and mmfan.PassSampler; mmfan.AttentionDiversityHook keeps its own, 0; "
        "mmfan.SeedByPicture keeps its own, 3; the same draws for any number of workers"
    )


def test_steps_of_any_set_follow():
    """Also of sets that recipes could not change, and of the pipeline that mmdetection's hook switches to."""
    switch = {"type": "mmdet.PipelineSwitchHook", "switch_pipeline": [dict(SEED), {"type": "PackDetInputs"}]}
    cfg = Config({
        "train_dataloader": {"dataset": {"type": "Own", "parts": [{"steps": [{"type": "mmfan.SeedByPicture"}]}]}},
        "custom_hooks": [switch],
    })  # fmt: skip
    assert follow_seed(cfg, 2) == ["mmfan.SeedByPicture"]
    assert cfg.train_dataloader.dataset.parts[0].steps[0].seed == 2
    assert cfg.custom_hooks[0].switch_pipeline[0].seed == 2


def test_what_is_a_class_draws_by_the_seed_too():
    by_path = "mmfan.training.hooks.feature_hook.FeatureAugmentHook"
    cfg = Config({
        "train_dataloader": {"dataset": {"pipeline": [{"type": SeedByPicture}]}},
        "custom_hooks": [{"type": FeatureAugmentHook}, {"type": by_path}],
    })  # fmt: skip
    assert follow_seed(cfg, 2) == ["mmfan.FeatureAugmentHook", "mmfan.SeedByPicture"]
    assert [part.seed for part in (*cfg.custom_hooks, cfg.train_dataloader.dataset.pipeline[0])] == [2, 2, 2]
