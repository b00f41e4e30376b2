"""Recipes: what each puts where, that they go together or say why not; the configs that are shipped."""

import copy
import types
from pathlib import Path

import pytest
import torch
from mmengine.registry import HOOKS, MODELS, DefaultScope

from mmfan.apis import load_config
from mmfan.errors import ConfigError
from mmfan.training.backbone_stages import stage_names
from mmfan.training.hooks.amplitude_hook import AmplitudeMixHook
from mmfan.training.recipes import apply_recipes

CITYSCAPES = "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024"


def steps_of(cfg):
    dataset = cfg.train_dataloader.dataset
    while "pipeline" not in dataset:
        dataset = dataset.dataset
    return [step["type"] for step in dataset.pipeline]


def test_cwfa_and_augmix_on_the_published_recipe():
    cfg = load_config("fan_segformer_cityscapes")
    plain = load_config("fan_segformer_cityscapes")
    lines = apply_recipes(cfg, ["cwfa", "augmix"])
    assert steps_of(cfg) == ["mmfan.SeedByPicture", *steps_of(plain)[:-1], "mmfan.Views", "PackSegInputs"]
    assert (cfg.model.type, cfg.model.of) == ("mmfan.ConsistencyWrapper", "EncoderDecoder")
    assert cfg.model.backbone == plain.model.backbone
    assert cfg.custom_hooks == [{"type": "mmfan.FeatureAugmentHook", "eps_rel": 0.5, "prob": 0.3, "begin": 0.1}]
    assert cfg.train_dataloader.sampler == {"type": "mmfan.PassSampler", "sampler": plain.train_dataloader.sampler}
    assert lines[0].startswith("cwfa: features pushed along their mean")
    assert "custom_hooks + mmfan.FeatureAugmentHook(eps_rel=0.5, prob=0.3, begin=0.1)" in lines[0]
    assert "model.type + mmfan.ConsistencyWrapper" in lines[1]
    assert "mmfan.Views(views=3, prob=0.4, steps=[mmfan.AugMix()])" in lines[1]
    assert lines[-1] == (
        "corruptions of the tests that the training shows: brightness, contrast, saturate (by the recipes: none)"
    )


def test_the_line_on_overlap_says_what_recipes_add():
    lines = apply_recipes(load_config("fan_segformer_mini"), ["prime"])
    blurs = "defocus_blur, glass_blur, motion_blur, zoom_blur"
    assert f"(by the recipes: {blurs}, brightness, contrast, gaussian_blur, saturate)" in lines[-1]


def test_the_line_on_overlap_counts_hooks():
    lines = apply_recipes(load_config("fan_segformer_mini"), ["apr"])
    assert lines[-1].endswith("shows: brightness, contrast, saturate (by the recipes: brightness, contrast, saturate)")
    cfg = load_config("fan_segformer_mini")
    cfg.custom_hooks = [{"type": AmplitudeMixHook}, {"type": "NobodyKnowsHook"}]
    assert apply_recipes(cfg, ["seeded"])[-1].endswith("brightness, contrast, saturate (by the recipes: none)")


def test_the_line_on_overlap_names_steps_that_nobody_knows():
    cfg = load_config("fan_segformer_mini")
    cfg.train_dataloader.dataset.pipeline.insert(-1, {"type": "Albu", "transforms": []})
    assert apply_recipes(cfg, ["cwfa"])[-1].endswith("(by the recipes: none); nobody has said what these show: Albu")


def test_hooks_draw_by_the_seed_of_the_training():
    cfg = load_config("fan_segformer_mini")
    cfg.custom_hooks = [{"type": "mmfan.AttentionDiversityHook", "seed": 7}]
    apply_recipes(cfg, ["cwfa", "apr", "ema"], seed=2)
    assert [hook.get("seed") for hook in cfg.custom_hooks] == [7, 2, 2, None]
    assert cfg.train_dataloader.dataset.pipeline[0] == {"type": "mmfan.SeedByPicture", "seed": 2}


