"""Linear probe: multinomial logistic regression on fixed features, fitted by L-BFGS to its one optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.analysis.options import AnalysisError

STEPS = 200  # most iterations of L-BFGS
LEAST_SPREAD = 1e-8  # of a feature over the samples; below it the feature is constant


@dataclass(frozen=True)
class LinearProbe:
    """Scores ``features @ weight.T + bias`` of the classes that it was fitted to.

    Attributes:
        weight: (classes, D) float64.
        bias: (classes,) float64.
        classes: (classes,) their numbers, rising: those that occurred.
    """

    weight: Tensor
    bias: Tensor
    classes: NDArray[np.int64]

    def scores(self, features: Tensor) -> Tensor:
        """(N, D) features to (N, classes) logits, in the features' precision."""
        return features @ self.weight.to(features).T + self.bias.to(features)

    def predict(self, features: Tensor) -> NDArray[np.int64]:
        """(N, D) features to (N,) class numbers."""
        return self.classes[self.scores(features).argmax(dim=1).cpu().numpy()]


def fit_linear(features: Tensor, labels: NDArray[np.int64], decay: float = 1e-3, steps: int = STEPS) -> LinearProbe:
    """The minimum of mean cross entropy plus ``decay / 2 * |w|^2``.

    Features are brought to mean 0 and standard deviation 1 over the samples first, so the decay means the same for all
    of them; scale and shift are folded into the weights. The loss is strictly convex in them, so there is nothing to
    draw and no seed.

    Args:
        features: (N, D).
        labels: (N,) class numbers.
        decay: Above 0, on the weights of standardised features, not on the bias.
        steps: Most iterations.

    Raises:
        AnalysisError: There are no samples, of one class only, or features that are not finite.
    """
    classes, targets = np.unique(np.asarray(labels), return_inverse=True)
    if len(classes) < 2:
        raise AnalysisError(f"A linear probe needs samples of at least 2 classes, got {len(classes)}.")
    values = features.detach().double()
    if not bool(values.isfinite().all()):
        raise AnalysisError("A linear probe needs features that are finite, got NaN or infinity.")
    mean, spread = values.mean(dim=0), values.std(dim=0, correction=0)
    scale = torch.where(spread > LEAST_SPREAD, 1 / spread.clamp_min(LEAST_SPREAD), torch.zeros_like(spread))
    scaled, target = (values - mean) * scale, torch.from_numpy(targets.reshape(-1)).to(values.device)
    weight = values.new_zeros(len(classes), values.shape[1], requires_grad=True)
    bias = values.new_zeros(len(classes), requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias], max_iter=steps, tolerance_grad=1e-7, tolerance_change=1e-10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(scaled @ weight.T + bias, target) + decay / 2 * weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(closure)
    folded = weight.detach() * scale
    return LinearProbe(folded, bias.detach() - folded @ mean, classes.astype(np.int64))
