"""The one builder of mmengine's Runner, so that every command trains and tests alike.

What is guaranteed about resuming, and what not: iteration, weights, optimiser and schedule continue exactly, and so do
the order of the pictures, because the sampler is wound forward and the seed is fixed in the config, and what the model
draws itself, dropout for instance, because checkpoints hold the state of torch's generator. Random augmentations draw
anew from the seed unless they draw by picture (``mmfan.SeedByPicture``, which every recipe of robust training brings):
with it a resumed run equals an uninterrupted one bit for bit.
"""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import RUNNERS
from mmengine.runner import BaseLoop, Runner

from mmfan.apis.amp import is_amp, use_amp
from mmfan.apis.checkpoint import (
    check_classes,
    check_fit,
    check_some_fit,
    overlap_of_weights,
    read_checkpoint,
    trained_classes,
    without_teacher,
)
from mmfan.apis.config import innermost_datasets
from mmfan.apis.distributed import has_accelerator, join_cpu_group, rank_variables
from mmfan.apis.libraries import library_of
from mmfan.apis.resume import check_average, check_resumable, choose_resume
from mmfan.apis.weight_doors import inner_model, own_reader, with_own_reader, without_program
from mmfan.datasets.augmentations.overlaps import overlap_from
from mmfan.environment import check_environment
from mmfan.errors import ConfigError
from mmfan.evaluation.loop.main_process import main_process_alone
from mmfan.evaluation.loop.preflight.run import preflight_of_validation
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop
from mmfan.models.weight_files.checks import check_usable
from mmfan.training.hooks.overlap_hook import OverlapHook, training_pipelines
from mmfan.training.hooks.resume_hook import ResumeHook
from mmfan.training.seeds import follow_seed, seed_of
from mmfan.training.view_batches import check_views
from mmfan.utils.processes.children import shorten_sockets

Launcher = str  # 'none', 'pytorch', 'slurm' or 'mpi'


class PlainRunner(Runner):
    """mmengine's Runner, which also runs several ranks without a GPU and reads checkpoints without running them.

    Attributes:
        whole_checkpoint: Whether a checkpoint must give every weight of the model. True for testing: a model with
            half of its weights random gives numbers too. Resuming demands it as well. False for training from other
            weights, where a head for other classes is usual.
        trained_classes: Class names in the checkpoint that is tested; empty where it has none.
        training_overlap: What the training of the checkpoint, or this training, shows of the tests
            (:mod:`mmfan.datasets.augmentations.overlaps`), in the types of JSON; None where nothing is known.
        resuming: Whether a checkpoint is being loaded to go on from it.
    """

    whole_checkpoint = False
    trained_classes: Sequence[str] = ()
    training_overlap: dict[str, Any] | None = None
    resuming = False

    def setup_env(self, env_cfg: dict) -> None:
        """Join the process group where mmengine cannot, then set up the rest as mmengine does."""
        if self.distributed and not has_accelerator():
            join_cpu_group(self.launcher, env_cfg.get("dist_cfg", {}).get("timeout"))
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: torch.nn.Module) -> torch.nn.Module:
        """Wrap the model for several ranks; on CPUs with plain BatchNorm and without a device."""
        if self.distributed and not has_accelerator():
            self.logger.info(
                "SyncBatchNorm cannot train on CPUs: such layers become BatchNorm, with statistics of each rank's own."
            )
            model = revert_sync_batchnorm(model)
            model_wrapper_cfg = {
                "type": "MMDistributedDataParallel",
                "broadcast_buffers": False,
                "find_unused_parameters": self.cfg.get("find_unused_parameters", False),
                **(model_wrapper_cfg or {}),
                "device_ids": None,
            }
        return super().wrap_model(model_wrapper_cfg, model)

    # Parts of a model may load weights while it is built and when training begins.
    __init__ = with_own_reader(Runner.__init__)
    train = with_own_reader(Runner.train)
    val = with_own_reader(Runner.val)
    test = with_own_reader(Runner.test)

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Continue a run as mmengine does; the checkpoint must be one of this model, and hold more than weights."""
        kept, self.whole_checkpoint, self.resuming = self.whole_checkpoint, True, True
        try:
            super().resume(filename, *args, **kwargs)
        finally:
            self.whole_checkpoint, self.resuming = kept, False

    def _init_model_weights(self) -> None:
        """Begin with weights as mmengine does; what the training of files among them showed is noted."""
        super()._init_model_weights()
        told = overlap_of_weights(self.cfg.get("model"))
        self.training_overlap = None if told is None else told.to_dict()

    def load_checkpoint(self, filename: str, *args: Any, **kwargs: Any) -> dict:
        """Load a checkpoint as mmengine does, after checking that it holds data only and, for tests, every weight."""
        content = read_checkpoint(filename)
        check_usable(content, filename)
        own = inner_model(self.model).state_dict()
        content = without_teacher(content, own, anew=not self.whole_checkpoint)
        told = overlap_from(content.get("meta"))
        self.training_overlap = None if told is None else told.to_dict()
        if self.resuming:
            check_resumable(content, filename, bool(self.param_schedulers))
            check_average(content, own, filename)
        if self.whole_checkpoint:
            unused = check_fit(own, content, filename)
            self.trained_classes = trained_classes(content)
            if unused:
                self.logger.warning(f"{filename} has {len(unused)} weights this model does not use: {unused[:6]}")
            tested = _classes_of(self._test_loop)
            if tested and library_of(self.cfg) == "mmdet":
                check_classes(content, tested, filename)
        else:
            check_some_fit(own, content, filename)
        with own_reader({str(filename): without_program(content)}):
            return super().load_checkpoint(filename, *args, **kwargs)

    def build_train_loop(self, loop: Any) -> Any:
        """Build the loop as mmengine does; its data must have the classes of a detector's heads, and views if taken."""
        built = super().build_train_loop(loop)
        self._check_heads(built)
        check_views(inner_model(self.model), training_pipelines(built.dataloader.dataset, self.hooks))
        return built

    def build_val_loop(self, loop: Any) -> Any:
        """Build the loop as mmengine does, and see now that it will not fail after the first hour of training.

        Raises:
            PreflightError: Pictures, labels, annotations or the metric are not in order; all that is wrong is listed.
        """
        built = super().build_val_loop(loop)
        if isinstance(built, RobustnessLoop):
            built.preflight(with_model=False)
        else:
            with main_process_alone() as is_main:
                if is_main:
                    preflight_of_validation(built)
        return built

    def build_test_loop(self, loop: Any) -> Any:
        """Build the loop as mmengine does; a detector's heads must have the classes of its data."""
        built = super().build_test_loop(loop)
        self._check_heads(built)
        return built

    def use_test_loop(self, loop: BaseLoop) -> None:
        """Have :meth:`test` run this loop, in the place of the config's."""
        self._test_loop = loop

    def _check_heads(self, loop: Any) -> None:
        classes = _classes_of(loop)
        if classes and library_of(self.cfg) == "mmdet":
            check_heads(inner_model(self.model), len(classes), len(_classes_of(loop, "thing_classes")))


