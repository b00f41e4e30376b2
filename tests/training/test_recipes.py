"""Recipes: what each puts where, that they go together or say why not, and that every one of them trains."""

import os
import socket

import pytest
import torch
from helpers.tiny_robustness import quick_processes
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.hooks import Hook

from mmfan.apis import build_runner, load_config
from mmfan.errors import ConfigError
from mmfan.training.recipes import RECIPES, apply_recipes

SETS = {
    "segmentor": (
        ["cwfa", "augmix", "adl", "apr", "fda", "wave", "ema"],
        ["teacher", "paint", "textures", "mask", "prime", "filter", "colour", "augmix-plain", "swa"],
    ),
    "detector": (
        ["cwfa", "augmix", "adl", "apr", "fda", "wave", "ema"],
        ["oamix", "mask", "prime", "filter", "colour", "augmix-plain", "swa"],
        ["teacher", "cwfa"],
    ),
}
EVERY_SET = [(family, number) for family, sets in SETS.items() for number in range(len(sets))]
CITYSCAPES = "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024"
LENGTH = "train_cfg['max_iters'] = 4\n"


def steps_of(cfg):
    dataset = cfg.train_dataloader.dataset
    while "pipeline" not in dataset:
        dataset = dataset.dataset
    return [step["type"] for step in dataset.pipeline]


def test_every_recipe_is_trained_here():
    for family, sets in SETS.items():
        left_out = {"paint", "textures"} if family == "detector" else {"oamix"}
        assert {name for names in sets for name in names} == set(RECIPES) - left_out


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


def test_the_length_of_cwfa_is_that_of_the_encoder():
    cfg = load_config("segformer_mit-b0_camvid")
    apply_recipes(cfg, ["cwfa"])
    assert cfg.custom_hooks[0]["eps"] == 9
    large = load_config("segformer_mit-b0_camvid")
    large.model.backbone.num_layers = [3, 4, 18, 3]  # B3
    apply_recipes(large, ["cwfa"])
    assert large.custom_hooks[0]["eps"] == 15


def test_averages_by_the_length_of_the_training():
    cfg = load_config("fan_segformer_camvid")
    apply_recipes(cfg, ["swa"])
    assert cfg.custom_hooks[0]["begin_iter"] == 900
    short = load_config("fan_segformer_camvid")
    apply_recipes(short, ["ema"])
    assert short.custom_hooks[0]["momentum"] == pytest.approx(20 / 1200)
    epochs = load_config("fan_cascade_mask_rcnn_coco")
    apply_recipes(epochs, ["swa"])
    assert epochs.custom_hooks[-1]["begin_epoch"] == 27


def test_sets_that_cannot_tell_the_pass_are_left_as_they_are():
    cfg = load_config("fan_segformer_mini")
    cfg.train_dataloader.dataset = {"type": "ClassBalancedDataset", "dataset": cfg.train_dataloader.dataset}
    lines = apply_recipes(cfg, ["wave"])
    assert cfg.train_dataloader.sampler.type == "InfiniteSampler"
    assert "ClassBalancedDataset does not tell the pass" in lines[-2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["augmx"], r"no recipe 'augmx'\. Did you mean 'augmix'\? There are: cwfa, augmix"),
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


class Watch(Hook):
    def __init__(self, stop_after=None):
        self.losses, self.stop_after = [], stop_after

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append({name: float(value.detach()) for name, value in outputs.items() if "loss" in name})
        if runner.iter == self.stop_after:
            raise KeyboardInterrupt


def write(folder, family, more=""):
    if family == "segmentor":
        return write_config(folder / "seg.py", write_tree(folder / "data"), more)
    from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_config

    more += "val_cfg = val_dataloader = val_evaluator = None\n"
    return write_detector_config(folder / "det.py", write_coco_tree(folder / "data"), more)


