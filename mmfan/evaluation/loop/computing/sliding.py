"""Sliding-window inference of mmsegmentation's segmentors with several windows of a picture in one forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any

import torch
from torch import Tensor

# On a GPU one window does not fill the device; on a CPU more windows are not faster and take more memory.
WINDOWS = {"cpu": 1, "cuda": 16}


def places_of(size: int, crop: int, stride: int) -> list[int]:
    """Where the windows of one axis begin: every ``stride``, the last one moved back into the picture.

    >>> places_of(2048, 1024, 768), places_of(500, 512, 341)
    ([0, 768, 1024], [0])
    """
    last = max(size - crop, 0)
    return [min(number * stride, last) for number in range(-(-last // stride) + 1)]


class SlidingWindows:
    """Does what ``slide_inference`` of a segmentor does, several windows at a time.

    With one window at a time the results are those of mmsegmentation to the last bit; more at a time round otherwise.
    Where the device has too little memory for so many, half of them are tried, then half of these, and so on.

    Args:
        segmentor: An ``EncoderDecoder`` of mmsegmentation.
        most: Windows in one forward pass, those of all pictures of the batch together.
    """

    def __init__(self, segmentor: Any, most: int) -> None:
        self.segmentor = segmentor
        self.most = most

    def __call__(self, inputs: Tensor, batch_img_metas: Sequence[Mapping[str, Any]]) -> Tensor:
        """Logits (B, classes, H, W) of pictures (B, 3, H, W): the mean of the windows that see a pixel.

        Raises:
            torch.cuda.OutOfMemoryError: The device has not the memory for one window of each picture.
        """
        pictures, _, height, width = inputs.shape
        (tall, wide), (down, right) = self.segmentor.test_cfg.crop_size, self.segmentor.test_cfg.stride
        tall, wide = min(tall, height), min(wide, width)
        corners = list(product(places_of(height, tall, down), places_of(width, wide, right)))
        sums = inputs.new_zeros(pictures, self.segmentor.out_channels, height, width)
        seen = inputs.new_zeros(1, 1, height, width)
        at = 0
        while at < len(corners):
            some = corners[at : at + max(1, self.most // pictures)]
            windows = [inputs[..., y : y + tall, x : x + wide] for y, x in some]
            logits = self._logits(windows, batch_img_metas)
            if logits is None:
                self.most = max(1, len(some) * pictures // 2)
                continue
            for (y, x), part in zip(some, logits.split(pictures), strict=True):
                sums[..., y : y + tall, x : x + wide] += part
                seen[..., y : y + tall, x : x + wide] += 1
            at += len(some)
        return sums / seen

    def _logits(self, windows: list[Tensor], metas: Sequence[Mapping[str, Any]]) -> Tensor | None:
        """Logits of windows, one after the other in the batch; None where fewer of them have to be tried."""
        # the size that a head brings its logits to; a copy, for the pictures keep theirs
        of_window = [{**meta, "img_shape": windows[0].shape[2:]} for meta in metas]
        try:
            batch = windows[0] if len(windows) == 1 else torch.cat(windows)
            return self.segmentor.encode_decode(batch, of_window * len(windows))
        except torch.cuda.OutOfMemoryError:
            if len(windows) == 1:
                raise
        # outside of the handler, whose error holds on to the tensors
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None


@contextmanager
def windows_at_once(model: torch.nn.Module, most: int) -> Iterator[None]:
    """Let the segmentors in a model take so many windows at once, while the context lasts.

    Args:
        model: Any model; those without mmsegmentation's own sliding windows, and those that slide in a way of their
            own, are left alone.
        most: See :class:`SlidingWindows`.
    """
    segmentors: list[Any] = [module for module in model.modules() if _slides(type(module))]
    for segmentor in segmentors:
        segmentor.slide_inference = SlidingWindows(segmentor, most)
    try:
        yield
    finally:
        for segmentor in segmentors:
            del segmentor.slide_inference


def _slides(kind: type) -> bool:
    method = getattr(kind, "slide_inference", None)
    return getattr(method, "__module__", None) == "mmseg.models.segmentors.encoder_decoder"