def test_the_length_of_cwfa_is_that_of_the_encoder():
    cfg = load_config("segformer_mit-b0_camvid")
    apply_recipes(cfg, ["cwfa"])
    assert cfg.custom_hooks[0]["eps"] == 9
    large = load_config("segformer_mit-b0_camvid")
    large.model.backbone.num_layers = [3, 4, 18, 3]  # B3
    apply_recipes(large, ["cwfa"])
    assert large.custom_hooks[0]["eps"] == 15


@pytest.mark.parametrize("config", ["fan_segformer_camvid", "segformer_mit-b0_camvid"])
def test_the_light_form_of_cwfa_pushes_a_sixth_as_often(config):
    full, light = load_config(config), load_config(config)
    apply_recipes(full, ["cwfa"])
    apply_recipes(light, ["cwfa-light"])
    assert light.custom_hooks == [{**full.custom_hooks[0], "prob": 0.05}]
    with pytest.raises(ConfigError, match=r"has a hook mmfan\.FeatureAugmentHook already"):
        apply_recipes(full, ["cwfa-light"])


def test_averages_by_the_length_of_the_training():
    cfg = load_config("fan_segformer_camvid")
    apply_recipes(cfg, ["swa"])
    assert cfg.custom_hooks[0]["begin_iter"] == 900
    short = load_config("fan_segformer_camvid")
    apply_recipes(short, ["ema"])
    assert short.custom_hooks[0]["momentum"] == pytest.approx(20 / 1200)
    epochs = load_config("fan_cascade_mask_rcnn_coco")
    apply_recipes(epochs, ["swa"])
    assert epochs.custom_hooks[-1]["begin_epoch"] == 28  # of 36: the last nine


@pytest.mark.parametrize("length", [100, 600, 1200, 5000])
def test_averages_of_epochs_remember_a_twentieth_of_the_training(length):
    """Asked of mmengine's average itself, of a weight that is 1 at first, and of one that counts the iterations."""
    cfg = load_config("fan_cascade_mask_rcnn_coco")
    apply_recipes(cfg, ["ema"])
    model = torch.nn.Linear(2, 1, bias=False).requires_grad_(False)
    mean = MODELS.build(HOOKS.build(cfg.custom_hooks[-1]).ema_cfg, default_args={"model": model})
    for at in range(length):
        model.weight.copy_(torch.tensor([[float(at == 0), at]]))
        mean.update_parameters(model)
    first, place = mean.module.weight[0].tolist()
    assert first < 1e-6
    assert length - place == pytest.approx(length / 20, rel=0.25)


def test_the_last_quarter_in_epochs():
    """Asked of mmengine's hook itself: the epochs that are averaged."""
    for length, wanted in ((36, range(27, 36)), (12, [9, 10, 11]), (4, [3]), (3, [2]), (2, [1]), (1, [0])):
        cfg = load_config("fan_cascade_mask_rcnn_coco")
        cfg.train_cfg.max_epochs = length
        apply_recipes(cfg, ["swa"])
        hook = HOOKS.build(cfg.custom_hooks[-1])
        runs = (types.SimpleNamespace(epoch=epoch, iter=0) for epoch in range(length))
        assert [run.epoch for run in runs if hook._ema_started(run)] == list(wanted)


def test_donors_of_fda_are_those_of_the_whole_set():
    """A sample knows its own folder alone, which of Cityscapes is one city."""
    cfg = load_config("fan_segformer_cityscapes")
    apply_recipes(cfg, ["fda"])
    [step] = [one for one in cfg.train_pipeline if one["type"] == "mmfan.AmplitudeMix"]
    assert step["styles"] == "data/cityscapes/leftImg8bit/train"
    cfg.train_dataloader.dataset = {
        "type": "ConcatDataset",
        "datasets": [
            {"type": "A", "data_root": "a", "data_prefix": {"img": "train"}, "pipeline": [{"type": "PackDetInputs"}]},
            {"type": "B", "data_prefix": {"img_path": "b/train"}, "pipeline": [{"type": "PackSegInputs"}]},
            {"type": "C", "pipeline": [{"type": "PackSegInputs"}]},
        ],
    }
    apply_recipes(cfg, ["fda"])
    told = [one.pipeline[-2] for one in cfg.train_dataloader.dataset.datasets]
    assert [one.get("styles") for one in told] == [str(Path("a/train")), str(Path("b/train")), None]


