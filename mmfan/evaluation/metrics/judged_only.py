"""Metrics that are not mmfan's and read the truth from an annotation file, kept to the pictures that were judged."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mmfan.errors import MMFanError
from mmfan.utils.text import counted

# where mmdetection's metrics keep the annotations of a file
_ANNOTATIONS = ("_coco_api", "_lvis_api")
# what annotations have by the number of a picture: COCO's and LVIS's toolkits, and mmdetection's names for it
_BY_PICTURE = ("imgs", "imgToAnns", "img_ann_map")
# these have a list of objects of the whole set beside the annotations
_WHOLE = ("CocoOccludedSeparatedMetric",)


def annotations_of(metric: Any) -> str | None:
    """The attribute in which a metric has annotations, as COCO's and LVIS's toolkits read them; None without."""
    return next((name for name in _ANNOTATIONS if hasattr(getattr(metric, name, None), "imgs")), None)


@contextmanager
def judged_only(metric: Any, results: Sequence[Any]) -> Iterator[None]:
    """Show a metric only the annotations of the pictures that were judged, for as long as it computes.

    mmdetection scores over all pictures of the annotation file: objects of pictures that nobody looked at would count
    as missed.

    Args:
        metric: Of mmengine's kind. One without annotations is left alone.
        results: What it has of the pictures.

    Raises:
        MMFanError: Not all pictures of the file were judged, and the metric cannot be kept to those that were.
    """
    name = annotations_of(metric)
    if name is None:
        yield
        return
    whole: Any = getattr(metric, name)
    pictures = [_picture_of(result) for result in results]
    unknown = None in pictures
    kinds = [kind.__name__ for kind in type(metric).__mro__]
    if unknown and "CocoMetric" not in kinds:  # scored picture by picture already, as mmdetection's panoptic metric
        yield
        return
    judged = dict.fromkeys(pictures)
    count = len(results) if unknown else len(judged)
    if count < len(whole.imgs) and (unknown or any(kind in _WHOLE for kind in kinds)):
        raise MMFanError(
            f"{type(metric).__name__} scores over all {counted(len(whole.imgs), 'picture')} of its annotation file, "
            f"and {count} of them were judged: the others would count as missed. Judge all pictures (without `limit`), "
            "or take mmdetection's CocoMetric, which is scored over those that were judged."
        )
    if unknown:
        yield
        return
    if hasattr(metric, "img_ids"):
        metric.img_ids = None  # kept from the last cell otherwise
    setattr(metric, name, _cut(whole, judged))
    try:
        yield
    finally:
        setattr(metric, name, whole)


def _picture_of(result: Any) -> Hashable:
    """The number of the picture that a result is of; None where it does not say."""
    for part in result if isinstance(result, tuple) else (result,):
        for key in ("img_id", "image_id"):
            if isinstance(part, Mapping) and key in part:
                return part[key]
    return None


def _cut(whole: Any, pictures: Mapping[Any, None]) -> Any:
    """Annotations of some pictures, in the order of these: mmdetection compares proposals with the truth in order."""
    cut = copy.copy(whole)
    for name in _BY_PICTURE:
        if hasattr(whole, name):
            kept = copy.copy(getattr(whole, name))  # with what it makes up for pictures without objects
            kept.clear()
            kept.update({one: getattr(whole, name)[one] for one in pictures if one in getattr(whole, name)})
            setattr(cut, name, kept)
    return cut
