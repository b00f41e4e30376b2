"""Losses of pixels that attacks on segmentors ascend: cross entropy, weighed as SegPGD and CosPGD do.

Logits are (B, C, H, W), labels (B, H, W) of integers; pixels of ``ignore_index`` count for nothing and get no gradient.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.ascent import Loss, Losses
from mmfan.evaluation.attacks.settings import Attack

IGNORED = 255


def segpgd_weights(logits: Tensor, labels: Tensor, share: float, targeted: bool = False) -> Tensor:
    """SegPGD's weights, (B, H, W): 1 - share where the prediction is the label, share elsewhere.

    Args:
        logits: Of the pixels.
        labels: Their classes, or those that they are drawn to.
        share: t/2T in step t of T, from 0.
        targeted: The labels are what pixels are drawn to: the weights change places.
    """
    like = (logits.argmax(1) == labels) != targeted
    return like.to(logits) * (1 - 2 * share) + share


def cospgd_weights(logits: Tensor, labels: Tensor, targeted: bool = False) -> Tensor:
    """CosPGD's weights, (B, H, W): the cosine between the probabilities of a pixel and its label's unit vector.

    Args:
        logits: Of the pixels.
        labels: As above; ignored ones get the weight of class 0, which their loss of 0 does not feel.
        targeted: The labels are what pixels are drawn to: 1 minus the cosine.
    """
    probabilities = logits.detach().softmax(1)
    own = probabilities.gather(1, _indices(labels, logits.shape[1])[:, None])[:, 0]
    cosine = own / probabilities.square().sum(1).sqrt()
    return 1 - cosine if targeted else cosine


def segmentation_loss(
    logits_of: Callable[[Tensor], Tensor], labels: Tensor, attack: Attack, ignore_index: int = IGNORED
) -> Loss:
    """What an attack on a segmentor ascends.

    Args:
        logits_of: Maps pictures (B, 3, H, W), float32 from 0 to 1, to logits (B, C, H', W') of the labels' size.
        labels: (B, H', W'), integers; of a targeted attack the true ones too.
        attack: Which losses.
        ignore_index: Of pixels that count for nothing.

    Returns:
        The losses of a picture are means over its pixels that count, 0 where there are none.

    Raises:
        MMFanError: Called, the logits do not fit the labels.
    """
    counted = labels != ignore_index
    pixels = counted.sum((1, 2)).clamp(min=1)
    targeted = attack.target is not None
    wanted = labels.long() if attack.target is None else labels.long().masked_fill(counted, attack.target)

    def loss(pictures: Tensor, step: int) -> Losses:
        logits = logits_of(pictures).float()
        _check(logits, wanted, counted)
        entropy = F.cross_entropy(logits, wanted, ignore_index=ignore_index, reduction="none")
        entropy = (-entropy if targeted else entropy) * counted
        weighed = entropy
        if attack.name == "segpgd":
            share = step / (2 * (attack.steps or 1))
            weighed = entropy * segpgd_weights(logits, wanted, share, targeted)
        elif attack.name == "cospgd":
            weighed = entropy * cospgd_weights(logits, wanted, targeted)
        return Losses(weighed.sum((1, 2)) / pixels, entropy.detach().sum((1, 2)) / pixels)

    return loss


def _indices(labels: Tensor, classes: int) -> Tensor:
    return labels.where((labels >= 0) & (labels < classes), labels.new_zeros(())).long()


def _check(logits: Tensor, labels: Tensor, counted: Tensor) -> None:
    if logits.ndim != 4 or logits.shape[0] != labels.shape[0] or logits.shape[2:] != labels.shape[1:]:
        raise MMFanError(
            f"Expected logits (B, C, H, W) of the labels' size, {tuple(labels.shape)}, got {tuple(logits.shape)}."
        )
    if logits.shape[1] < 2:
        raise MMFanError(
            "An attack needs logits of at least 2 classes, got 1: a model that tells two classes apart by one "
            "channel cannot be attacked. Judge one of two channels (`out_channels=2` of an mmsegmentation head)."
        )
    outside = counted & ((labels < 0) | (labels >= logits.shape[1]))
    if bool(outside.any()):
        number = int(labels[outside][0])
        raise MMFanError(f"Class {number} of the labels or of the target is none of the {logits.shape[1]} classes.")