def test_donors_of_fda_by_a_prefix_that_is_a_text():
    cfg = load_config("fan_segformer_camvid")
    cfg.train_dataloader.dataset = {**cfg.train_dataloader.dataset, "data_root": "a", "data_prefix": "images"}
    apply_recipes(cfg, ["fda"])
    assert cfg.train_dataloader.dataset.pipeline[-2].styles == str(Path("a/images"))


def test_donors_of_fda_of_sets_within_sets():
    cfg = load_config("mmdet::yolox/yolox_s_8xb8-300e_coco.py")
    apply_recipes(cfg, ["fda"])
    assert cfg.train_dataloader.dataset.pipeline[-2].styles == str(Path("data/coco/train2017"))
    cfg = load_config("mmdet::yolox/yolox_s_8xb8-300e_coco.py")
    inner = cfg.train_dataloader.dataset.dataset
    cfg.train_dataloader.dataset.dataset = {"type": "ConcatDataset", "datasets": [inner, {**inner, "data_root": "b"}]}
    apply_recipes(cfg, ["fda"])
    assert "styles" not in cfg.train_dataloader.dataset.pipeline[-2]  # two folders


def test_donors_of_fda_after_a_switch_of_pipelines():
    cfg = load_config("mmdet::rtmdet/rtmdet_l_8xb32-300e_coco.py")
    apply_recipes(cfg, ["fda"])
    switch = next(hook for hook in cfg.custom_hooks if hook.type == "PipelineSwitchHook")
    told = [steps[-2].styles for steps in (cfg.train_dataloader.dataset.pipeline, switch.switch_pipeline)]
    assert told == [str(Path("data/coco/train2017"))] * 2


def test_pipelines_that_are_switched_to_later_take_the_steps_too():
    cfg = load_config("mmdet::rtmdet/rtmdet_l_8xb32-300e_coco.py")
    lines = apply_recipes(cfg, ["augmix", "cwfa"])
    switch = next(hook for hook in cfg.custom_hooks if hook.type == "PipelineSwitchHook")
    for steps in (steps_of(cfg), [step["type"] for step in switch.switch_pipeline]):
        assert (steps[0], steps[-2], steps[-1]) == ("mmfan.SeedByPicture", "mmfan.Views", "PackDetInputs")
    assert lines[0].count("mmfan.Views") == 1
    assert "Pipeline" not in lines[1]
    assert lines[2].endswith("workers, but for CachedMosaic and CachedMixUp, whose draws are those of a process")


def test_names_are_a_list():
    with pytest.raises(ConfigError, match="a list of recipes, got the text 'ema'"):
        apply_recipes(load_config("fan_segformer_mini"), "ema")


def test_the_baseline_of_recipes_draws_as_they_do():
    """With one seed each sees the same crops: nothing but the steps of the others is different."""
    plain, seeded, waves = (load_config("fan_segformer_mini") for _ in range(3))
    lines = apply_recipes(seeded, ["seeded"], seed=3)
    assert lines[0] == "seeded: draws by seed, picture and pass, which every recipe brings, and nothing else"
    assert [line.split(":")[0] for line in lines[1:]] == ["seeds", "corruptions of the tests that the training shows"]
    apply_recipes(waves, ["wave"], seed=3)
    assert [name for name in steps_of(waves) if name != "mmfan.FourierWave"] == steps_of(seeded)
    assert waves.train_dataloader.sampler == seeded.train_dataloader.sampler
    assert seeded.train_dataloader.dataset.pipeline[0] == {"type": "mmfan.SeedByPicture", "seed": 3}
    assert steps_of(seeded)[1:] == steps_of(plain)
    assert (seeded.model, seeded.get("custom_hooks")) == (plain.model, plain.get("custom_hooks"))


