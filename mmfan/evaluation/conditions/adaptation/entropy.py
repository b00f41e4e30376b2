"""TENT: scale and shift of batch norms follow the gradient of the predictions' entropy.

Wang et al., Tent: Fully Test-Time Adaptation by Entropy Minimization, ICLR 2021 (arXiv 2006.10726). Statistics are
those of the batch; a batch is predicted by the model as it is before the step that it makes. For segmentation the
entropy is the mean over all pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.evaluation.conditions.adaptation.norms import affine_norms, refuse_without, scales_and_shifts
from mmfan.evaluation.conditions.adaptation.parameters import NO_ENTROPY, ChangingParameters
from mmfan.evaluation.conditions.work import NotToModelError, Situation

SIGMOID_EPS = 1e-6  # how near to 0 and 1 a probability may come whose logit is taken
SUM_EPS = 1e-2  # how far from 1 the sum of probabilities may be that were computed in half precision


def logits_of(outputs: Any) -> list[Tensor]:
    """The logits, (C, H, W) each, in what a step returned: mmsegmentation's data samples, or (N, C, H, W) floats.

    Of classifiers, whose samples hold probabilities, it is their logarithm, (C, 1, 1).

    Raises:
        NotToModelError: There are none: detectors keep no probabilities of all classes.
    """
    if isinstance(outputs, Tensor) and outputs.ndim == 4 and outputs.is_floating_point():
        return list(as_logits(outputs))
    samples = outputs if isinstance(outputs, (list, tuple)) else []
    found = [_of_sample(sample) for sample in samples]
    tensors = [one for one in found if isinstance(one, Tensor)]
    if not found or len(tensors) < len(found):
        raise NotToModelError(NO_ENTROPY)
    return tensors


def _of_sample(sample: Any) -> Any:
    shares = getattr(sample, "pred_score", None)
    if isinstance(shares, Tensor) and shares.ndim == 1:
        return logs_of_shares(shares)
    found = getattr(getattr(sample, "seg_logits", None), "data", None)
    if isinstance(found, Tensor) and len(found) == 1:  # mmsegmentation's of one channel have their sigmoid taken
        return torch.logit(found.float(), eps=SIGMOID_EPS)
    return found


def as_logits(scores: Tensor) -> Tensor:
    """Scores (N, C, H, W) of a module as logits: themselves, or of probabilities, whose sum is 1, their logarithms."""
    values = scores.detach().float()
    if scores.shape[1] == 1 or bool((values < 0).any()) or bool(((values.sum(1) - 1).abs() > SUM_EPS).any()):
        return scores
    return scores.float().clamp_min(torch.finfo(torch.float32).tiny).log()


def logs_of_shares(shares: Tensor) -> Tensor:
    """Probabilities of classes (C,) as logits of one pixel, (C, 1, 1): their softmax is they themselves."""
    return shares.float().clamp_min(torch.finfo(torch.float32).tiny).log().reshape(-1, 1, 1)


def log_shares(logits: Tensor) -> Tensor:
    """Logarithms of the classes' probabilities, (C, H, W) float32, of logits; of a sigmoid's one channel (2, H, W)."""
    values = logits.float()
    if len(values) == 1:
        values = torch.cat([values, torch.zeros_like(values)])
    return F.log_softmax(values, 0)


def entropies(logits: Tensor) -> Tensor:
    """The entropy of each pixel's prediction in nats, (H, W), of logits (C, H, W); one channel is that of a sigmoid."""
    logs = log_shares(logits)
    return -(logs.exp() * logs).sum(0)


def detached(outputs: Any) -> Any:
    """The same predictions without what their gradients would need."""
    if isinstance(outputs, Tensor):
        return outputs.detach()
    for sample in outputs:
        if "seg_logits" in sample:
            sample.seg_logits.data = sample.seg_logits.data.detach()
        else:
            sample.pred_score = sample.pred_score.detach()
    return outputs


def classes_of(logits: Sequence[Tensor]) -> int:
    """The number of classes; a single channel stands for two."""
    return max(2, len(logits[0]))


class Tent(ChangingParameters):
    """Predicts each batch, then takes steps down the entropy of what was predicted.

    Args:
        situation: The model, above all.
        lr: Of Adam.
        steps: Steps a batch; with more than one, the last step's prediction counts.
        reset: See :class:`ChangingParameters`.

    Raises:
        NotToModelError: The model has no batch norm with scale and shift.
    """

    def __init__(self, situation: Situation, lr: float = 1e-3, steps: int = 1, reset: str = "cell") -> None:
        self.lr, self.steps = lr, steps
        norms = affine_norms(situation.model, (_BatchNorm,))
        cure = "SAR adapts layer and group norms as well: sar."
        refuse_without(norms, situation.model, "batch norm with scale and shift", cure)
        super().__init__(situation, scales_and_shifts(norms), reset)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Adam, as its authors take it."""
        return torch.optim.Adam(self.changing, lr=self.lr)

    def adapt(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Predict, then go down the entropy of the prediction."""
        outputs = None
        for _ in range(self.steps):
            outputs = step(batch)
            loss = torch.stack([entropies(one).mean() for one in logits_of(outputs)]).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return detached(outputs)
