"""Predictions of a model as a label map, objects or scores of classes, whatever form they came in; checked first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.utils.text import shortlist
from mmfan.visualization.coco_results import Detections

FORMS = "a label map (H, W) of integers, or probabilities (C, H, W) of floats"
BOXES = ("xyxy", "boxes")  # names of boxes: left, top, right, bottom in pixels


class PredictionError(MMFanError):
    """What a model returned for a picture cannot be scored."""


def read_labels(output: Any, size: Sequence[int], classes: Sequence[str], ignore_index: int) -> NDArray[np.integer]:
    """The label map in what a segmentor returned.

    Args:
        output: (H, W) integers: class numbers, or an ``ignore_index`` that is no class where the model says nothing;
            or (C, H, W) floats, of which the highest along the first axis counts: probabilities or logits.
        size: Height and width of the picture.
        classes: Names of the classes.
        ignore_index: Number of pixels of the truth that do not count.

    Raises:
        PredictionError: It is nothing of the kind; the message says what was got.
    """
    array = _array("the prediction", output, FORMS)
    if array.ndim == 2 and array.dtype.kind in "uib":
        labels = array
    elif array.ndim == 3 and array.dtype.kind == "f":
        labels = _surest(array, classes)
    else:
        raise PredictionError(f"Expected {FORMS}, got {array.dtype} {array.shape}.{_advice(array, size)}")
    if tuple(labels.shape) != tuple(size):
        turned = " Rows come first, then columns." if tuple(labels.shape) == tuple(size)[::-1] else ""
        raise PredictionError(
            f"Expected a prediction of the picture's size, {size[0]} rows x {size[1]} columns, got {labels.shape[0]} x "
            f"{labels.shape[1]}: bring it back to that size, label maps without blending.{turned}"
        )
    _check_numbers(labels, len(classes), ignore_index)
    return labels


def _surest(scores: NDArray[Any], classes: Sequence[str]) -> NDArray[np.integer]:
    if len(scores) != len(classes):
        cure = " Bring them there: scores.transpose(2, 0, 1)." if scores.shape[-1] == len(classes) else ""
        raise PredictionError(
            f"Expected scores of the {len(classes)} classes of the data, the classes along the first axis, got the "
            f"shape {scores.shape}.{cure}"
        )
    # minus infinity may stand for a class that is ruled out
    if np.isnan(scores).any() or np.isposinf(scores).any():
        raise PredictionError("The scores hold numbers that are not finite (NaN or infinite).")
    return scores.argmax(axis=0)


def _check_numbers(labels: NDArray[np.integer], num_classes: int, ignore_index: int) -> None:
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low >= 0 and high < num_classes:
        return
    told = labels[labels != ignore_index]
    low, high = (int(told.min()), int(told.max())) if told.size else (0, 0)
    if not (low >= 0 and high < num_classes):
        raise PredictionError(
            f"Expected class numbers from 0 to {num_classes - 1} (or {ignore_index} where the model says nothing), got "
            f"{low} to {high}."
        )


def _advice(array: NDArray[Any], size: Sequence[int]) -> str:
    if array.dtype.kind == "f" and array.ndim == 2:
        return " Class numbers are integers: of the probability of one class, say (p > 0.5).astype(int)."
    if array.ndim == 4 and len(array) == 1:
        return " Leave the axis of the batch out: prediction[0]."
    return ""


def read_class_scores(output: Any, classes: Sequence[str], columns: Sequence[int] | None, count: int) -> NDArray[Any]:
    """The scores of the classes of a set in what a classifier returned, (len(classes),) floats.

    Of a model with more classes the columns of the set's are taken here, before anybody looks for the highest.

    Args:
        output: (K,) floats, logits or probabilities: of the model's classes, or of those of the set.
        classes: Names of the classes of the set.
        columns: Place of each among the model's; None where they are the same.
        count: How many classes the model has.

    Raises:
        PredictionError: It is nothing of the kind; the message says what was got.
    """
    scores = _array("the prediction", output, "logits or probabilities (K,) of floats")
    if scores.ndim != 1 or scores.dtype.kind != "f":
        advice = " Leave the axis of the batch out: prediction[0]." if scores.ndim == 2 and len(scores) == 1 else ""
        raise PredictionError(
            f"Expected logits or probabilities (K,) of floats, got {scores.dtype} {scores.shape}.{advice}"
        )
    if len(scores) not in (count, len(classes)):
        told = f"{count} classes of the model or the " if count != len(classes) else ""
        advice = (
            "" if columns is not None else " Name the model's own classes by `outputs`, in the order of its columns."
        )
        raise PredictionError(
            f"Expected scores of the {told}{len(classes)} classes of the data ({shortlist(list(classes), 3)}), got "
            f"{len(scores)}.{advice}"
        )
    if columns is not None and len(scores) == count:
        scores = scores[list(columns)]
    if np.isnan(scores).any() or np.isposinf(scores).any():  # minus infinity may stand for a class that is ruled out
        raise PredictionError("The scores hold numbers that are not finite (NaN or infinite).")
    return scores


def read_objects(output: Any, size: Sequence[int], classes: Sequence[str], masks: bool) -> Detections:
    """The objects in what a detector returned, in its order.

    Args:
        output: A dict or an object with ``xyxy`` or ``boxes`` (N, 4): left, top, right, bottom in pixels; ``scores``
            (N,) from 0 to 1; ``labels`` (N,) class numbers; and, where masks are scored, ``masks`` (N, H, W).
        size: Height and width of the picture.
        classes: Names of the classes.
        masks: Masks are scored too.

    Raises:
        PredictionError: It is nothing of the kind; the message says what was got.
    """
    boxes = _part(output, BOXES)
    scores, labels = _part(output, ("scores",)), _part(output, ("labels",))
    count = len(labels)
    if count == 0:
        boxes, scores = boxes.reshape(0, 4), scores.reshape(0)
    if boxes.shape != (count, 4) or scores.shape != (count,) or labels.shape != (count,):
        raise PredictionError(
            f"Expected boxes (N, 4), scores (N,) and labels (N,), got {boxes.shape}, {scores.shape} and {labels.shape}."
        )
    if count and labels.dtype.kind not in "ui":
        raise PredictionError(f"Expected the labels to be class numbers, integers, got {labels.dtype}.")
    for what, values in (("boxes", boxes), ("scores", scores)):
        if values.dtype.kind not in "uif" or not np.isfinite(values).all():
            raise PredictionError(f"The {what} hold values that are no finite numbers.")
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
        raise PredictionError(
            f"Expected labels from 0 to {len(classes) - 1}, the places of the classes in the data (not the numbers of "
            f"COCO's categories), got {int(labels.min())} to {int(labels.max())}."
        )
    if count and not 0 <= float(scores.min()) <= float(scores.max()) <= 1:
        raise PredictionError(f"Expected scores from 0 to 1, got {scores.min():g} to {scores.max():g}.")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise PredictionError("Expected boxes as left, top, right, bottom; in some the right lies left of the left.")
    found = _masks(output, count, size) if masks else None
    return Detections(boxes, scores, labels.astype(np.int64), found)


def _masks(output: Any, count: int, size: Sequence[int]) -> NDArray[np.bool_]:
    found = _part(output, ("masks",))
    if count == 0:
        return np.zeros((0, *size), bool)
    if found.ndim == 4 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (count, *size) or found.dtype.kind not in "uib":
        raise PredictionError(
            f"Expected masks (N, H, W) of {count} objects in the picture's size {tuple(size)}, of booleans or 0 and 1, "
            f"got {found.dtype} {found.shape}."
        )
    return found.astype(bool)


def _part(output: Any, names: Sequence[str]) -> NDArray[Any]:
    for name in names:
        held = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if held is not None:
            return _array(f"`{name}`", held, "numbers")
    told = sorted(map(str, output)) if isinstance(output, Mapping) else type(output).__name__
    raise PredictionError(
        f"Expected a dict or an object with `xyxy` (or `boxes`), `scores` and `labels`, got no "
        f"{' and no '.join(f'`{name}`' for name in names)} in {told}."
    )


def _array(what: str, value: Any, expected: str) -> NDArray[Any]:
    """A value as an array; tensors in the memory of a device, and of a graph, say so themselves."""
    if value is None:
        raise PredictionError(f"Expected {expected}, got None.")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PredictionError(f"Expected {expected}; {what} is no array: {' '.join(str(error).split())}") from error
    if array.dtype == object:
        raise PredictionError(f"Expected {expected}, got {what} of {type(value).__name__}, which is no array.")
    return array
