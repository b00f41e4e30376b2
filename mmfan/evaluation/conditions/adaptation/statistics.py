"""BatchNorm statistics of the test pictures, held against those of the training as a prior.

Schneider et al., Improving robustness against common corruptions by covariate shift adaptation, NeurIPS 2020 (arXiv
2006.16971): with the statistics (mean and biased variance) of n test pictures and a prior that counts as N pictures::

    mean = (N * mean_trained + n * mean_test) / (N + n), the variance likewise
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.adaptation.norms import (
    Forwards,
    batch_norms,
    normalised,
    refuse_without,
    values_of_a_channel,
)
from mmfan.evaluation.conditions.work import Situation, Work


class AdaptedStatistics:
    """The statistics of one batch norm: of the pictures seen since the last reset, with the prior.

    Each picture weighs the same, whatever its size; pictures count before they are predicted. A sliding window counts
    as a picture, all regions of a detector's picture as one. One value a channel, all that the first picture has behind
    a pooling of whole maps, is no statistics: it is normalised by the trained ones.

    Args:
        norm: The layer; nothing of it is changed.
        prior: As how many pictures the trained statistics count; infinity for these alone, 0 for none of them.
        most: Pictures that a batch has at most; None for as many as come.
    """

    def __init__(self, norm: _BatchNorm, prior: float, most: int | None = None) -> None:
        self.norm, self.prior, self.most = norm, prior, most
        self.reset()

    def reset(self) -> None:
        """Forget the pictures seen."""
        self.seen = self.values = 0
        self.mean: Tensor | None = None
        self.variance: Tensor | None = None

    def take(self, x: Tensor) -> None:
        """Take in a batch, (N, C, ...)."""
        axes = [0, *range(2, x.ndim)]
        values, pictures = x.detach().float(), min(x.shape[0], self.most or x.shape[0])
        mean, variance = values.mean(axes), values.var(axes, unbiased=False)
        self.values += values_of_a_channel(x)
        if self.mean is None or self.variance is None:
            self.seen, self.mean, self.variance = pictures, mean, variance
            return
        total = self.seen + pictures
        apart = mean - self.mean
        between = self.seen * pictures / total * apart.square()
        self.variance = (self.seen * self.variance + pictures * variance + between) / total
        self.mean = self.mean + apart * (pictures / total)
        self.seen = total

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and variance, (C,) each, that the layer normalises by."""
        trained_mean, trained_variance = self.norm.running_mean, self.norm.running_var
        if trained_mean is None or trained_variance is None or self.mean is None or self.variance is None:
            raise RuntimeError("statistics of a batch norm that keeps none, or has seen nothing")
        share = self.seen / (self.prior + self.seen) if self.values > 1 else 0.0
        # in the type of the layer's own, so that one of half precision can be given them
        return (
            (trained_mean + share * (self.mean - trained_mean)).to(trained_mean),
            (trained_variance + share * (self.variance - trained_variance)).to(trained_variance),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output for a batch, which is taken in first."""
        self.take(x)
        mean, variance = self.statistics()
        return normalised(self.norm, x, mean, variance)


class BatchNormStatistics(Work):
    """Predicts with adapted statistics of all batch norms.

    Args:
        situation: The model, above all.
        prior: See :class:`AdaptedStatistics`.
        reset: When the pictures seen are forgotten: before each ``'picture'``, each ``'cell'``, or ``'never'``.

    Raises:
        NotToModelError: The model has no batch norm.
    """

    def __init__(self, situation: Situation, prior: float = 16, reset: str = "cell") -> None:
        super().__init__(situation)
        norms = batch_norms(situation.model)
        refuse_without(norms, situation.model, "batch norm", "SAR adapts layer and group norms as well: sar.")
        self.every, self.picture = reset != "never", reset == "picture"
        self.adapted = {norm: AdaptedStatistics(norm, prior, situation.batch_size) for norm in norms}
        self._forwards = Forwards(norms, situation.model)

    def _reset(self) -> None:
        for one in self.adapted.values():
            one.reset()

    def begin(self, cell: Cell) -> None:
        """Put the adapted statistics in the place of those that the layers keep."""
        if self.every:
            self._reset()
        self._forwards.replace(self._forward_of)

    def _forward_of(self, norm: _BatchNorm) -> Callable[[Tensor], Tensor]:
        return self.adapted[norm].forward

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict a batch; the layers take it in on the way."""
        if self.picture:
            self._reset()
        return step(batch)

    def end(self) -> dict[str, float]:
        """Let the layers be as they were."""
        self._forwards.restore()
        return {}
