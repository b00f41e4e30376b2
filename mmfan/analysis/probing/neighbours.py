"""k nearest neighbours: a read-out without anything to fit, on the angle between features.

The weighted vote is that of DINO (arXiv 2104.14294, appendix F.1: k 20, temperature 0.07) and of Wu et al. (arXiv
1805.01978) before it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.analysis.options import AnalysisError

TEMPERATURE = 0.07
CHUNK = 1024  # queries at a time


class Neighbours:
    """The samples that others are compared with.

    Args:
        features: (N, D).
        labels: (N,) class numbers.
        count: Neighbours that vote; all samples where there are fewer.
        temperature: A neighbour at the cosine s has exp(s / temperature) votes.

    Raises:
        AnalysisError: There are no samples.
    """

    def __init__(
        self, features: Tensor, labels: NDArray[np.int64], count: int = 20, temperature: float = TEMPERATURE
    ) -> None:
        if not len(features):
            raise AnalysisError("Nearest neighbours need at least one sample, got none.")
        self.known = F.normalize(features.detach().float(), dim=1)
        self.classes, places = np.unique(np.asarray(labels), return_inverse=True)
        self.labels = torch.from_numpy(places.reshape(-1)).to(self.known.device)
        self.count, self.temperature = min(count, len(features)), temperature

    def votes(self, features: Tensor) -> Tensor:
        """(M, D) features to the share of each class in the votes, (M, classes)."""
        found = []
        for part in F.normalize(features.float(), dim=1).split(CHUNK):
            near, places = (part @ self.known.T).topk(self.count, dim=1)
            weights = ((near - 1) / self.temperature).exp()  # minus the largest that there can be: no overflow
            votes = part.new_zeros(len(part), len(self.classes)).scatter_add_(1, self.labels[places], weights)
            found.append(votes / votes.sum(dim=1, keepdim=True))
        return torch.cat(found)

    def predict(self, features: Tensor) -> NDArray[np.int64]:
        """(M, D) features to (M,) class numbers."""
        return np.asarray(self.classes[self.votes(features).argmax(dim=1).cpu().numpy()], np.int64)
