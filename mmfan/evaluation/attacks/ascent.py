"""``attack_pictures``: steps along the gradient of a loss, within a ball around clean pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.attacks.balls import Reach, ball_of
from mmfan.evaluation.attacks.settings import LEVELS, Attack
from mmfan.models.layers.ordered_gradients import ordered_gradients


class Losses(NamedTuple):
    """Losses of pictures.

    Attributes:
        ascended: What the gradient is taken of, (B,).
        plain: What tells how well an attack does, (B,): the same in all steps, higher is worse for the model.
    """

    ascended: Tensor
    plain: Tensor


# Pictures (B, C, H, W), float32 from 0 to 1, and the number of the step, from 0, to their losses.
Loss = Callable[[Tensor, int], Losses]


class Attacked(NamedTuple):
    """Pictures that were attacked.

    Attributes:
        pictures: (B, C, H, W): uint8, or float32 from 0 to 1 of an attack that does not round.
        plain: Plain losses before each step, (steps, B), float32; one more, after the last, where the best was kept.
    """

    pictures: Tensor
    plain: Tensor


def attack_pictures(
    loss: Loss,
    pictures: Tensor,
    attack: Attack,
    seeds: Sequence[int],
    reach_of: Callable[[Tensor, Attack], Reach] = ball_of,
) -> Attacked:
    """Change pictures so that a loss grows.

    Each picture's change depends on that picture and its seed alone, as far as the model's arithmetic does not depend
    on what else is in the batch.

    Args:
        loss: What to ascend; see :func:`mmfan.evaluation.attacks.pixel_losses.segmentation_loss`. The model should be
            as :func:`frozen` has it.
        pictures: (B, C, H, W), uint8; or float32 from 0 to 1, where the attack does not round.
        attack: Which attack.
        seeds: One of 64 bits a picture, for the random start.
        reach_of: Takes the clean pictures, (B, C, H, W) float32 from 0 to 1, and the attack; returns what pictures may
            become. By default the ball of the attack's norm and radius.

    Raises:
        WrongTypeError: The pictures are of another type.
        MMFanError: There are more or fewer seeds than pictures, or the loss has no gradient, or one that is not finite.
    """
    clean = _from_0_to_1(pictures, attack)
    if len(seeds) != len(pictures):
        raise MMFanError(f"Expected a seed for each of {len(pictures)} pictures, got {len(seeds)}.")
    if attack.still:
        same = pictures if attack.rounded else clean
        return Attacked(same.clone(), clean.new_zeros(0, len(pictures)))
    reach = reach_of(clean, attack)
    last, best, plain = _ascend(loss, reach, attack, seeds)
    found = best if attack.kept == "best" else last
    return Attacked(reach.rounded(found) if attack.rounded else found, plain)


def _ascend(loss: Loss, reach: Reach, attack: Attack, seeds: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """The last pictures, the best ones, and the plain losses."""
    current = reach.start(seeds) if attack.start else reach.clean
    best, highest, plain = current, current.new_full((len(current),), -torch.inf), []

    def note(losses: Tensor) -> None:
        nonlocal best, highest
        plain.append(losses.detach().float())
        better = plain[-1] > highest
        best = torch.where(better[:, None, None, None], current, best)
        highest = torch.where(better, plain[-1], highest)

    for step in range(attack.steps or 1):
        gradient, losses = gradient_of(loss, current, step)
        note(losses)
        current = reach.project(current + (attack.alpha or 0.0) / LEVELS * reach.direction(gradient))
    if attack.kept == "best":
        with torch.no_grad():
            note(loss(current, attack.steps or 1).plain)
    return current, best, torch.stack(plain)


def gradient_of(loss: Loss, pictures: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The gradient of the ascended losses, (B, C, H, W), and the plain losses, (B,).

    Raises:
        MMFanError: There is no gradient, or it is not finite.
    """
    with torch.enable_grad(), torch.autocast(pictures.device.type, enabled=False):
        pictures = pictures.detach().requires_grad_()
        found = loss(pictures, step)
        if not found.ascended.requires_grad:
            raise MMFanError(
                "The loss has no gradient with respect to the pictures: something on the way from them to the logits "
                "detaches it (no_grad, detach, argmax, NumPy)."
            )
        (gradient,) = torch.autograd.grad(found.ascended.sum(), pictures)
    if not bool(gradient.isfinite().all()):
        raise MMFanError("The gradient of the loss is not finite (NaN or infinite): the model overflows.")
    return gradient, found.plain.detach()


def _from_0_to_1(pictures: Tensor, attack: Attack) -> Tensor:
    if pictures.ndim != 4:
        raise MMFanError(f"Expected pictures (B, C, H, W), got {tuple(pictures.shape)}.")
    if pictures.dtype == torch.uint8:
        return pictures.float() / LEVELS
    if attack.rounded or pictures.dtype != torch.float32:
        raise WrongTypeError(
            f"Expected pictures of uint8{'' if attack.rounded else ', or of float32 from 0 to 1'}, got "
            f"{pictures.dtype}: what is rounded at the end must be whole before."
        )
    if not bool(((pictures >= 0) & (pictures <= 1)).all()):
        raise MMFanError(f"Expected values from 0 to 1, got {float(pictures.min())} to {float(pictures.max())}.")
    return pictures


@contextmanager
def frozen(model: torch.nn.Module) -> Iterator[None]:
    """Have a model in evaluation, with no gradients for its parameters, while the context lasts.

    So statistics of BatchNorm stay as they are, and a backward pass costs no more than it must. Gradients through
    batch norms are right for a single picture on a CPU too (:mod:`mmfan.models.layers.ordered_gradients`).

    Raises:
        MMFanError: Parameters are of less than 32 bits, whose gradients are too coarse to attack with.
    """
    coarse = {str(one.dtype) for one in model.parameters() if one.is_floating_point() and one.dtype.itemsize < 4}
    if coarse:
        raise MMFanError(
            f"Attacks are computed in float32, and the model's parameters are {', '.join(sorted(coarse))}: gradients "
            "of so few bits make a model look harder to attack than it is. Judge the float32 model."
        )
    training = {module: module.training for module in model.modules()}
    learning = [one for one in model.parameters() if one.requires_grad]
    model.eval()
    for one in learning:
        one.requires_grad_(False)
    try:
        with ordered_gradients(model):
            yield
    finally:
        for one in learning:
            one.requires_grad_(True)
        for module, was in training.items():
            module.training = was
