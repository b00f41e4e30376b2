"""``FeatureAugmentHook``: CWFA in the training of any backbone, and noise in its place as the ablation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from mmfan.datasets.augmentations.steps import fraction, number
from mmfan.errors import ConfigError, MMFanError
from mmfan.registry import HOOKS
from mmfan.training.backbone_stages import named_layers, stage_names
from mmfan.training.draws import draw_seed
from mmfan.training.feature_augment import DIRECTIONS, augment
from mmfan.utils.checks import list_of, whole_number


@HOOKS.register_module()
class FeatureAugmentHook(Hook):
    """Push the features behind each stage of the backbone along their mean, in training only.

    See :mod:`mmfan.training.feature_augment` for the method (arXiv 2412.01941). Nothing is added to the model, and
    nothing has to be saved: a coin depends on the seed, the iteration, the layer, the process and the picture's place
    in the batch, so that a resumed run throws the same ones, and activation checkpointing too::

        custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps=9, prob=0.3, begin=16000)]

    The features of a module are its first output of three or more axes: maps ``(B, C, H, W)`` or tokens ``(B, N, C)``.

    Args:
        layers: Names of modules within the model; None for the ends of the backbone's stages
            (:func:`mmfan.training.backbone_stages.stage_names`).
        eps: Length of what is added, as the paper has it (SegFormer: 9 for B0 to B2, 15 for B3 to B5); or
        eps_rel: As a share of how long the features of a place are, for backbones without a norm behind their stages.
        prob: Probability for each layer and picture.
        begin: First iteration with it, or, below 1, the share of the training before it; 0.1 in the paper.
        end: First iteration without it again, or, below 1, the share of the training before that; None, as in the
            paper, for the end of the training. Without the pushes, statistics of batch norms become those of testing.
        direction: ``'mean'``; ``'random'`` and ``'noise'`` are ablations.
        seed: Of the coins and random directions.

    Raises:
        MMFanError: An argument is out of range, or both or none of ``eps`` and ``eps_rel`` are given.
        ConfigError: When training begins, a layer is not there or has no features, or ``end`` is before ``begin`` or
            ``begin`` behind the end of the training.
    """

    overlaps: frozenset[str] = frozenset()
    priority = "NORMAL"

    def __init__(
        self,
        layers: Sequence[str] | None = None,
        eps: float | None = None,
        eps_rel: float | None = None,
        prob: float = 0.3,
        begin: float = 0,
        end: float | None = None,
        direction: str = "mean",
        seed: int = 0,
    ) -> None:
        if (eps is None) == (eps_rel is None):
            raise MMFanError(
                f"Give `eps` (a length; SegFormer: 9) or `eps_rel` (a share of the features' own), got eps={eps!r} and "
                f"eps_rel={eps_rel!r}."
            )
        self.eps = None if eps is None else number("eps", eps)
        self.eps_rel = None if eps_rel is None else number("eps_rel", eps_rel)
        self.prob = fraction("prob", prob)
        self.begin = _moment("begin", begin)
        self.end = float("inf") if end is None else _moment("end", end)
        self.seed = whole_number("seed", seed, 0)
        if direction not in DIRECTIONS:
            raise MMFanError(f"Expected `direction` to be one of {', '.join(DIRECTIONS)}, got {direction!r}.")
        self.direction = direction
        self.layers = None if layers is None else list_of(str, "layers", layers)
        if self.layers == []:
            raise MMFanError("Expected `layers` to name modules, got none: leave it out for the ends of the stages.")
        self._handles: list[Any] = []
        self._model: nn.Module | None = None
        self._iteration = 0

    def before_train(self, runner: Any) -> None:
        """Put itself behind the layers."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        names = self.attach(model)
        self.begin, self.end = (
            round(moment * runner.max_iters) if 0 < moment < 1 else moment for moment in (self.begin, self.end)
        )
        if self.begin >= runner.max_iters:
            self.detach()
            raise ConfigError(
                f"Feature augmentation would begin at iteration {self.begin:g} of a training of {runner.max_iters}: "
                "give an earlier `begin`, or a share of the training, 0.1."
            )
        if self.end <= self.begin:
            self.detach()
            raise ConfigError(
                f"Feature augmentation would end at iteration {self.end:g}, before it begins at {self.begin:g}: give a "
                "later `end`, or None."
            )
        until = "on" if self.end == float("inf") else f"to {self.end:g}"
        runner.logger.info(
            f"CWFA behind {', '.join(names)}: prob {self.prob}, from iteration {self.begin:g} {until}, "
            + (f"eps {self.eps}" if self.eps_rel is None else f"eps {self.eps_rel} of the features' length")
            + ("" if self.direction == "mean" else f", direction: {self.direction}")
        )

    def attach(self, model: nn.Module) -> list[str]:
        """Put itself behind the layers of a model; returns their names."""
        self.detach()
        names = stage_names(model) if self.layers is None else self.layers
        self._model = model
        for place, (name, module) in enumerate(named_layers(model, names).items()):
            self._handles.append(module.register_forward_hook(partial(self._changed, name, place)))
        return list(names)

    def detach(self) -> None:
        """Take itself away from the model."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._model = [], None

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Note the iteration."""
        self._iteration = runner.iter

    def after_train(self, runner: Any) -> None:
        """Take itself away from the model."""
        self.detach()

    def _changed(self, name: str, place: int, module: nn.Module, inputs: Any, output: Any) -> Any:
        if self._model is None or not self._model.training or not self.prob:
            return None
        if not self.begin <= self._iteration < self.end:
            return None
        if isinstance(output, Tensor):
            return self._augmented(output, name, place)
        if isinstance(output, (tuple, list)):
            for at, item in enumerate(output):
                if isinstance(item, Tensor) and item.ndim >= 3:
                    return type(output)((*output[:at], self._augmented(item, name, place), *output[at + 1 :]))
        raise ConfigError(f"{name} gives {type(output).__name__} without features: name another module in `layers`.")

    def _augmented(self, features: Tensor, name: str, place: int) -> Tensor:
        if features.ndim < 3 or not features.is_floating_point():
            raise ConfigError(
                f"{name} gives {tuple(features.shape)}, where maps (B, C, H, W) or tokens (B, N, C) were expected: "
                "name another module in `layers`."
            )
        generator = torch.Generator().manual_seed(draw_seed(self.seed, self._iteration, place, get_rank()))
        coins = torch.rand(features.shape[0], generator=generator) < self.prob
        channel_dim = 2 if features.ndim == 3 else 1
        return augment(features, coins, self.eps, self.eps_rel, self.direction, generator, channel_dim)


def _moment(name: str, value: float) -> float:
    """An iteration, or, below 1, a share of the training, which is settled when its length is known."""
    if isinstance(value, float) and value == 1:
        raise MMFanError(
            f"Expected `{name}` to be a number of iterations, or a share below 1, got {value}: 1 is one iteration."
        )
    return number(name, value) if isinstance(value, float) else float(whole_number(name, value, 0))
