"""Normalising layers of a model: which there are, and how they are given back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from mmfan.evaluation.conditions.work import NotToModelError

NORMALISE_ALONE = (_BatchNorm.forward, SyncBatchNorm.forward)  # what batch norms do that do nothing beside it


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """The batch norms of a model that keep statistics."""
    return [module for module in model.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None]


def affine_norms(model: nn.Module, kinds: tuple[type[nn.Module], ...], skip: Sequence[str] = ()) -> list[nn.Module]:
    """The layers of some kinds that have a scale and a shift, without those of skipped modules.

    Args:
        model: The model.
        kinds: Of layers.
        skip: Names of modules; those within them are skipped too.

    Raises:
        NotToModelError: A name is that of no module.
    """
    named = dict(model.named_modules())
    unknown = [name for name in skip if name not in named]
    if unknown:
        raise NotToModelError(
            f"The model has no module {', '.join(map(repr, unknown))} to skip; at the top it has "
            f"{', '.join(name for name, _ in model.named_children())}."
        )
    return [
        module
        for name, module in named.items()
        if isinstance(module, kinds)
        and getattr(module, "weight", None) is not None
        and not any(name == one or name.startswith(f"{one}.") for one in skip)
    ]


def scales_and_shifts(norms: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The parameters of layers, each once."""
    return list(dict.fromkeys(one for norm in norms for one in norm.parameters(recurse=False)))


def refuse_without(norms: Sequence[Any], model: nn.Module, what: str, cure: str) -> None:
    """See that there are layers to adapt.

    Raises:
        NotToModelError: There are none.
    """
    if not norms:
        raise NotToModelError(f"{type(model).__name__} has no {what}, so that there is nothing to adapt. {cure}")


class Forwards:
    """Another ``forward`` of some batch norms, which are in training mode meanwhile.

    Heads that fold a batch norm into the layer before it do so in evaluation mode alone; so they call it. Sliding
    windows are taken one after the other, as on a CPU: several at once would be normalised together, so otherwise.

    Args:
        norms: The layers.
        model: The model that they are of.
    """

    def __init__(self, norms: Iterable[_BatchNorm], model: nn.Module) -> None:
        self.norms, self.model = list(norms), model
        self._modes: list[bool] = []
        self._windows: list[tuple[Any, int]] = []

    def replace(self, forward_of: Callable[[_BatchNorm], Callable[[Tensor], Tensor]]) -> None:
        """Put another ``forward`` in each."""
        if self._modes:
            return
        self._modes = [norm.training for norm in self.norms]
        for norm in self.norms:
            norm.training = True
            norm.forward = forward_of(norm)  # type: ignore[method-assign,assignment]
        self._windows = [(one, one.most) for one in _sliding(self.model)] if self.norms else []
        for one, _ in self._windows:
            one.most = 1

    def restore(self) -> None:
        """Take them out again."""
        for norm, mode in zip(self.norms, self._modes, strict=False):
            del norm.forward
            norm.training = mode
        for one, most in self._windows:
            one.most = most
        self._modes, self._windows = [], []


def _sliding(model: nn.Module) -> list[Any]:
    """What the loop of OpenMMLab has put into segmentors to take so many (``most``) sliding windows at once."""
    found = (vars(module).get("slide_inference") for module in model.modules())
    return [one for one in found if hasattr(one, "most")]


def by_batch(norm: _BatchNorm) -> Callable[[Tensor], Tensor]:
    """The ``forward`` by the statistics of the batch alone, which leaves those that are kept as they are.

    A batch that has one value a channel, as a single picture has behind a pooling of whole maps, has no statistics: it
    is normalised by those that are kept.
    """

    def forward(x: Tensor) -> Tensor:
        if values_of_a_channel(x) > 1:
            return normalised(norm, x, None, None)
        return normalised(norm, x, norm.running_mean, norm.running_var)

    return forward


def normalised(norm: _BatchNorm, x: Tensor, mean: Tensor | None, variance: Tensor | None) -> Tensor:
    """What a batch norm makes of a batch by these statistics, or, with None, by those of the batch; it keeps its own.

    Layers of a class with a ``forward`` of its own do more than to normalise, as timm's activate: so that is called.
    """
    if type(norm).forward in NORMALISE_ALONE:
        return F.batch_norm(x, mean, variance, norm.weight, norm.bias, training=mean is None, eps=norm.eps)
    kept, mode = (norm.running_mean, norm.running_var), norm.training
    # in evaluation a layer goes by the statistics that it keeps, or by those of the batch where it keeps none
    norm.running_mean, norm.running_var, norm.training = mean, variance, False
    try:
        found: Tensor = type(norm).forward(norm, x)
        return found
    finally:
        norm.running_mean, norm.running_var = kept
        norm.training = mode


def values_of_a_channel(x: Tensor) -> int:
    """How many values a batch (N, C, ...) has in each channel."""
    return x.numel() // x.shape[1]
