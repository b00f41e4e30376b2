"""Pictures as a tested model saw them, at their own size: kept in the pipeline, taken out of each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.datasets.transforms.corrupt import whole_numbers
from mmfan.datasets.transforms.pipelines import carry_meta_keys, corrupts, innermost_datasets
from mmfan.errors import MMFanError

KEY = "picture_seen"  # in the metainfo of a data sample, between loading and the model


class KeepPicture:
    """A step that keeps the picture as the steps before it left it, while it has the size of the file.

    Args:
        whatever_size: Keep it after a resize too: what stands before it changes the content of pictures.
    """

    def __init__(self, whatever_size: bool = False) -> None:
        self.whatever_size = whatever_size

    def __call__(self, results: dict[str, Any] | None) -> dict[str, Any] | None:
        """Keep ``results['img']``; a picture that was turned around or holds no 8-bit values is left alone."""
        image = (results or {}).get("img")
        if results is None or not isinstance(image, np.ndarray) or results.get("flip"):
            return results
        image = whole_numbers(image)
        if image.dtype == np.uint8 and (self.whatever_size or image.shape[:2] == tuple(results.get("ori_shape", ()))):
            results[KEY] = image
        return results


def keep_pictures(dataset: Any) -> bool:
    """Have a dataset hand on its pictures as they are before they are resized, with all that changed them until then.

    Args:
        dataset: Built, or wrappers around some; its pipelines are changed.

    Returns:
        Whether all pipelines could be changed.
    """
    try:
        pipelines = [inner.pipeline for inner in innermost_datasets(dataset)]
    except MMFanError:  # a dataset without a pipeline of mmengine's kind
        return False
    for pipeline in pipelines:
        if not any(isinstance(step, KeepPicture) for step in pipeline.transforms):
            steps = list(pipeline.transforms)
            pipeline.transforms[:] = [new for step in steps for new in (step, KeepPicture(_changes_content(step)))]
            carry_meta_keys(pipeline, (KEY,))
    return True


def _changes_content(step: Any) -> bool:
    return corrupts(step) or type(step).__name__ in ("BandNoise", "PatchDrop")


def take_pictures(batch: Any) -> dict[str, NDArray[np.uint8]]:
    """Take the kept pictures out of a batch, so that neither model nor metric carries them.

    Args:
        batch: As a loader gives it, with several views of a picture by test-time augmentation too.

    Returns:
        ``img_path`` -> (H, W, 3) BGR or (H, W) grey, uint8.
    """
    found = {}
    for sample in _samples(batch):
        if KEY in sample:
            found[sample.img_path] = sample.pop(KEY)
    return found


def _samples(batch: Any) -> Iterator[Any]:
    if isinstance(batch, Mapping):
        yield from _samples(batch.get("data_samples"))
    elif isinstance(batch, (list, tuple)):
        for one in batch:
            yield from _samples(one)
    elif hasattr(batch, "metainfo"):
        yield batch


def as_rgb(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A kept picture as (H, W, 3) RGB of a size (height, width): grey in three channels, a resized one brought back."""
    if image.ndim == 2 or image.shape[2] == 1:
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if image.shape[:2] != tuple(size):
        image = np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.ascontiguousarray(image[..., 2::-1])
