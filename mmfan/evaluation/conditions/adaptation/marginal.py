"""MEMO: for each picture the weights take a step towards one sure answer for several altered copies of it.

Zhang et al., MEMO: Test Time Robustness via Adaptation and Augmentation, NeurIPS 2022 (arXiv 2110.09506): with the mean
m over the copies of the predicted probabilities, the entropy of m is lowered, mean over the pixels, and the picture as
it is is predicted with the weights found. Then the weights are the trained ones again.

A map of classes moves with geometry, so that all copies are AugMix's of its photometric operations, of classifiers too,
drawn from the picture's name. The gradient of the entropy of m is the mean over the copies of that of -sum(p ln m) with
m held: so m is found first, and the copies are gone through a second time, one by one, in the memory of one picture.
Batch norms normalise by the statistics of the copy at hand, held against the trained ones as a prior.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.corruptions import picture_seed
from mmfan.datasets.augmentations.mixing import chained, drawn_level, mixture
from mmfan.datasets.augmentations.photometric import OPERATIONS, OWN
from mmfan.datasets.augmentations.steps import like
from mmfan.evaluation.conditions.adaptation.entropy import log_shares, logits_of
from mmfan.evaluation.conditions.adaptation.norms import batch_norms
from mmfan.evaluation.conditions.adaptation.pictures import pictures_of
from mmfan.evaluation.conditions.adaptation.statistics import AdaptedStatistics
from mmfan.evaluation.conditions.adaptation.weights import ChangingWeights
from mmfan.evaluation.conditions.work import Situation

WIDTH, ALPHA = 3, 1.0  # of AugMix: its own


class Memo(ChangingWeights):
    """Adapts to each picture by copies of it, then predicts it.

    Args:
        situation: The model, above all.
        lr: Of the optimizer.
        optimizer: ``'sgd'``, without momentum, or ``'adamw'``, with torch's weight decay of 0.01.
        steps: Steps a picture, all on the same copies.
        copies: Of a picture.
        severity: Greatest level of an operation of AugMix, 0.1 to 10.
        prior: As how many pictures the trained statistics of batch norms count beside those of the copy at hand.
        reset: ``'picture'``, by its definition.

    Raises:
        NotToModelError: See :class:`ChangingWeights`.
    """

    def __init__(
        self,
        situation: Situation,
        lr: float = 2.5e-4,
        optimizer: str = "sgd",
        steps: int = 1,
        copies: int = 8,
        severity: float = 1,
        prior: float = 16,
        reset: str = "picture",
    ) -> None:
        self.lr, self.kind = lr, optimizer
        self.steps, self.copies, self.severity = steps, copies, severity
        self.adapted = {norm: AdaptedStatistics(norm, prior) for norm in batch_norms(situation.model)}
        super().__init__(situation, reset)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """SGD or AdamW: its authors take either by the model."""
        if self.kind == "adamw":
            return torch.optim.AdamW(self.changing, lr=self.lr)
        return torch.optim.SGD(self.changing, lr=self.lr)

    def forward_of(self, norm: _BatchNorm) -> Callable[[Tensor], Tensor]:
        """By the statistics of the copy at hand, with the prior."""
        return self.adapted[norm].forward

    def adapt(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take the steps, then predict."""
        pictures = pictures_of(self.situation, batch)
        given = list(zip(pictures.bytes(), pictures.names, strict=True))
        copies = [[self.copy(image, name, number) for image, name in given] for number in range(self.copies)]
        made = [pictures.of_bytes(one) for one in copies]
        for _ in range(self.steps):
            self._descend(step, made)
        with torch.no_grad():
            return self._seen(step, batch)

    def copy(self, image: NDArray[np.uint8], name: str, number: int) -> NDArray[np.uint8]:
        """The copy of a number of a picture, (H, W, 3) uint8."""
        seed = picture_seed(self.situation.seed, name, "memo", number)
        draws = np.random.RandomState(seed % 2**32)
        operations = [OPERATIONS[one] for one in OWN]

        def chain(one: NDArray[Any]) -> NDArray[Any]:
            return chained(one, operations, lambda: drawn_level(self.severity, draws), draws=draws)

        return like(mixture(image, chain, WIDTH, ALPHA, draws), image)

    def _descend(self, step: Callable[[Any], Any], copies: list[Any]) -> None:
        """One step down the entropy of the mean over the copies."""
        with torch.no_grad():
            marginal = [log.exp() / len(copies) for log in self._logs(step, copies[0])]
            for one in copies[1:]:
                for total, log in zip(marginal, self._logs(step, one), strict=True):
                    total += log.exp() / len(copies)
        logs = [one.clamp_min(torch.finfo(torch.float32).tiny).log() for one in marginal]
        self.optimizer.zero_grad()
        for one in copies:
            found = self._logs(step, one)
            parts = [-(own.exp() * log).sum(0).mean() for own, log in zip(found, logs, strict=True)]
            (torch.stack(parts).mean() / len(copies)).backward()
        self.optimizer.step()

    def _logs(self, step: Callable[[Any], Any], batch: Any) -> list[Tensor]:
        """Logarithms of the probabilities, (C, H, W) of each picture."""
        return [log_shares(one) for one in logits_of(self._seen(step, batch))]

    def _seen(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict a batch whose statistics alone are held against the trained ones."""
        for one in self.adapted.values():
            one.reset()
        return step(batch)