def train(config, names, work_dir, stop_after=None, workers=0, **options):
    cfg = load_config(config)
    apply_recipes(cfg, names)
    cfg.train_cfg.val_interval = 100
    cfg.train_dataloader.num_workers = workers
    cfg.experiment_name = f"{work_dir.name}{stop_after}{options}".replace("/", "_")[:60]
    runner = build_runner(cfg, work_dir=work_dir, **options)
    watch = Watch(stop_after)
    runner.register_hook(watch, "VERY_HIGH")
    if stop_after is None:
        runner.train()
    else:
        with pytest.raises(KeyboardInterrupt):
            runner.train()
    return runner, watch.losses


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole training of a set of recipes, done once: its folder, config, Runner and losses."""
    done = {}

    def train_whole(family, number):
        if (family, number) not in done:
            folder = tmp_path_factory.mktemp(f"{family}{number}")
            config = write(folder, family, LENGTH)
            done[family, number] = (folder, config, *train(config, SETS[family][number], folder / "whole"))
        return done[family, number]

    return train_whole


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(("family", "number"), EVERY_SET)
def test_they_train_and_a_killed_training_continues_exactly(whole, family, number):
    """Seeds by picture, pass and iteration: killed in its third iteration and resumed, a run has the same losses."""
    if family == "detector":
        pytest.importorskip("mmdet")
    names = SETS[family][number]
    folder, config, undisturbed, losses = whole(family, number)
    assert len(losses) == 4
    assert all(torch.tensor(list(one.values())).isfinite().all() for one in losses)
    told = set().union(*losses)
    assert any("consistency" in name or "teacher" in name for name in told)
    train(config, names, folder / "killed", stop_after=2)
    rest, continued = train(config, names, folder / "killed", resume=True)
    if family == "detector":  # mmdetection picks the regions it learns from by torch's own generator
        same = ("loss_rpn_bbox", "loss_consistency_rpn", "loss_teacher_rpn")
        assert {name: continued[0].get(name) for name in same} == {name: losses[2].get(name) for name in same}
        return
    assert continued == losses[2:]
    state, other = undisturbed.model.state_dict(), rest.model.state_dict()
    assert all(torch.equal(state[name], other[name]) for name in state)


@pytest.mark.slow
@pytest.mark.process
def test_the_number_of_loading_processes_does_not_matter(whole):
    folder, config, _, alone = whole("segmentor", 0)
    _, two = train(config, SETS["segmentor"][0], folder / "two", workers=2)
    assert alone == two


@pytest.mark.slow
@pytest.mark.parametrize(("family", "number"), EVERY_SET)
def test_in_mixed_precision(whole, family, number):
    if family == "detector":
        pytest.importorskip("mmdet")
    folder, config, _, plain = whole(family, number)
    runner, mixed = train(config, SETS[family][number], folder / "amp", amp=True)
    assert type(runner.optim_wrapper).__name__.endswith("AmpOptimWrapper")
    for one, other in zip(plain, mixed, strict=True):
        assert set(one) == set(other)
        assert other["loss"] == pytest.approx(one["loss"], rel=0.1)
        assert other != one


class Weights(Hook):
    """Notes the values of one weight after each iteration."""

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append(runner.model.decode_head.fuse_norm.weight.detach().clone())


@pytest.mark.slow
def test_the_running_mean_is_what_is_saved(tmp_path):
    """By hand: the first weights are taken over, then ``mean + 0.05 (weights - mean)``."""
    cfg = load_config(write(tmp_path, "segmentor", LENGTH))
    apply_recipes(cfg, ["ema"])
    cfg.train_cfg.val_interval = 100
    runner = build_runner(cfg, work_dir=tmp_path / "ema")
    weights = Weights()
    runner.register_hook(weights, "VERY_HIGH")
    runner.train()
    mean = weights.seen[0]
    for seen in weights.seen[1:]:
        mean = mean + 0.05 * (seen - mean)
    saved = torch.load(tmp_path / "ema" / "iter_4.pth", weights_only=False)["state_dict"]
    torch.testing.assert_close(saved["decode_head.fuse_norm.weight"], mean)
    assert not torch.allclose(mean, weights.seen[-1])


def train_as_rank(rank, port, family, config, folder):
    """Train with each set of recipes, one after the other; for a process of its own."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": "-1"}  # fmt: skip
    for number, names in enumerate(SETS[family]):
        runner, _ = train(config, names, folder / f"set{number}", launcher="pytorch")
        torch.save(runner.model.module.state_dict(), folder / f"set{number}_rank{rank}.pth")


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("family", SETS)
def test_two_processes_keep_one_model(tmp_path, family):
    if family == "detector":
        pytest.importorskip("mmdet")
    config = write(tmp_path, family, "train_cfg['max_iters'] = 2\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = quick_processes()
    ranks = [context.Process(target=train_as_rank, args=(rank, port, family, config, tmp_path)) for rank in (0, 1)]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join(300)
    assert [one.exitcode for one in ranks] == [0, 0]
    for number in range(len(SETS[family])):
        first, second = (torch.load(tmp_path / f"set{number}_rank{rank}.pth") for rank in (0, 1))
        # statistics of batch norms are each process' own on CPUs
        learnt = [name for name in first if "running_" not in name and not name.startswith("teacher.")]
        assert all(torch.equal(first[name], second[name]) for name in learnt)


@pytest.mark.parametrize(
    ("shipped", "base", "names"),
    [
        *(
            (f"{base}_{ending}", base, names)
            for base in ("fan_segformer_camvid", "segformer_mit-b0_camvid", "segformer_r18_camvid", CITYSCAPES)
            for ending, names in (("cwfa", ["cwfa"]), ("augmix", ["augmix"]), ("robust", ["cwfa", "augmix"]))
        ),
        ("fan_segformer_camvid_textures", "fan_segformer_camvid", ["textures"]),
        ("fan_cascade_rcnn_bccd_robust", "fan_cascade_rcnn_bccd", ["cwfa", "oamix"]),
    ],
)
def test_shipped_configs_are_what_the_recipes_make(shipped, base, names):
    made = load_config(base)
    apply_recipes(made, names)
    hooks = [dict(hook) for hook in made.get("custom_hooks", [])]
    written = load_config(shipped)
    if names == ["cwfa"]:  # the hook draws by itself: the pipeline stays what it is
        made = load_config(base)
        made.custom_hooks = written.custom_hooks
        assert [dict(hook) for hook in written.custom_hooks] == hooks
    for key in ("model", "train_dataloader", "custom_hooks", "train_pipeline", "param_scheduler", "train_cfg"):
        assert written.get(key) == made.get(key), key


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
