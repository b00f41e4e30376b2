"""Batches of the two drivers, for works that predict a picture in several forms: views of it, and altered copies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.evaluation.attacks.settings import LEVELS
from mmfan.evaluation.conditions.adaptation.entropy import SIGMOID_EPS, logits_of
from mmfan.evaluation.conditions.adaptation.views import PLAIN, View, put_back, viewed
from mmfan.evaluation.conditions.work import NotToModelError, PictureBatch, Situation

BINARY = 0.5  # the probability above which the only class is predicted, where a model says no other


class Pictures(ABC):
    """The pictures of a batch.

    Attributes:
        names: Of the pictures.
        dense: What is predicted is a map of classes, not one class a picture; known once :meth:`logits` saw it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.dense = True

    @abstractmethod
    def batch(self, view: View = PLAIN) -> Any:
        """A batch of a view of the pictures, for the model's step."""

    @abstractmethod
    def bytes(self) -> list[NDArray[np.uint8]]:
        """The pictures, (H, W, 3) uint8, in the channel order that they come in."""

    @abstractmethod
    def of_bytes(self, changed: Sequence[NDArray[np.uint8]]) -> Any:
        """A batch of these instead of the pictures, in their order and sizes."""

    @abstractmethod
    def logits(self, outputs: Any, view: View = PLAIN) -> list[Tensor]:
        """The logits, (C, H, W) float32 each, of a view, in the place and size of the pictures; (C, 1, 1) of a class.

        The first time they are asked for must be of the plain view.

        Raises:
            NotToModelError: The model's predictions have none.
        """

    @abstractmethod
    def answered(self, outputs: Any, shares: Sequence[Tensor]) -> Any:
        """What a step returned of the plain view, with other probabilities.

        Args:
            outputs: What it returned.
            shares: (C, H, W) of each picture, of a model of one channel (2, H, W).
        """


def pictures_of(situation: Situation, batch: Any) -> Pictures:
    """The pictures of a batch of either driver."""
    return FunctionPictures(batch) if isinstance(batch, PictureBatch) else LoopPictures(situation, batch)


class FunctionPictures(Pictures):
    """Those of ``judge`` with a module of torch."""

    def __init__(self, given: PictureBatch) -> None:
        super().__init__(given.names)
        self.given = given

    def batch(self, view: View = PLAIN) -> PictureBatch:
        """See :meth:`Pictures.batch`."""
        return replace(self.given, pixels=torch.stack([viewed(one, view, self.dense) for one in self.given.pixels]))

    def bytes(self) -> list[NDArray[np.uint8]]:
        """See :meth:`Pictures.bytes`; red comes first."""
        whole = (self.given.pixels * LEVELS).round().to(torch.uint8)
        return list(whole.permute(0, 2, 3, 1).cpu().numpy())

    def of_bytes(self, changed: Sequence[NDArray[np.uint8]]) -> PictureBatch:
        """See :meth:`Pictures.of_bytes`."""
        pixels = torch.from_numpy(np.stack(changed)).to(self.given.pixels.device).permute(0, 3, 1, 2).float() / LEVELS
        return replace(self.given, pixels=pixels)

    def logits(self, outputs: Any, view: View = PLAIN) -> list[Tensor]:
        """See :meth:`Pictures.logits`; those of a padded picture are cut to it."""
        found = logits_of(outputs)
        if view == PLAIN:
            self.dense = any(side != 1 for one in found for side in one.shape[1:])
        if not self.dense:
            return [one.float() for one in found]
        size = tuple(self.given.pixels.shape[2:])
        part = view.size(size)
        padded = part if self.given.padded_size is None else self.given.padded_size(part)
        return [put_back(one, view, size, padded, part) for one in found]

    def answered(self, outputs: Any, shares: Sequence[Tensor]) -> Tensor:
        """See :meth:`Pictures.answered`; padding comes back, which the adapter takes away again."""
        values = torch.stack([_logits(one, outputs.shape[1]) for one in shares])
        if self.dense and self.given.padded is not None:
            below, right = (
                whole - side for whole, side in zip(self.given.padded, self.given.pixels.shape[2:], strict=True)
            )
            values = F.pad(values, (0, right, 0, below))
        return values