def test_steps_of_a_set_within_a_set_are_told():
    """They are done before the seed is set; what they overlap counts."""
    cfg = load_config("mmdet::yolox/yolox_s_8xb8-300e_coco.py")
    assert apply_recipes(cfg, ["wave"])[1].endswith("the same draws for any number of workers")
    cfg = load_config("mmdet::yolox/yolox_s_8xb8-300e_coco.py")
    cfg.train_dataloader.dataset.dataset.pipeline.append({"type": "CLAHE"})
    lines = apply_recipes(cfg, ["wave"])
    assert lines[1].endswith("workers, but for CLAHE, whose draws are those of a process")
    assert "shows: brightness, contrast, saturate, single_frequency_greyscale (by the recipes: single" in lines[2]


def test_sets_that_cannot_tell_the_pass_are_left_as_they_are():
    cfg = load_config("fan_segformer_mini")
    cfg.train_dataloader.dataset = {"type": "ClassBalancedDataset", "dataset": cfg.train_dataloader.dataset}
    lines = apply_recipes(cfg, ["wave"])
    assert cfg.train_dataloader.sampler.type == "InfiniteSampler"
    assert "ClassBalancedDataset does not tell the pass" in lines[-2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["augmx"], r"no recipe 'augmx'\. Did you mean 'augmix'\? There are: cwfa, cwfa-light, augmix"),
        (["cwfa", "cwfa"], "asked for twice"),
        (["augmix", "teacher"], r"in mmfan\.ConsistencyWrapper already"),
        (["ema", "swa"], "has a hook EMAHook already"),
        (["oamix"], "oamix needs boxes of objects: of segmentors take augmix; this training, with PackSegInputs, has"),
    ],
)
def test_what_does_not_go_together_is_named(names, message):
    with pytest.raises(ConfigError, match=message):
        apply_recipes(load_config("fan_segformer_mini"), names)


@pytest.mark.parametrize("name", ["paint", "textures"])
def test_label_maps_are_asked_for_where_they_are(name):
    detector = load_config("fan_mask_rcnn_mini")
    with pytest.raises(ConfigError, match=f"{name} needs a label map of each picture.*PackDetInputs, has none"):
        apply_recipes(detector, [name])
    panoptic = load_config("fan_mask_rcnn_mini")
    loading = next(step for step in panoptic.train_dataloader.dataset.pipeline if "LoadAnnotations" in step.type)
    loading.with_seg = True
    apply_recipes(panoptic, [name])
    assert steps_of(panoptic)[-2] in ("mmfan.PaintByNumbers", "mmfan.SwapTextures")


@pytest.mark.parametrize(
    ("address", "names", "of"),
    [
        ("mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py", ["cwfa", "augmix"], "EncoderDecoder"),
        ("mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb2-80k_cityscapes-512x1024.py", ["cwfa", "teacher"],
         "EncoderDecoder"),
        ("mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py", ["cwfa", "oamix"], "FasterRCNN"),
        ("mmdet::yolox/yolox_s_8xb8-300e_coco.py", ["augmix", "wave"], "YOLOX"),
    ],
)  # fmt: skip
def test_configs_of_others_take_recipes(address, names, of):
    cfg = load_config(address)
    lines = apply_recipes(cfg, names)
    assert (cfg.model.of, len(lines)) == (of, len(names) + 2)
    assert steps_of(cfg)[0] == "mmfan.SeedByPicture"
    assert steps_of(cfg)[-2] == "mmfan.Views"
    if "cwfa" in names:
        eps = {"eps": 9} if "mit-b0" in address else {"eps_rel": 0.5}
        assert eps.items() <= dict(cfg.custom_hooks[-1]).items()


def test_a_config_without_training_is_refused():
    cfg = load_config("fan_segformer_mini")
    cfg.train_dataloader = None
    with pytest.raises(ConfigError, match="need a config with `train_dataloader`"):
        apply_recipes(cfg, ["cwfa"])


