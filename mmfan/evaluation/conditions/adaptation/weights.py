"""Works that change all weights of a model, not the scales and shifts of its norms alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from mmfan.evaluation.conditions.adaptation.norms import refuse_without
from mmfan.evaluation.conditions.adaptation.parameters import ChangingParameters
from mmfan.evaluation.conditions.work import Situation


class ChangingWeights(ChangingParameters):
    """The base of works that change every weight by gradients.

    Args:
        situation: The model, above all.
        reset: See :class:`ChangingParameters`.

    Raises:
        NotToModelError: The model has no parameters, is a detector, or has weights of less than 32 bits.
    """

    def __init__(self, situation: Situation, reset: str) -> None:
        weights = every_weight(situation.model)
        refuse_without(weights, situation.model, "parameters", "Judge it as it is.")
        super().__init__(situation, weights, reset)

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict a batch and adapt to it."""
        with uncached_autocast():
            return super().forward(step, batch)


def every_weight(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of a model that are floats, those that were frozen in training among them."""
    return [one for one in model.parameters() if one.is_floating_point()]


@contextmanager
def uncached_autocast() -> Iterator[None]:
    """Have autocast cast weights anew each time: those that it keeps would not follow the steps within a batch."""
    was = torch.is_autocast_cache_enabled()
    torch.clear_autocast_cache()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(was)