class LoopPictures(Pictures):
    """Those of OpenMMLab's loop.

    Raises:
        NotToModelError: They are no tensors (3, H, W), or a data sample does not say which picture it is of.
    """

    def __init__(self, situation: Situation, given: Any) -> None:
        self.inputs, self.samples = given["inputs"], given["data_samples"]
        wrong = [one for one in self.inputs if not isinstance(one, Tensor) or one.ndim != 3]
        if wrong:
            raise NotToModelError(_expected("pictures (3, H, W)", wrong[0]))
        super().__init__([situation.name_of(sample) for sample in self.samples])
        self.given, self.model = given, situation.model
        self._size: tuple[int, int] = (1, 1)  # in which the model predicts

    def batch(self, view: View = PLAIN) -> Any:
        """See :meth:`Pictures.batch`."""
        return self._batch([viewed(one, view, self.dense) for one in self.inputs])

    def _batch(self, pictures: list[Tensor]) -> Any:
        samples = []
        for picture, given, sample in zip(pictures, self.inputs, self.samples, strict=True):
            own = sample.clone()  # predictions are written into it
            if picture.shape != given.shape:
                size = tuple(picture.shape[1:])
                own.set_metainfo({key: size for key in ("img_shape", "pad_shape") if key in own})
            samples.append(own)
        stacked: Any = torch.stack(pictures) if isinstance(self.inputs, Tensor) else pictures
        return {**self.given, "inputs": stacked, "data_samples": samples}

    def bytes(self) -> list[NDArray[np.uint8]]:
        """See :meth:`Pictures.bytes`.

        Raises:
            NotToModelError: The pictures are no bytes.
        """
        wrong = [one for one in self.inputs if one.dtype != torch.uint8]
        if wrong:
            raise NotToModelError(_expected("pictures of uint8", wrong[0]))
        return [one.permute(1, 2, 0).contiguous().cpu().numpy() for one in self.inputs]

    def of_bytes(self, changed: Sequence[NDArray[np.uint8]]) -> Any:
        """See :meth:`Pictures.of_bytes`."""
        tensors = [torch.from_numpy(one).permute(2, 0, 1).contiguous() for one in changed]
        return self._batch([one.to(like.device) for one, like in zip(tensors, self.inputs, strict=True)])

    def logits(self, outputs: Any, view: View = PLAIN) -> list[Tensor]:
        """See :meth:`Pictures.logits`; the size is that in which the model predicts the picture, of any view."""
        found = logits_of(outputs)
        if view == PLAIN:
            self._size = (int(found[0].shape[1]), int(found[0].shape[2]))
            self.dense = self._size != (1, 1)
        return [put_back(one, view, self._size) if self.dense else one.float() for one in found]

    def answered(self, outputs: Any, shares: Sequence[Tensor]) -> Any:
        """See :meth:`Pictures.answered`: ``seg_logits`` and ``pred_sem_seg`` of segmentors, or the class."""
        for sample, own in zip(outputs, shares, strict=True):
            if "seg_logits" not in sample:
                sample.pred_score = own.flatten()
                sample.pred_label = own.flatten().argmax().reshape(1)
            elif len(sample.seg_logits.data) == 1:  # probabilities, as mmsegmentation has them
                sample.seg_logits.data = own[:1]
                threshold = getattr(getattr(self.model, "decode_head", None), "threshold", None)
                sample.pred_sem_seg.data = (own[:1] > (BINARY if threshold is None else threshold)).to(own)
            else:
                sample.seg_logits.data = _logits(own, len(own))
                sample.pred_sem_seg.data = own.argmax(0, keepdim=True)
        return outputs


def _logits(shares: Tensor, channels: int) -> Tensor:
    """Logits of so many channels whose probabilities are these."""
    if channels == 1:
        return torch.logit(shares[:1], eps=SIGMOID_EPS)
    return shares.clamp_min(torch.finfo(torch.float32).tiny).log()


def _expected(what: str, found: Any) -> str:
    told = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
    return (
        f"CoTTA and MEMO need {what} from the test pipeline, without test-time augmentation, got {told}: leave "
        "normalising to the model's data_preprocessor."
    )
