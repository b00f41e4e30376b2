"""Batches of training pictures and the loss on them, each the same whatever came before it."""

from __future__ import annotations

import copy
import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, DefaultScope
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.apis.libraries import scope_of
from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.judging.contents import digest_of
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.loop.loading.picture_names import name_pictures


@dataclass(frozen=True)
class Batch:
    """Pictures and labels as a model in training gets them.

    Attributes:
        inputs: (B, 3, H, W), normalised and padded.
        samples: Their labels.
        names: Of the pictures.
        seed: Of what the loss draws: boxes that a detector learns from, Mixup of a classifier.
        digest: Hash of the augmented pictures and their labels.
    """

    inputs: Tensor
    samples: list[Any]
    names: tuple[str, ...]
    seed: int = 0
    digest: str = ""


def training_batches(context: Context, count: int, size: int) -> list[Batch]:
    """Batches of augmented pictures of the config's training set, spread evenly over it.

    The augmentation of a picture depends on the seed of the context and the name of the picture alone, what is drawn
    for a whole batch on those of its first picture; the generators of numpy, Python and torch are left as they were.

    Args:
        context: Its ``crop`` cuts the central pixels out of augmented pictures, to save memory (segmentation only).
        count: How many batches.
        size: Pictures in each.

    Raises:
        AnalysisError: The config has no training set, or it is too small, or the context's settings do not fit.
    """
    if context.cell != CLEAN or context.tap_names:
        raise AnalysisError(
            f"{context.analysis} takes the training set as its pipeline gives it: leave out `cell` and `taps`."
        )
    cfg = context.model.cfg
    config = (cfg.get("train_dataloader") or {}).get("dataset")
    if config is None:
        raise AnalysisError(f"{context.config} has no train_dataloader.dataset, on whose pictures the loss is taken.")
    scope = scope_of(cfg)
    with DefaultScope.overwrite_default_scope(scope):
        dataset = DATASETS.build(copy.deepcopy(config))
    if len(dataset) < count * size:
        raise AnalysisError(
            f"The analysis needs {count} batches of {size} pictures, the training set of {context.config} has "
            f"{len(dataset)} pictures."
        )
    chosen = spread(len(dataset), count * size)
    names = name_pictures(dataset)[1] if hasattr(dataset, "get_data_info") else [str(n) for n in range(len(dataset))]
    context.used_pictures.extend(names[number] for number in chosen)
    batches = []
    for start in range(0, len(chosen), size):
        numbers = chosen[start : start + size]
        with _own_randomness(), DefaultScope.overwrite_default_scope(scope):
            samples = [
                _sample(dataset, number, picture_seed(context.seed, names[number], "crop", 0)) for number in numbers
            ]
            seed = picture_seed(context.seed, names[numbers[0]], "batch", 0)
            batches.append(_batch(context, samples, [names[number] for number in numbers], seed))
    return batches


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed % 2**63)


def _sample(dataset: Any, number: int, seed: int) -> Any:
    _seed(seed)
    sample = dataset[number]
    if sample is None:
        raise AnalysisError(f"The training pipeline gives nothing for picture {number}; its augmentation discards it.")
    return sample


def _batch(context: Context, samples: Sequence[Any], names: Sequence[str], seed: int) -> Batch:
    packed = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
    digest = digest_of([_told(packed[key]) for key in sorted(packed)]).hex()
    _seed(seed)  # some preprocessors resize or mix the batch
    data = context.model.data_preprocessor(packed, True)
    inputs, labels = data["inputs"], data["data_samples"]
    if context.crop is not None:
        inputs, labels = _central(inputs, labels, context.crop)
    return Batch(inputs, labels, tuple(names), seed, digest)


def _told(value: Any) -> Any:
    """What a picture or a label holds, for its hash: of boxes and masks their numbers."""
    if isinstance(value, BaseDataElement):
        return {key: _told(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(one) for one in value]
    value = getattr(value, "tensor", getattr(value, "masks", value))
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value


def _central(inputs: Tensor, samples: list[Any], side: int) -> tuple[Tensor, list[Any]]:
    height, width = inputs.shape[2:]
    if side > min(height, width):
        raise AnalysisError(f"The training pictures are {height} x {width}, smaller than the crop of {side}.")
    if not all("gt_sem_seg" in sample for sample in samples):
        raise AnalysisError("`crop` cuts label maps, and these pictures have boxes: leave it out for detection.")
    top, left = (height - side) // 2, (width - side) // 2
    cut = []
    for sample in samples:
        sample = copy.deepcopy(sample)
        labels = sample.gt_sem_seg.data[..., top : top + side, left : left + side]
        kept = type(sample.gt_sem_seg)(data=labels)
        # the size is part of it: a smaller map cannot be set in place
        del sample.gt_sem_seg
        sample.gt_sem_seg = kept
        sample.set_metainfo({"img_shape": (side, side), "pad_shape": (side, side)})
        cut.append(sample)
    return inputs[..., top : top + side, left : left + side].contiguous(), cut


def loss_of(model: Any, batch: Batch) -> Tensor:
    """The training loss of a batch, all its parts added; the model's mode is not changed.

    What it draws is the same each time, else a landscape would be of the draws; generators are left as they were.

    Raises:
        AnalysisError: The model gives no loss.
    """
    with _own_randomness():
        _seed(batch.seed)
        losses = model.loss(batch.inputs, batch.samples)
    parts = [
        value.mean() if isinstance(value, Tensor) else sum(item.mean() for item in value)
        for name, value in losses.items()
        if "loss" in name
    ]
    if not parts:
        raise AnalysisError(f"{type(model).__name__} gives no loss; it gives {', '.join(losses)}.")
    return torch.stack([torch.as_tensor(part) for part in parts]).sum()


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """Attention by separate steps, for a while: the fused kernels have no second derivative.

    (By switches, which every version of torch has; it keeps those of the CPU with those of CUDA.)
    """
    wanted = {"math": True, "flash": False, "mem_efficient": False, "cudnn": False}
    switches = torch.backends.cuda
    before = {
        name: getattr(switches, f"{name}_sdp_enabled")() for name in wanted if hasattr(switches, f"enable_{name}_sdp")
    }
    try:
        for name in before:
            getattr(switches, f"enable_{name}_sdp")(wanted[name])
        yield
    finally:
        for name, was in before.items():
            getattr(switches, f"enable_{name}_sdp")(was)


def weight_decays(model: nn.Module, cfg: Any) -> dict[str, float]:
    """Weight decay of each parameter by its name, as the config's optimiser has it; 0 where there is no optimiser."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = dict.fromkeys(names.values(), 0.0)
    wrapper = cfg.get("optim_wrapper")
    if not wrapper:
        return found
    settings = copy.deepcopy(wrapper)
    settings.pop("accumulative_counts", None)
    settings["type"] = "OptimWrapper"
    for key in ("loss_scale", "dtype", "use_fsdp"):
        settings.pop(key, None)
    # it lists the settings of every parameter, which nobody wants to read here
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with DefaultScope.overwrite_default_scope(scope_of(cfg)):
            optimiser = build_optim_wrapper(model, settings)
    finally:
        logger.setLevel(level)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if id(parameter) in names:
                found[names[id(parameter)]] = float(group.get("weight_decay", 0.0))
    return found


@contextmanager
def _own_randomness() -> Iterator[None]:
    states = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
