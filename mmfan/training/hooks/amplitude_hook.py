"""``AmplitudeMixHook``: APR within the batch, each picture's phases with the amplitude of another one.

Paper: APR, Chen et al., ICCV 2021 (APR-P), with probability 0.6 as published code has it; the labels are those of
the phases.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import Tensor
from torch.nn import functional

from mmfan.datasets.augmentations.overlaps import PHOTOMETRIC
from mmfan.datasets.augmentations.steps import fraction
from mmfan.errors import ConfigError
from mmfan.registry import HOOKS
from mmfan.training.draws import draw_seed
from mmfan.training.teacher import Taught
from mmfan.utils.checks import whole_number

CHANNELS = 3


def mix_batch(picture: Tensor, donor: Tensor) -> Tensor:
    """A picture with the amplitude of another, channel by channel.

    Args:
        picture: ``(3, H, W)``, whose phases are kept.
        donor: ``(3, H', W')``; resized where the sizes differ.

    Returns:
        float32 ``(3, H, W)``, not cut to 0..255.
    """
    own, other = picture.float(), donor.float()
    if own.shape != other.shape:
        other = functional.interpolate(other[None], size=own.shape[1:], mode="bilinear", antialias=True)[0]
    phases = torch.fft.rfft2(own).angle()
    mixed = torch.polar(torch.fft.rfft2(other).abs(), phases)
    return torch.fft.irfft2(mixed, s=own.shape[1:])


@HOOKS.register_module()
class AmplitudeMixHook(Hook):
    """Give pictures of a batch the amplitude of other ones before they are normalised.

    Donors are drawn within the batch of a process, so that a last batch of one picture stays as it is. The draws depend
    on the seed, the iteration and the process. Of pictures with copies (:class:`mmfan.Views`) the clean one is changed;
    beside a teacher (:class:`mmfan.TeacherWrapper`) the copy is, as the model learns from it alone and the teacher from
    nothing: it tells what it sees in the picture as it is. Donors are clean in any case.

    Args:
        prob: Probability that a picture is changed.
        begin: First iteration with it.
        seed: Of the draws.

    Raises:
        MMFanError: An argument is out of range.
        ConfigError: When training begins, the batches of a process are of one picture.
    """

    # the amplitude of frequency 0 is a channel's mean, those of the others are its contrast
    overlaps: frozenset[str] = PHOTOMETRIC
    of_copies = False

    def __init__(self, prob: float = 0.6, begin: int = 0, seed: int = 0) -> None:
        self.prob = fraction("prob", prob)
        self.begin, self.seed = whole_number("begin", begin, 0), whole_number("seed", seed, 0)

    def before_train(self, runner: Any) -> None:
        """See that there are donors, and what the model learns from."""
        loader = runner.train_dataloader
        # of a sampler of batches the loader itself has no size
        size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
        if size == 1:
            raise ConfigError(
                "mmfan.AmplitudeMixHook swaps amplitudes within the batch of a process, and that is one picture: give "
                "train_dataloader.batch_size=2, or take mmfan.AmplitudeMix, whose donors are of the set."
            )
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self.of_copies = isinstance(model, Taught)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Change ``data_batch['inputs']``."""
        pictures = data_batch["inputs"]
        if runner.iter < self.begin or len(pictures) < 2:
            return
        generator = torch.Generator().manual_seed(draw_seed(self.seed, runner.iter, get_rank()))
        coins = torch.rand(len(pictures), generator=generator) < self.prob
        # a shift by 1 to B - 1 places: nobody is his own donor
        shifts = torch.randint(1, len(pictures), (len(pictures),), generator=generator)
        donors = [picture[:CHANNELS].clone() for picture in pictures]
        for at, (coin, shift) in enumerate(zip(coins.tolist(), shifts.tolist(), strict=True)):
            if coin:
                changed = pictures[at].clone()
                # the last view is the copy, or the picture where it has none
                seen = changed[-CHANNELS:] if self.of_copies else changed[:CHANNELS]
                mixed = mix_batch(seen, donors[(at + shift) % len(pictures)]).clamp(0, 255)
                seen.copy_(mixed if changed.is_floating_point() else mixed.round())
                pictures[at] = changed