def _classes_of(loop: Any, entry: str = "classes") -> list[str]:
    """Class names of the set that a loop runs over; empty where it names none or is not built yet.

    Open-vocabulary detectors get the names with every picture (``return_classes``), so nothing is asked of their sets.
    """
    dataset = getattr(getattr(loop, "dataloader", None), "dataset", None)
    if getattr(dataset, "return_classes", False):
        return []
    return list((getattr(dataset, "metainfo", None) or {}).get(entry) or ())


def check_heads(model: torch.nn.Module, count: int, things: int = 0) -> None:
    """Check that every classifying head of a detector has as many classes as its data.

    With more, mmdetection trains in silence; with fewer, it fails deep inside a loss.

    Args:
        model: A model of mmdetection.
        count: Classes of the dataset.
        things: Those of them that are counted, of a panoptic set: what heads of regions tell apart; 0 for all.

    Raises:
        ConfigError: Names the heads and both numbers.
    """
    heads = {
        name: (module.num_classes, things if things and "roi_head" in name.split(".") else count)
        for name, module in model.named_modules()
        if type(module).__module__.startswith("mmdet.") and hasattr(module, "predict_by_feat")
        # region proposals only tell objects from the rest; what heads outside mmdetection mean is theirs to say
        if "rpn_head" not in name.split(".") and "RPN" not in type(module).__name__
        if isinstance(getattr(module, "num_classes", None), int)
    }
    wrong = {name: both for name, both in heads.items() if both[0] != both[1]}
    if wrong:
        expected = " and ".join(str(number) for number in dict.fromkeys(both[1] for both in wrong.values()))
        told = ", ".join(f"{name} has {both[0]}" for name, both in wrong.items())
        raise ConfigError(
            f"Expected num_classes={expected} in the heads, one for each class of the dataset, but {told}. Set "
            "num_classes in the heads, or metainfo=dict(classes=...) in the datasets."
        )


