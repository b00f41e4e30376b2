"""Losses of token labelling: classes of single patches, from a teacher that learnt them by the labels of pictures.

Paper: STL, Zhao et al., ICCV 2023, arXiv 2401.03844. Two trainings on the same architecture,
:class:`mmfan.FANTokenClassifier`, both with label smoothing:

- the teacher ("token labeler"): cross-entropy of the class logits plus that of the mean of the patch logits, both with
  the label of the picture;
- the student: cross-entropy of the class logits plus ``weight`` times the mean over patches of that of the patch
  logits, with a label for each patch drawn from the teacher's softmax. (The paper takes the argmax with Gumbel noise at
  a temperature of 1, which is such a draw; an unsure patch gets varied labels.)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMOOTHING = 0.1


@torch.no_grad()
def sampled_labels(teacher: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A class for each patch, drawn from the teacher's softmax.

    Args:
        teacher: Its patch logits, ``(B, N, C)``.
        generator: Of the draws, on the logits' device.

    Returns:
        ``(B, N)``, int64.
    """
    chances = teacher.float().softmax(dim=2).flatten(0, 1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0].view(teacher.shape[:2])


def labeler_loss(classes: Tensor, patches: Tensor, target: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """The loss of the teacher.

    Args:
        classes: Class logits, ``(B, C)``.
        patches: Patch logits, ``(B, N, C)``.
        target: The labels of the pictures: ``(B,)`` int64, or ``(B, C)`` of soft ones (mixup).
        smoothing: Share of the label that is spread over all classes.
    """
    own = functional.cross_entropy(classes, target, label_smoothing=smoothing)
    return own + functional.cross_entropy(patches.mean(dim=1), target, label_smoothing=smoothing)


def student_loss(
    classes: Tensor,
    patches: Tensor,
    target: Tensor,
    labels: Tensor,
    weight: float = 1.0,
    smoothing: float = SMOOTHING,
) -> Tensor:
    """The loss of the student.

    Args:
        classes: Class logits, ``(B, C)``.
        patches: Patch logits, ``(B, N, C)``.
        target: The labels of the pictures: ``(B,)`` int64, or ``(B, C)`` of soft ones (mixup).
        labels: Those of the patches, ``(B, N)``, from :func:`sampled_labels`; or soft ones, ``(B, N, C)``.
        weight: Of the loss of the patches; 0 is cross-entropy alone.
        smoothing: Share of each label that is spread over all classes.
    """
    own = functional.cross_entropy(classes, target, label_smoothing=smoothing)
    if not weight:
        return own
    told = labels.flatten(0, 1)
    return own + weight * functional.cross_entropy(patches.flatten(0, 1), told, label_smoothing=smoothing)
