"""Packing step of segmentation whose labels stay bytes: an eighth of what goes from the loading processes otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from numpy.typing import NDArray

from mmfan.datasets.transforms.pipelines import innermost_datasets


class PackBytes(BaseTransform):
    """mmsegmentation's ``PackSegInputs``, but for labels of 64 bits: 16.8 MB for a picture of 2048 x 1024.

    Labels that are no (H, W) bytes are packed as ever, and pictures that are not of three channels of bytes.

    Args:
        pack: The step it replaces.
    """

    def __init__(self, pack: Callable[[dict], dict]) -> None:
        self.pack = pack

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack; ``gt_sem_seg`` of the data sample is (1, H, W) uint8."""
        rest = dict(results)
        labels = rest.pop("gt_seg_map") if _is_bytes(results.get("gt_seg_map"), (-1, -1)) else None
        picture = rest.pop("img") if _is_bytes(results.get("img"), (-1, -1, 3)) else None
        packed = self.pack(rest)
        if labels is not None:
            packed["data_samples"].gt_sem_seg = PixelData(data=torch.from_numpy(np.ascontiguousarray(labels))[None])
        if picture is not None:
            packed["inputs"] = torch.from_numpy(planes_of(picture))
        return packed


def _is_bytes(array: Any, shape: tuple[int, ...]) -> bool:
    """Whether something is an array of uint8 with so many axes, which have the lengths given but for -1."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != len(shape):
        return False
    return all(wanted in (-1, length) for wanted, length in zip(shape, array.shape, strict=True))


def planes_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) to (3, H, W), contiguous, ten times as fast as by transposing."""
    planes = np.empty((3, *picture.shape[:2]), np.uint8)
    if planes.size:
        cv2.split(np.ascontiguousarray(picture), list(planes))
    return planes


def pack_bytes(dataset: Any) -> None:
    """Put :class:`PackBytes` in the place of the packing steps of a dataset, those of test-time augmentation too."""
    for inner in innermost_datasets(dataset):
        _replace(inner.pipeline.transforms)


def _replace(steps: Any) -> None:
    for place, step in enumerate(steps):
        if type(step).__name__ == "PackSegInputs" and type(step).__module__.startswith("mmseg."):
            steps[place] = PackBytes(step)
        elif hasattr(step, "subroutines"):  # of TestTimeAug: a pipeline for each form of a picture
            for inner in step.subroutines:
                _replace(inner.transforms)


def read_bytes(metrics: Sequence[Any]) -> bool:
    """Whether all metrics of an evaluator say that labels may be bytes (``reads_bytes``): others may add them up."""
    return bool(metrics) and all(getattr(metric, "reads_bytes", False) for metric in metrics)