@pytest.mark.parametrize(
    ("shipped", "base", "names"),
    [
        *(
            (f"{base}_{ending}", base, names)
            for base in ("fan_segformer_camvid", "segformer_mit-b0_camvid", "segformer_r18_camvid", CITYSCAPES)
            for ending, names in (("cwfa", ["cwfa"]), ("augmix", ["augmix"]))
        ),
        *(
            (f"{base}_robust", base, ["cwfa", "augmix"])
            for base in ("segformer_mit-b0_camvid", "segformer_r18_camvid", CITYSCAPES)
        ),
        ("fan_segformer_camvid_robust", "fan_segformer_camvid", ["cwfa-light"]),
        ("fan_segformer_camvid_textures", "fan_segformer_camvid", ["textures"]),
        ("fan_cascade_rcnn_bccd_robust", "fan_cascade_rcnn_bccd", ["cwfa", "oamix"]),
    ],
)
def test_shipped_configs_are_what_the_recipes_make(shipped, base, names):
    made = load_config(base)
    apply_recipes(made, names)
    hooks = [dict(hook) for hook in made.get("custom_hooks", [])]
    written = load_config(shipped)
    if names in (["cwfa"], ["cwfa-light"]):  # the hook draws by itself: the pipeline stays what it is
        made = load_config(base)
        made.custom_hooks = written.custom_hooks
        assert [dict(hook) for hook in written.custom_hooks] == hooks
    for key in ("model", "train_dataloader", "custom_hooks", "train_pipeline", "param_scheduler", "train_cfg"):
        assert written.get(key) == made.get(key), key


def without_scopes(part):
    """What a base of another package adds to each of its parts is left out."""
    if isinstance(part, dict):
        return {key: without_scopes(value) for key, value in part.items() if key != "_scope_"}
    return [without_scopes(one) for one in part] if isinstance(part, (list, tuple)) else part


@pytest.mark.parametrize("net", ["mit-b0", "r18"])
@pytest.mark.parametrize(("ending", "names"), [("cwfa", ["cwfa"]), ("augmix", ["augmix"]),
                                               ("robust", ["cwfa", "augmix"])])  # fmt: skip
def test_on_cityscapes_recipes_are_put_on_those_of_mmsegmentation(net, ending, names):
    written = load_config(f"segformer_{net}_8xb1-160k_cityscapes-1024x1024_{ending}")
    made = load_config("mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py")
    if net == "r18":
        made.model.backbone = written.model.backbone
        made.model.decode_head.in_channels = [64, 128, 256, 512]
        assert (made.model.backbone.type, made.model.backbone.depth) == ("ResNet", 18)
    loader = without_scopes(made.train_dataloader)
    apply_recipes(made, names)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(copy.deepcopy(written.model))
    assert len(stage_names(model)) == 4
    for key in ("model", "custom_hooks", "param_scheduler", "train_cfg", "optim_wrapper", "val_dataloader"):
        assert without_scopes(written.get(key)) == without_scopes(made.get(key)), key
    # the hook draws by itself: alone, it leaves the pipeline what it is
    expected = loader if names == ["cwfa"] else without_scopes(made.train_dataloader)
    assert without_scopes(written.train_dataloader) == expected


def test_the_config_of_shape_has_a_teacher_of_the_same_form():
    plain, shape = load_config("fan_segformer_camvid"), load_config("fan_segformer_camvid_shape")
    assert shape.model.teacher == plain.model
    kept = {
        key: value for key, value in shape.model.items() if key in plain.model and key not in ("type", "auxiliary_head")
    }
    assert kept == {key: plain.model[key] for key in kept}
    assert shape.model.auxiliary_head.num_classes == plain.model.decode_head.num_classes


def test_the_config_of_cwfa_alone_changes_nothing_else():
    plain, written = load_config("fan_segformer_camvid"), load_config("fan_segformer_camvid_cwfa")
    assert {**plain._cfg_dict, "custom_hooks": written.custom_hooks} == written._cfg_dict
    assert [hook.type for hook in written.custom_hooks] == ["mmfan.FeatureAugmentHook"]
