"""Building the Runner: resuming, mixed precision, work folder, test-time augmentation, checkpoints that do not fit."""

from pathlib import Path

import pytest
import torch
from helpers.lazy_segmentor import write_lazy_config
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.runner import BaseLoop

from mmfan.apis import build_runner, load_config
from mmfan.apis.amp import is_amp, use_amp
from mmfan.apis.runner import _enable_tta, default_work_dir
from mmfan.errors import ConfigError
from mmfan.models.safe_load import CheckpointError
from mmfan.training.hooks.feature_hook import FeatureAugmentHook

pytestmark = pytest.mark.slow

SCHEDULE = [1e-3, 1e-3 * 2 / 3, 1e-3 / 3, 0.0]  # PolyLR of power 1 from 1e-3 to 0 over 4 iterations


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("data"))


class Watch(Hook):
    """Notes iteration, rate and loss; may break the run off as a kill would."""

    def __init__(self, stop_after=None):
        self.seen, self.stop_after = [], stop_after

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append((runner.iter, runner.optim_wrapper.get_lr()["lr"][0], outputs["loss"].item()))
        if runner.iter == self.stop_after:
            raise KeyboardInterrupt


def run(config, work_dir, *, stop_after=None, **options):
    """Train; returns the runner and what was seen."""
    runner = build_runner(load_config(config), work_dir=work_dir, **options)
    watch = Watch(stop_after)
    runner.register_hook(watch, "VERY_HIGH")
    if stop_after is None:
        runner.train()
    else:
        with pytest.raises(KeyboardInterrupt):
            runner.train()
    return runner, watch.seen


def test_a_loop_of_ones_own_is_tested_in_the_place_of_the_configs(tmp_path, data):
    class Counting(BaseLoop):
        def run(self):
            return {"answer": 42}

    runner = build_runner(load_config(write_config(tmp_path / "own_loop.py", data)), work_dir=tmp_path / "w")
    loop = Counting(runner, runner.build_dataloader(runner.cfg.test_dataloader))
    runner.use_test_loop(loop)
    assert runner.test() == {"answer": 42}
    assert runner.test_loop is loop


@pytest.mark.parametrize("resume", ["auto", "path"])
@pytest.mark.process
def test_a_killed_run_continues_exactly(tmp_path, data, resume):
    """Killed in its third iteration and resumed from the checkpoint of the second, a run ends with the same weights."""
    # Runs are told apart by their config's name and the second they start in.
    whole, seen = run(write_config(tmp_path / f"whole_{resume}.py", data), tmp_path / "whole")
    assert [(iteration, pytest.approx(rate)) for iteration, rate, _ in seen] == list(enumerate(SCHEDULE))

    run(write_config(tmp_path / f"killed_{resume}.py", data), tmp_path / "killed", stop_after=2)
    saved = torch.load(tmp_path / "killed" / "iter_2.pth", weights_only=False)
    rest, continued = run(
        write_config(tmp_path / f"rest_{resume}.py", data),
        tmp_path / "killed",
        resume=True if resume == "auto" else tmp_path / "killed" / "iter_2.pth",
    )
    assert continued == seen[2:]  # same iterations, rates and losses
    steps = {int(entry["step"]) for entry in rest.optim_wrapper.optimizer.state_dict()["state"].values()}
    assert {int(entry["step"]) for entry in saved["optimizer"]["state"].values()} == {2}
    assert steps == {4}
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, rest.model.state_dict()[name]), name


@pytest.mark.process
def test_resume_without_anything_to_resume_starts_anew(tmp_path, data):
    runner = build_runner(load_config(write_config(tmp_path / "fresh.py", data)), work_dir=tmp_path / "w", resume=True)
    assert runner._resume is False
    with pytest.raises(FileNotFoundError, match=r"iter_9\.pth does not exist"):
        build_runner(
            load_config(write_config(tmp_path / "gone.py", data)),
            work_dir=tmp_path / "w",
            resume=tmp_path / "iter_9.pth",
        )


