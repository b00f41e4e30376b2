"""Divergences between class scores of several views of the same places.

The Jensen-Shannon divergence of AugMix (arXiv 1912.02781): with distributions p_1 .. p_V of a place and their mean M,

    JSD = mean over v of KL(p_v || M)

is 0 where all agree and ln V where all are sure of different classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

# of the mean distribution, as the paper's authors have it
LEAST = 1e-7


def divergence(views: Sequence[Tensor]) -> Tensor:
    """Jensen-Shannon divergence of classes that exclude each other.

    Args:
        views: Two or more tensors of logits, all ``(N, C, ...)``.

    Returns:
        ``(N, ...)``, float32, 0 to ln(number of views); every view has a gradient.
    """
    log_scores = functional.log_softmax(torch.stack([one.float() for one in views]), dim=2)
    scores = log_scores.exp()
    mean = scores.mean(dim=0).clamp(LEAST, 1).log()
    return (scores * (log_scores - mean)).sum(dim=2).mean(dim=0)


def bernoulli_divergence(views: Sequence[Tensor]) -> Tensor:
    """The same of classes that are each there or not, by one logit a class.

    Args:
        views: Two or more tensors of logits, all of one shape.

    Returns:
        That shape, float32, 0 to ln(number of views).
    """
    both = [torch.stack((one.flatten(), -one.flatten()), dim=1) / 2 for one in (view.float() for view in views)]
    return divergence(both).view(views[0].shape)


def divergence_from(teacher: Tensor, student: Tensor) -> Tensor:
    """``KL(teacher || student)`` of classes that exclude each other; the teacher has no gradient.

    Args:
        teacher: Logits ``(N, C, ...)``.
        student: Logits of the same shape.

    Returns:
        ``(N, ...)``, float32.
    """
    wanted = functional.log_softmax(teacher.detach().float(), dim=1)
    got = functional.log_softmax(student.float(), dim=1)
    return (wanted.exp() * (wanted - got)).sum(dim=1)


def bernoulli_divergence_from(teacher: Tensor, student: Tensor) -> Tensor:
    """The same of classes that are each there or not; logits of any shape."""
    both = [torch.stack((one.flatten(), -one.flatten()), dim=1) / 2 for one in (teacher.float(), student.float())]
    return divergence_from(*both).view(student.shape)


def mean_over(values: Tensor, valid: Tensor | None = None) -> Tensor:
    """The mean over the places that are valid; 0 where none is.

    Args:
        values: Of any shape.
        valid: bool, of the same shape; None for all.
    """
    if valid is None:
        return values.sum() / max(values.numel(), 1)
    return torch.where(valid, values, 0.0).sum() / valid.sum().clamp_min(1)
