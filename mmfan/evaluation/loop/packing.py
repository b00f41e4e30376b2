"""Packing step of segmentation whose labels stay bytes: an eighth of what goes from the loading processes otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData

from mmfan.datasets.transforms.pipelines import innermost_datasets


class PackBytes(BaseTransform):
    """mmsegmentation's ``PackSegInputs``, but for labels of 64 bits: 16.8 MB for a picture of 2048 x 1024.

    Labels that are no (H, W) bytes are packed as ever.

    Args:
        pack: The step it replaces.
    """

    def __init__(self, pack: Callable[[dict], dict]) -> None:
        self.pack = pack

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack; ``gt_sem_seg`` of the data sample is (1, H, W) uint8."""
        labels = results.get("gt_seg_map")
        if not (isinstance(labels, np.ndarray) and labels.dtype == np.uint8 and labels.ndim == 2):
            return self.pack(results)
        packed = self.pack({key: value for key, value in results.items() if key != "gt_seg_map"})
        packed["data_samples"].gt_sem_seg = PixelData(data=torch.from_numpy(np.ascontiguousarray(labels))[None])
        return packed


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
