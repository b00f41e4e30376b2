"""SAR: reliable pixels alone, and a flat minimum of their entropy; back to the trained model where it collapses.

Niu et al., Towards Stable Test-Time Adaptation in Dynamic Wild World, ICLR 2023 (arXiv 2302.12400), who do it on whole
pictures. Here each pixel is reliable or not: its entropy is below ``margin * ln C``. The mark of a collapse is 0.2 nats
for their 1000 classes; here the same share of the highest entropy, ``collapsed * ln C``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.evaluation.conditions.adaptation.entropy import classes_of, detached, entropies, logits_of
from mmfan.evaluation.conditions.adaptation.norms import affine_norms, refuse_without, scales_and_shifts
from mmfan.evaluation.conditions.adaptation.parameters import ChangingParameters
from mmfan.evaluation.conditions.adaptation_settings import COLLAPSED, MARGIN
from mmfan.evaluation.conditions.work import Situation

NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)
KEPT = 0.9  # of the running mean of the loss, a batch


class Sar(ChangingParameters):
    """Predicts each batch, then takes a step that lowers the entropy around the parameters, not at them alone.

    Args:
        situation: The model, above all.
        lr: Of SGD with momentum 0.9.
        rho: How far off the parameters the gradient is taken, in their L2 norm.
        margin: Pixels of less than this share of the highest entropy, ln C, are reliable.
        collapsed: Where the running mean of the loss is below this share of ln C, the model is reset.
        skip: Names of modules whose norms stay as trained; the authors leave those of the last stage, or blocks.
        reset: See :class:`ChangingParameters`.

    Raises:
        NotToModelError: The model has no normalising layer with scale and shift, or no module of a name.
    """

    def __init__(
        self,
        situation: Situation,
        lr: float = 5e-4,
        rho: float = 0.05,
        margin: float = MARGIN,
        collapsed: float = COLLAPSED,
        skip: Sequence[str] = (),
        reset: str = "cell",
    ) -> None:
        self.lr, self.rho, self.margin, self.collapsed = lr, rho, margin, collapsed
        self.running: float | None = None
        norms = affine_norms(situation.model, NORMS, skip)
        refuse_without(norms, situation.model, "batch, layer or group norm with scale and shift", "Judge it as it is.")
        super().__init__(situation, scales_and_shifts(norms), reset)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """SGD with momentum, as its authors take it."""
        return torch.optim.SGD(self.changing, lr=self.lr, momentum=0.9)

    def back_to_trained(self) -> None:
        """The trained parameters, a new optimizer, and no running mean of the loss."""
        super().back_to_trained()
        self.running = None

    def adapt(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict, then take a step by the gradient at the parameters that are worst nearby."""
        outputs = step(batch)
        logits = logits_of(outputs)
        highest = math.log(classes_of(logits))
        first = _joined(logits)
        reliable = first < self.margin * highest
        outputs = detached(outputs)
        if not bool(reliable.any()):
            return outputs
        self.optimizer.zero_grad()
        first[reliable].mean().backward()
        before = self._move_up()
        second = _joined(logits_of(step(batch)))
        still = reliable & (second.detach() < self.margin * highest)
        self.optimizer.zero_grad()
        loss = second[still].mean() if bool(still.any()) else None
        if loss is not None:
            loss.backward()
        self._put(before)
        if loss is not None:
            self.optimizer.step()
            self._watch(float(loss.detach()), highest)
        return outputs

    def _move_up(self) -> list[Tensor]:
        """Move the parameters by ``rho`` along their gradient; returns what they were."""
        before = [one.detach().clone() for one in self.changing]
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self.changing]
        norm = torch.stack([one.norm() for one in gradients]).norm()
        with torch.no_grad():
            for one, gradient in zip(self.changing, gradients, strict=True):
                one.add_(gradient * (self.rho / (norm + 1e-12)))
        return before

    def _watch(self, loss: float, highest: float) -> None:
        """Reset the model where its entropies have fallen to next to nothing."""
        self.running = loss if self.running is None else KEPT * self.running + (1 - KEPT) * loss
        if self.running < self.collapsed * highest:
            self.back_to_trained()


def _joined(logits: Sequence[Tensor]) -> Tensor:
    return torch.cat([entropies(one).flatten() for one in logits])
