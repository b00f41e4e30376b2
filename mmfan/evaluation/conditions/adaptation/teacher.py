"""CoTTA: all weights follow a teacher, their own running mean; some go back to the trained ones at each step.

Wang et al., Continual Test-Time Domain Adaptation, CVPR 2022 (arXiv 2203.13591). A step on a batch:

1. The teacher predicts. Where the trained model is not sure (its mean confidence over the batch's pixels is below
   ``threshold``) the prediction is the mean of the probabilities over views of the picture, put back in place. It is
   the answer, and what the student learns from.
2. The student takes a step of Adam down the symmetric cross-entropy of its prediction p with the teacher's q,
   -(q ln p + p ln q) / 2, summed over the classes, mean over the pixels.
3. teacher = ``decay`` * teacher + (1 - ``decay``) * student.
4. Each weight of the student becomes the trained one with probability ``restore``.

What is chosen here: confidence is judged over the whole batch, not by pixel; views are scales and mirrored ones for
classifiers too (zoomed in the picture's own size), where the authors draw colours, blur and noise as well; the learning
rate is TENT's; the network is in evaluation, its batch norms normalise by the batch, those of the trained model and of
the teacher too. What is restored is drawn from the names of the batch's pictures and the number of steps since the last
reset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmfan.corruptions import picture_seed
from mmfan.evaluation.conditions.adaptation.entropy import log_shares
from mmfan.evaluation.conditions.adaptation.pictures import Pictures, pictures_of
from mmfan.evaluation.conditions.adaptation.views import PLAIN, views_of
from mmfan.evaluation.conditions.adaptation.weights import ChangingWeights
from mmfan.evaluation.conditions.adaptation_settings import SCALES, THRESHOLD
from mmfan.evaluation.conditions.work import Situation


class CoTTA(ChangingWeights):
    """Predicts each batch by the teacher, then has the student learn from that and the teacher follow.

    Args:
        situation: The model, above all.
        lr: Of Adam.
        decay: Share of the teacher that stays at each step.
        restore: Probability that a weight of the student becomes the trained one after a step.
        threshold: Mean confidence of the trained model below which the teacher looks at all views; at 0 it never does,
            and the trained model is not asked.
        scales: Of the views.
        flip: Whether the views are mirrored as well.
        reset: See :class:`ChangingParameters`.

    Raises:
        NotToModelError: See :class:`ChangingWeights`.
    """

    def __init__(
        self,
        situation: Situation,
        lr: float = 1e-3,
        decay: float = 0.999,
        restore: float = 0.01,
        threshold: float = THRESHOLD,
        scales: Sequence[float] = SCALES,
        flip: bool = True,
        reset: str = "cell",
    ) -> None:
        self.lr, self.decay, self.restore, self.threshold = lr, decay, restore, threshold
        self.views = views_of(scales, flip)
        self.teacher: list[Tensor] = []
        self.steps = 0  # since the last reset
        super().__init__(situation, reset)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Adam, as its authors take it."""
        return torch.optim.Adam(self.changing, lr=self.lr)

    def back_to_trained(self) -> None:
        """Student and teacher as they were trained, and a new optimizer."""
        super().back_to_trained()
        self.teacher = [one.clone() for one in self._trained]
        self.steps = 0

    def adapt(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """The teacher's prediction; what it is made of changes afterwards."""
        pictures = pictures_of(self.situation, batch)
        student = self._values()
        with torch.no_grad():
            outputs, shares = self._taught(step, pictures)
        self._put(student)
        self.optimizer.zero_grad()
        found = pictures.logits(step(pictures.batch()))
        torch.stack([divergence(one, own) for one, own in zip(found, shares, strict=True)]).mean().backward()
        self.optimizer.step()
        with torch.no_grad():
            for taught, one in zip(self.teacher, self.changing, strict=True):
                taught.lerp_(one, 1 - self.decay)
            self._restore(pictures.names)
        self.steps += 1
        return outputs

    def _taught(self, step: Callable[[Any], Any], pictures: Pictures) -> tuple[Any, list[Tensor]]:
        """What the teacher says: the outputs of a step, and the probabilities, (C, H, W) each, of each picture."""
        self._put(self.teacher)
        outputs = step(pictures.batch())
        plain = [log_shares(one).exp() for one in pictures.logits(outputs)]
        if not self._unsure(step, pictures):
            return outputs, plain
        self._put(self.teacher)
        sums = [torch.zeros_like(one) for one in plain]
        for view in self.views:
            seen = plain
            if view != PLAIN:
                found = pictures.logits(step(pictures.batch(view)), view)
                seen = [log_shares(one).exp() for one in found]
            for total, one in zip(sums, seen, strict=True):
                total += one / len(self.views)
        return pictures.answered(outputs, sums), sums

    def _unsure(self, step: Callable[[Any], Any], pictures: Pictures) -> bool:
        if self.threshold == 0:
            return False
        self._put(self._trained)
        found = pictures.logits(step(pictures.batch()))
        sure = torch.stack([log_shares(one).exp().amax(0).mean() for one in found]).mean()
        return bool(sure < self.threshold)

    def _restore(self, names: Sequence[str]) -> None:
        """Have weights become the trained ones, by draws on the CPU: the same on any device."""
        if self.restore == 0:
            return
        seed = picture_seed(self.situation.seed, "; ".join(names), "cotta", self.steps)
        draws = torch.Generator().manual_seed(seed)
        for one, trained in zip(self.changing, self._trained, strict=True):
            back = torch.rand(one.shape, generator=draws) < self.restore
            one.copy_(torch.where(back.to(one.device), trained, one))


def divergence(logits: Tensor, shares: Tensor) -> Tensor:
    """The symmetric cross-entropy of a prediction with probabilities that it learns from, mean over the pixels.

    Args:
        logits: (C, H, W) of the prediction.
        shares: (C, H, W) probabilities, of one channel (2, H, W).
    """
    logs = log_shares(logits)
    taught = shares.clamp_min(torch.finfo(torch.float32).tiny)
    return -(taught * logs + logs.exp() * taught.log()).sum(0).mean() / 2
