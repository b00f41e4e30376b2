"""Losses that attacks on detectors ascend: the sum of what the detector is trained with."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.ascent import Loss, Losses
from mmfan.evaluation.attacks.settings import PIXELWISE, Attack


def detection_loss(loss_of: Callable[[Tensor], Tensor], attack: Attack) -> Loss:
    """What an attack on a detector ascends.

    Args:
        loss_of: Maps pictures (B, 3, H, W), float32 from 0 to 1, to the sum of the training losses of each, (B,); a
            single number of a batch of one.
        attack: One that weighs no pixels and has no target.

    Raises:
        MMFanError: The attack is not for detectors.
    """
    if attack.name in PIXELWISE:
        raise MMFanError(f"{attack.name} weighs the loss of each pixel, which detectors have not: take fgsm or pgd.")
    if attack.target is not None:
        raise MMFanError("Attacks on detectors drive away from the truth alone: leave `target` out.")

    def loss(pictures: Tensor, step: int) -> Losses:
        total = loss_of(pictures).float().reshape(-1)
        if len(total) != len(pictures):
            raise MMFanError(f"Expected a loss for each of {len(pictures)} pictures, got {tuple(total.shape)}.")
        return Losses(total, total.detach())

    return loss
