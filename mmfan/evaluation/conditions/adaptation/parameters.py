"""Parameters that a work changes while a cell is judged, and gives back bit for bit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.adaptation.norms import Forwards, batch_norms, by_batch
from mmfan.evaluation.conditions.work import NotToModelError, Situation, Work, is_a
from mmfan.models.layers.ordered_gradients import ordered_gradients

HALF = (
    "Gradients vanish in mixed precision of float16, so that an adaptation would follow what rounding leaves of them: "
    "judge in bfloat16 or float32 (--precision bf16 or fp32)."
)
NO_ENTROPY = (
    "TENT, SAR, CoTTA and MEMO follow a segmentor's logits or a classifier's, and this model's predictions have none "
    "(detectors do not keep the probabilities of all classes). BatchNorm statistics adapt any model: bn."
)


class ChangingParameters(Work, ABC):
    """The base of works that change parameters by gradients.

    Batch norms normalise by the batch alone meanwhile, unless a work says otherwise. What was predicted counts, not
    what the model has become by it.

    Args:
        situation: The model, above all.
        parameters: Those that change, each once.
        reset: When the model becomes the trained one again: before each ``'picture'``, each ``'cell'``, or ``'never'``
            in a run (between its cells it is the trained one for all that else is judged).

    Raises:
        NotToModelError: The model is a detector, or the parameters are of less than 32 bits.
    """

    def __init__(self, situation: Situation, parameters: Sequence[nn.Parameter], reset: str) -> None:
        super().__init__(situation)
        if is_a(situation.model, "BaseDetector"):
            raise NotToModelError(NO_ENTROPY)
        _refuse_coarse(parameters)
        self.model: nn.Module = situation.model
        self.reset = reset
        self.changing: list[nn.Parameter] = list(parameters)
        self._forwards = Forwards(batch_norms(self.model), self.model)
        self._trained: list[Tensor] = []
        self._wanted: list[bool] = []
        self._become: list[Tensor] = []  # what goes on in the next cell where nothing is reset
        self.optimizer = self.make_optimizer()

    @abstractmethod
    def make_optimizer(self) -> torch.optim.Optimizer:
        """A new optimizer of :attr:`changing`."""

    @abstractmethod
    def adapt(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict and change the parameters, with gradients turned on; returns what ``step`` returned."""

    def forward_of(self, norm: _BatchNorm) -> Callable[[Tensor], Tensor]:
        """How a batch norm normalises meanwhile."""
        return by_batch(norm)

    def begin(self, cell: Cell) -> None:
        """Let these parameters alone have gradients; start from the trained ones, or go on where nothing is reset."""
        self._trained = self._values()
        self._wanted = [one.requires_grad for one in self.model.parameters()]
        self.model.requires_grad_(False)
        for one in self.changing:
            one.requires_grad_(True)
        self._forwards.replace(self.forward_of)
        if self.reset == "never" and self._become:
            self._put(self._become)
        else:
            self.back_to_trained()

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict a batch and adapt to it.

        Raises:
            NotToModelError: That would be in mixed precision of float16.
        """
        one = torch.ones(1, 1, device=self.changing[0].device)
        if (one @ one).dtype == torch.float16:  # what autocast makes of products, in any version of torch
            raise NotToModelError(HALF)
        if self.reset == "picture":
            self.back_to_trained()
        with torch.enable_grad(), ordered_gradients(self.model):
            return self.adapt(step, batch)

    def end(self) -> dict[str, float]:
        """Give parameters, gradients and modes back as they were."""
        if not self._trained:
            return {}
        if self.reset == "never":
            self._become = self._values()
        self._put(self._trained)
        for one, wanted in zip(self.model.parameters(), self._wanted, strict=True):
            one.requires_grad_(wanted)
            one.grad = None
        self._forwards.restore()
        self._trained = []
        return {}

    def back_to_trained(self) -> None:
        """The parameters as they were trained, and a new optimizer."""
        self._put(self._trained)
        self.optimizer = self.make_optimizer()

    def _values(self) -> list[Tensor]:
        return [one.detach().clone() for one in self.changing]

    def _put(self, values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for one, value in zip(self.changing, values, strict=True):
                one.copy_(value)


def _refuse_coarse(parameters: Sequence[nn.Parameter]) -> None:
    """See that parameters are fine enough for steps of an adaptation: those of bfloat16 near 1 are 0.004 apart.

    Raises:
        NotToModelError: They are not.
    """
    coarse = sorted({str(one.dtype) for one in parameters if one.dtype.itemsize < 4})
    if coarse:
        raise NotToModelError(
            f"Weights of {', '.join(coarse)} cannot follow steps as small as those of an adaptation by gradients: "
            "judge the float32 model, in mixed precision if need be; or adapt its statistics alone: bn."
        )
