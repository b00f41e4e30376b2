"""Modules of torch that classify, as models that are judged: torchvision's, timm's, mmpretrain's, mmfan's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer, answer_by_size
from mmfan.adapters.exported_classifier import flat_scores
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.adapters.torch_modules import PicturesModule, taken
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import PictureBatch

if TYPE_CHECKING:
    import torch


class TorchClassifier:
    """A ``torch.nn.Module`` from (N, 3, H, W) to logits or probabilities (N, K), as ``predict`` of ``judge``.

    mmpretrain's ``ImageClassifier`` is one: called with a batch alone, it returns its head's logits. An object with
    them as ``logits`` (Hugging Face) will do as well.

    Args:
        module: The module. It is set to evaluation.
        preprocessing: What the module expects of a picture.
        output: The scores in what the module returns: a key, or a function of it.
        device: Where to move the module; by default it stays where it is.
        dtype: The precision to turn the module to, such as ``torch.float16``; by default it is left.
        autocast: The precision of automatic mixed precision, such as ``torch.bfloat16``; None for none.

    Raises:
        MMFanError: Called, the module returned something else.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        preprocessing: Preprocessing | None = None,
        *,
        output: str | Callable[[Any], Any] | None = None,
        device: Any = None,
        dtype: Any = None,
        autocast: Any = None,
    ) -> None:
        self.output = output
        self._module = PicturesModule(module, preprocessing, device, dtype, autocast)

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The scores, (K,) float32, of a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._scores)

    @property
    def module(self) -> torch.nn.Module:
        """The module, for a condition that works on it."""
        return self._module.module

    def predict_under(
        self, forward: Callable[..., Any], pictures: Sequence[Picture], truths: Sequence[Any], names: Sequence[str]
    ) -> list[NDArray[np.floating]]:
        """The scores while a condition is at work, whose ``forward`` takes a step and a batch.

        A condition sees the class of a picture as that of its only pixel: scores (N, K, 1, 1), truth (1, 1).

        Args:
            forward: See :class:`mmfan.evaluation.conditions.work.Work`.
            pictures: (H, W, 3) RGB, uint8; those of one size are a batch.
            truths: As many numbers of the module's classes.
            names: Their names.

        Raises:
            MMFanError: The module expects pictures of another size, has fewer classes, or returned something else.
        """
        import torch

        if self._module.preprocessing.size is not None:
            raise MMFanError("A condition works on pictures of their own size: leave `size` of the preprocessing out.")

        def step(batch: PictureBatch) -> torch.Tensor:
            found = taken(self._module.differentiably(batch.pixels), self.output).float()
            if found.ndim not in (2, 4) or len(found) != len(batch.pixels) or any(one != 1 for one in found.shape[2:]):
                raise MMFanError(
                    f"Expected the network to return logits or probabilities ({len(batch.pixels)}, K), floats, got "
                    f"{found.dtype} {tuple(found.shape)}."
                )
            highest = max((int(truth.max()) for truth in batch.truth), default=0)
            if highest >= found.shape[1]:
                raise MMFanError(f"A picture is of class {highest}, and the module has scores of {found.shape[1]}.")
            return found.reshape(*found.shape[:2], 1, 1)

        def predict(places: list[int]) -> list[NDArray[np.floating]]:
            batch = PictureBatch(
                self._module.pixels([pictures[at] for at in places]),
                [np.full((1, 1), truths[at], np.int64) for at in places],
                [names[at] for at in places],
            )
            with torch.no_grad(), self._module.at_work():  # a condition that needs gradients turns them on
                found = forward(step, batch)
            return list(flat_scores(found.detach().cpu().numpy(), len(places)))

        return answer_by_size(pictures, predict)

    def _scores(self, pictures: list[Picture]) -> list[NDArray[np.floating]]:
        import torch

        batch = torch.stack([self._module.tensor(rgb) for rgb in pictures])
        found = taken(self._module.call(batch), self.output)
        scores = found.float() if found.is_floating_point() else found
        return list(flat_scores(scores.cpu().numpy(), len(pictures)))