@pytest.mark.process
@pytest.mark.parametrize(("own", "seed"), [({}, 5), ({"seed": 3}, 3)])
def test_plug_ins_draw_by_the_seed_of_the_training(tmp_path, data, own, seed):
    cfg = load_config(write_config(tmp_path / "tiny.py", data), {"randomness.seed": 5})
    cfg.custom_hooks = [{"type": "mmfan.FeatureAugmentHook", "eps_rel": 0.5, **own}]
    runner = build_runner(cfg, work_dir=tmp_path / "w")
    assert [hook.seed for hook in runner.hooks if isinstance(hook, FeatureAugmentHook)] == [seed]
    assert cfg.custom_hooks[0].get("seed") == own.get("seed")  # the caller's config is the caller's


def test_unused_parts_of_the_backbone_stay_out_of_training(tmp_path, data):
    """DDP without find_unused_parameters works only if every parameter it knows gets a gradient."""
    runner = build_runner(load_config(write_config(tmp_path / "gradients.py", data)), work_dir=tmp_path / "w")
    batch = next(iter(runner.build_dataloader(runner.cfg.train_dataloader, seed=0)))
    losses = runner.model(**runner.model.data_preprocessor(batch, True), mode="loss")
    losses["decode.loss_ce"].backward()
    missing = [n for n, p in runner.model.named_parameters() if p.requires_grad and p.grad is None]
    assert missing == []
    assert runner.cfg.find_unused_parameters is False


@pytest.mark.process
def test_mixed_precision_on_a_cpu_is_bfloat16(tmp_path, data):
    runner, seen = run(write_config(tmp_path / "amp.py", data), tmp_path / "w", amp=True)
    assert type(runner.optim_wrapper).__name__ == "CPUAmpOptimWrapper"
    assert {weight.dtype for weight in runner.model.parameters()} == {torch.float32}
    _, plain = run(write_config(tmp_path / "plain.py", data), tmp_path / "v")
    losses, exact = [loss for *_, loss in seen], [loss for *_, loss in plain]
    assert losses == pytest.approx(exact, rel=0.02)
    assert losses != exact


def test_use_amp_by_device_and_kind(tmp_path, data):
    cfg = load_config(write_config(tmp_path / "kinds.py", data))
    use_amp(cfg, accelerator=True)
    assert cfg.optim_wrapper.type == "AmpOptimWrapper"
    assert cfg.optim_wrapper.loss_scale == "dynamic"
    use_amp(cfg, accelerator=False)
    assert cfg.optim_wrapper.type == "CPUAmpOptimWrapper"
    assert "loss_scale" not in cfg.optim_wrapper
    cfg.optim_wrapper.type = "ApexOptimWrapper"
    with pytest.raises(ConfigError, match="got 'ApexOptimWrapper'"):
        use_amp(cfg, accelerator=True)


@pytest.mark.parametrize("kind", [AmpOptimWrapper, "mmengine.optim.AmpOptimWrapper", OptimWrapper])
def test_wrappers_that_are_classes_take_mixed_precision(kind):
    cfg = Config({"optim_wrapper": {"type": kind}})
    assert is_amp(cfg.optim_wrapper) == (kind is not OptimWrapper)
    use_amp(cfg, accelerator=False)
    assert cfg.optim_wrapper.type == "CPUAmpOptimWrapper"
    cfg.optim_wrapper.type = type("OptimWrapper", (OptimWrapper,), {"__module__": "own"})
    with pytest.raises(ConfigError, match=r"got 'own\.OptimWrapper'"):
        use_amp(cfg, accelerator=True)


@pytest.mark.process
def test_a_config_in_pure_python_trains_in_its_mixed_precision(tmp_path, data):
    more = "from mmengine.optim import AmpOptimWrapper\noptim_wrapper.update(type=AmpOptimWrapper)\n"
    runner = build_runner(load_config(write_lazy_config(tmp_path, data, more, None)), work_dir=tmp_path / "w")
    runner.train()
    assert type(runner.optim_wrapper).__name__ == "CPUAmpOptimWrapper"


