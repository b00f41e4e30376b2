"""Modules of torch that classify, as models that are judged: torchvision's, timm's, mmpretrain's, mmfan's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer
from mmfan.adapters.exported_classifier import flat_scores
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.adapters.torch_modules import PicturesModule, taken

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

    def _scores(self, pictures: list[Picture]) -> list[NDArray[np.floating]]:
        import torch

        batch = torch.stack([self._module.tensor(rgb) for rgb in pictures])
        found = taken(self._module.call(batch), self.output)
        scores = found.float() if found.is_floating_point() else found
        return list(flat_scores(scores.cpu().numpy(), len(pictures)))
