"""Loading steps of a pipeline that keep what they decode for the cells that follow (:mod:`..judging.kept`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmfan.datasets.transforms.loading import FileLoading, Loading
from mmfan.evaluation.judging.kept import Kept
from mmfan.evaluation.loop.loading.picture_names import path_of

_LABELS = ("LoadAnnotations", "LoadSegAnnotations")


class Decoded:
    """What is kept of one picture after the other: the colours under an even number, the labels under the odd one.

    Args:
        kept: Keeps it; None keeps nothing.

    Attributes:
        picture: Number of the picture at hand in the whole dataset.
    """

    def __init__(self, kept: Kept | None) -> None:
        self.kept = kept
        self.picture = 0

    def load(self, loading: Loading, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the clean picture as 8-bit colours, BGR, as ``loading.to_change`` does.

        Only where the pipeline itself reads colours: other readings check the file each time that it is read.
        """
        if self.kept is None or not isinstance(loading, FileLoading) or not loading.plain:
            return loading.to_change(results)
        path = path_of(results)
        found = self.kept.get(2 * self.picture, path)
        if found is None:
            loaded = loading.to_change(results)
            if loaded is not None:
                self.kept.put(2 * self.picture, loaded["img"], path)
            return loaded
        results["img"] = found.copy()  # later steps may write on it
        results["img_shape"] = results["ori_shape"] = found.shape[:2]
        return results


class KeepLabels(BaseTransform):
    """A step that loads a label image, which is the same in every cell.

    Args:
        step: The step, of mmsegmentation or mmfan.
        decoded: Keeps its labels.
    """

    def __init__(self, step: Any, decoded: Decoded) -> None:
        self.transforms = [step]  # where others look for steps within a step
        self.decoded = decoded

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the label image, or take it from what is kept."""
        kept, path = self.decoded.kept, results.get("seg_map_path")
        number = 2 * self.decoded.picture + 1
        found = None if kept is None or path is None else kept.get(number, str(path))
        if found is None:
            loaded: dict[str, Any] | None = self.transforms[0](results)
            label = None if loaded is None else loaded.get("gt_seg_map")
            if kept is not None and path is not None and isinstance(label, np.ndarray):
                kept.put(number, label, str(path))
            return loaded
        results["gt_seg_map"] = found.copy()
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results


def keep_labels(steps: list[Any], decoded: Decoded) -> None:
    """Put :class:`KeepLabels` around those steps of a pipeline that load label images."""
    if decoded.kept is None:
        return
    for place in _places(steps):
        steps[place] = KeepLabels(steps[place], decoded)


def loads_labels(step: Any) -> bool:
    """Whether a step loads a label image, or keeps what one loads."""
    kind = type(step)  # others of this name, mmdetection's or a user's, load other things as well
    known = kind.__name__ in _LABELS and kind.__module__.partition(".")[0] in ("mmseg", "mmfan")
    return known or isinstance(step, KeepLabels)


def _places(steps: list[Any]) -> Iterator[int]:
    return (place for place, step in enumerate(steps) if loads_labels(step))