def build_runner(
    cfg: Config,
    *,
    work_dir: str | Path | None = None,
    checkpoint: str | Path | None = None,
    resume: bool | str | Path = False,
    amp: bool = False,
    launcher: Launcher = "none",
    auto_scale_lr: bool = False,
    tta: bool = False,
) -> Runner:
    """Build the Runner for a config; the config itself is not changed.

    Args:
        cfg: From :func:`mmfan.apis.load_config`.
        work_dir: Where logs and checkpoints go. Without it: the config's ``work_dir``, else ``work_dirs/NAME``.
        checkpoint: Weights to test with; every weight of the model must be in it.
        resume: True or ``'auto'`` continues from the newest checkpoint in the work folder, if there is one; a path
            continues from that file.
        amp: Train in mixed precision (bfloat16 on a CPU).
        launcher: How several processes were started.
        auto_scale_lr: Scale the learning rate by (this run's batch) / (``auto_scale_lr.base_batch_size``).
        tta: Test with the config's ``tta_model`` and ``tta_pipeline``.

    Raises:
        EnvironmentMismatchError: The config's packages are missing or too old.
        FileNotFoundError: ``checkpoint`` or the one to resume does not exist.
        CheckpointError: It, or the config's ``load_from``, cannot be read or used, or the one to resume is no
            checkpoint of a training.
        ConfigError: The config lacks something that an argument needs.
        ValueError: The launcher did not start this process.
    """
    if "model" not in cfg:
        raise ConfigError(f"{cfg.filename} has no `model`; is it a base for other configs?")
    cfg = copy.deepcopy(cfg)
    check_environment(*filter(None, [library_of(cfg)]))
    cfg.work_dir = str(work_dir or cfg.get("work_dir") or default_work_dir(cfg))
    cfg.launcher = launcher
    if launcher != "none":
        rank_variables(launcher, {"MASTER_ADDR": "", **os.environ})
    notes = []
    if checkpoint is not None:
        cfg.load_from, cfg.resume = str(checkpoint), False
    else:
        notes += [choose_resume(cfg, resume), _settle_draws(cfg)]
    if cfg.get("load_from") and not cfg.get("resume"):
        check_usable(read_checkpoint(cfg.load_from), cfg.load_from)  # fails now, before the data is looked through
    if amp or is_amp(cfg.get("optim_wrapper")):
        notes.append(use_amp(cfg, has_accelerator()))
    if auto_scale_lr:
        _enable_auto_scale_lr(cfg)
    if tta:
        _enable_tta(cfg)
    _settle_workers(cfg)

    runner = _own_kind(cfg) if "runner_type" in cfg else PlainRunner.from_cfg(cfg)
    if isinstance(runner, PlainRunner):
        runner.whole_checkpoint = checkpoint is not None
    for kind in (OverlapHook, ResumeHook):
        if not any(isinstance(hook, kind) for hook in runner.hooks):
            runner.register_hook(kind())
    for note in filter(None, notes):
        runner.logger.info(note)
    if cfg.get("resume") and cfg.get("randomness", {}).get("seed") is None:
        runner.logger.log(logging.WARNING, "No randomness.seed in the config: the order of pictures starts anew.")
    return runner


def _settle_draws(cfg: Config) -> str:
    """Let augmentations draw by the seed of the training: else trainings of several seeds would share their draws."""
    seed = seed_of(cfg) or 0
    followed = follow_seed(cfg, seed)
    return f"randomness.seed, {seed}, is the seed of {' and '.join(followed)} too" if followed else ""


def _own_kind(cfg: Config) -> Runner:
    """A user's own Runner, which has to know about CPUs and fitting checkpoints itself; its files are read by ours."""
    with own_reader():
        runner = RUNNERS.build(cfg)
    for name in ("train", "val", "test", "load_or_resume", "load_checkpoint", "resume"):
        if hasattr(runner, name):
            setattr(runner, name, with_own_reader(getattr(runner, name)))
    return runner


def default_work_dir(cfg: Config) -> Path:
    """``work_dirs/NAME`` in the current folder, as mmsegmentation and mmdetection have it.

    Raises:
        ConfigError: The config was not read from a file, so it has no name.
    """
    if cfg.filename is None:
        raise ConfigError("A config without a file needs `work_dir`.")
    return Path("work_dirs") / Path(cfg.filename).stem


def _enable_auto_scale_lr(cfg: Config) -> None:
    scale = cfg.get("auto_scale_lr")
    if not scale or "base_batch_size" not in scale:
        raise ConfigError(
            "Scaling the learning rate needs `auto_scale_lr = dict(enable=False, base_batch_size=N)` in the config, "
            "where N is the batch over all GPUs that its learning rate is meant for."
        )
    scale.enable = True


def _enable_tta(cfg: Config) -> None:
    missing = [key for key in ("tta_model", "tta_pipeline") if key not in cfg]
    if missing:
        raise ConfigError(f"Test-time augmentation needs {' and '.join(missing)}, which {cfg.filename} does not have.")
    for dataset in innermost_datasets(cfg.test_dataloader.dataset):
        dataset.pipeline = cfg.tta_pipeline
    cfg.model = {**cfg.tta_model, "module": cfg.model}


def _settle_workers(cfg: Config) -> None:
    """``num_workers=0`` on the command line is enough: torch refuses it together with persistent workers.

    Where there are loading processes, their sockets get a path that is short enough.
    """
    if any(loader.get("num_workers", 0) for loader in _dataloaders(cfg)):
        shorten_sockets()
    for loader in _dataloaders(cfg):
        if loader.get("num_workers", 0) == 0:
            loader["persistent_workers"] = False
            loader.pop("prefetch_factor", None)


def _dataloaders(cfg: Config) -> Iterator[Any]:
    for key in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loaders = cfg.get(key)
        yield from loaders if isinstance(loaders, list) else filter(None, [loaders])
