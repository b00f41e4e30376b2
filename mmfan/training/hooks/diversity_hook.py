"""``AttentionDiversityHook``: ADL in the training of FAN, a loss that asks the rows of its attention to differ."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from mmfan.datasets.augmentations.steps import number
from mmfan.errors import ConfigError
from mmfan.models.layers.token_attention import TokenAttention
from mmfan.registry import HOOKS
from mmfan.training.diversity import attention_rows, likeness
from mmfan.training.draws import draw_seed
from mmfan.training.view_batches import extend
from mmfan.utils.checks import whole_number

LOSS = "loss_diversity"


class Diverse:
    """Mixed into the class of a segmentor or detector while it trains: its losses have one more."""

    diversity: Any

    def loss(self, *inputs: Any, **more: Any) -> dict[str, Any]:
        """The losses of the model, and that of its attention."""
        with self.diversity:
            losses: dict[str, Any] = super().loss(*inputs, **more)  # type: ignore[misc]
        return {**losses, LOSS: self.diversity.loss()}


@HOOKS.register_module()
class AttentionDiversityHook(Hook):
    """Add the loss of :mod:`mmfan.training.diversity` over the token blocks of FAN and FAN-Hybrid, in training only.

    Nothing is added to the model. The rows are drawn by seed, iteration, block and process, so that a resumed run draws
    the same ones::

        custom_hooks = [dict(type="mmfan.AttentionDiversityHook", weight=1.0, rows=256)]

    Args:
        weight: Of the loss; 1 in the paper.
        rows: Queries whose attention is formed, of each block; at most N.
        seed: Of the draws.

    Raises:
        MMFanError: An argument is out of range.
        ConfigError: When training begins, the backbone has no such blocks.
    """

    overlaps: frozenset[str] = frozenset()
    priority = "NORMAL"

    def __init__(self, weight: float = 1.0, rows: int = 256, seed: int = 0) -> None:
        self.weight = number("weight", weight)
        self.rows, self.seed = whole_number("rows", rows, 1), whole_number("seed", seed, 0)
        self._handles: list[Any] = []
        self._found: list[Tensor] = []
        self._queries: dict[int, Tensor] = {}
        self._model: nn.Module | None = None
        self._collects, self._iteration = False, 0

    def __enter__(self) -> None:
        self._found, self._collects = [], True

    def __exit__(self, *problem: object) -> None:
        self._collects = False
        self._queries.clear()

    def loss(self) -> Tensor:
        """The loss of the blocks that were computed since the last call."""
        found, self._found = self._found, []
        if not found:
            raise ConfigError("mmfan.AttentionDiversityHook saw no attention in the loss of the model.")
        return self.weight * torch.stack(found).mean()

    def before_train(self, runner: Any) -> None:
        """Put itself into the blocks, and the loss into the model."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        count = self.attach(model)
        runner.logger.info(f"ADL in {count} blocks, {self.rows} rows of each at most, weight {self.weight:g}")

    def attach(self, model: nn.Module) -> int:
        """Put itself into the blocks, and the loss into the model; returns the number of blocks."""
        self.detach()
        backbone: Any = getattr(model, "backbone", None)
        parts = getattr(backbone, "blocks", None) or []
        blocks = [block.attn for block in parts if isinstance(getattr(block, "attn", None), TokenAttention)]
        if not blocks:
            got = type(model).__name__ + " without a `backbone`" if backbone is None else type(backbone).__name__
            raise ConfigError(
                "mmfan.AttentionDiversityHook is for the token blocks of mmfan.FAN and mmfan.FANHybrid as the backbone "
                f"of a segmentor or detector, got {got}."
            )
        for place, block in enumerate(blocks):
            self._handles.append(block.q.register_forward_hook(partial(self._note_queries, place)))
            self._handles.append(block.kv.register_forward_hook(partial(self._compare, place, block.num_heads)))
        extend(model, Diverse, "Diverse")
        model.diversity = self
        self._model = model
        return len(blocks)

    def detach(self) -> None:
        """Take itself away from the model."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self._model is not None:
            self._model.__class__ = type(self._model).__mro__[2]
            del self._model.diversity
            self._model = None

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Note the iteration."""
        self._iteration = runner.iter

    def after_train(self, runner: Any) -> None:
        """Take itself away from the model."""
        self.detach()

    def _note_queries(self, place: int, module: nn.Module, inputs: Any, output: Tensor) -> None:
        if self._learns():
            self._queries[place] = output

    def _compare(self, place: int, heads: int, module: nn.Module, inputs: Any, output: Tensor) -> None:
        queries = self._queries.pop(place, None)
        if queries is None:
            return
        keys = output[..., : output.shape[2] // 2]
        generator = torch.Generator().manual_seed(draw_seed(self.seed, self._iteration, place, get_rank()))
        rows = torch.randperm(queries.shape[1], generator=generator)[: self.rows].to(queries.device)
        with torch.autocast(queries.device.type, enabled=False):
            found = likeness(attention_rows(queries, keys, heads, rows))
        if self._collects:
            self._found.append(found)

    def _learns(self) -> bool:
        """Not only while the loss is computed: a block that the backward pass computes again must do the same again."""
        return self._model is not None and self._model.training and torch.is_grad_enabled()