def test_test_time_augmentation_of_sets_within_sets():
    inner = {"type": "D", "pipeline": [{"type": "A"}]}
    nested = {"type": "ConcatDataset", "datasets": [inner, {"type": "RepeatDataset", "times": 2, "dataset": inner}]}
    cfg = Config(
        {"model": {"type": "M"}, "tta_model": {"type": "T"}, "tta_pipeline": [{"type": "B"}],
         "test_dataloader": {"dataset": nested}}
    )  # fmt: skip
    _enable_tta(cfg)
    first, second = cfg.test_dataloader.dataset.datasets
    assert first.pipeline == second.dataset.pipeline == [{"type": "B"}]
    assert "pipeline" not in cfg.test_dataloader.dataset
    assert "pipeline" not in second


@pytest.mark.process
def test_work_folder_rule_and_scaled_rate(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = load_config(write_config(tmp_path / "address.py", data))
    assert default_work_dir(cfg) == Path("work_dirs/address")
    runner = build_runner(cfg, auto_scale_lr=True)
    assert Path(runner.work_dir) == tmp_path / "work_dirs" / "address"
    wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.scale_lr(wrapper, runner.auto_scale_lr)
    assert wrapper.optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 2 / 8)
    assert "work_dir" not in cfg  # the caller's config is left alone
    cfg.pop("auto_scale_lr")
    with pytest.raises(ConfigError, match="base_batch_size"):
        build_runner(cfg, auto_scale_lr=True)


def test_a_config_without_training_is_tested(tmp_path, data):
    cfg = load_config(write_config(tmp_path / "tiny.py", data))
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = cfg.param_scheduler = None
    assert build_runner(cfg, work_dir=tmp_path / "w").cfg.optim_wrapper is None


def test_configs_that_cannot_be_run_are_named(tmp_path, data):
    empty = tmp_path / "empty.py"
    empty.write_text("default_scope = 'mmseg'\n")
    with pytest.raises(ConfigError, match=r"empty\.py has no `model`"):
        build_runner(load_config(empty))
    cfg = load_config(write_config(tmp_path / "no_tta.py", data))
    cfg.pop("tta_pipeline")
    with pytest.raises(ConfigError, match="needs tta_pipeline"):
        build_runner(cfg, work_dir=tmp_path / "w", tta=True)


@pytest.mark.process
def test_a_checkpoint_of_another_model_is_refused_for_testing(tmp_path, data):
    checkpoint = write_checkpoint(tmp_path / "small.pth", write_config(tmp_path / "small.py", data))
    wide = write_config(tmp_path / "wide.py", data, "model['decode_head']['embed_dim'] = 64\n")
    runner = build_runner(load_config(wide), work_dir=tmp_path / "w", checkpoint=checkpoint)
    with pytest.raises(CheckpointError, match=r"small\.pth does not fit .* of another shape: decode_head"):
        runner.test()


@pytest.mark.process
def test_a_run_of_another_model_is_not_resumed(tmp_path, data):
    run(write_config(tmp_path / "narrow.py", data), tmp_path / "w")
    wide = write_config(tmp_path / "wider.py", data, "model['decode_head']['embed_dim'] = 64\n")
    runner = build_runner(load_config(wide), work_dir=tmp_path / "w", resume=True)
    with pytest.raises(CheckpointError, match=r"iter_4\.pth does not fit"):
        runner.train()


@pytest.mark.process
def test_test_time_augmentation_loads_and_merges(tmp_path, data):
    config = write_config(tmp_path / "augmented.py", data)
    checkpoint = write_checkpoint(tmp_path / "a.pth", config)
    plain = build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=checkpoint).test()
    config = write_config(tmp_path / "augmented2.py", data)
    runner = build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=checkpoint, tta=True)
    merged = runner.test()
    assert type(runner.model).__name__ == "SegTTAModel"
    assert len(runner.test_dataloader.dataset[0]["inputs"]) == 6  # 3 scales x 2 flips
    assert 0 <= merged["mIoU"] <= 100
    assert merged != plain
