"""Asking of a classifier, a few pictures at a time, where no data set is judged: cue conflict and ImageNet-P."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.function.driver import predict_error
from mmfan.evaluation.function.scoring.predictions import PredictionError


def ask(predict: Callable[..., Any], pictures: Sequence[NDArray[np.uint8]], size: int, told: str) -> list[Any]:
    """What a classifier returns for each picture.

    Args:
        predict: Gets one picture, (H, W, 3) RGB uint8, or a list of them with ``size`` above 1.
        pictures: At most ``size``.
        size: Pictures that ``predict`` gets at a time.
        told: What they are, for messages.

    Raises:
        PredictError: It raised an error.
        PredictionError: It returned another number of predictions.
    """
    try:
        outputs = [predict(pictures[0])] if size == 1 else list(predict(list(pictures)))
    except MMFanError:
        raise
    except Exception as error:  # the user's code, which may raise anything; the cause keeps its traceback
        raise predict_error(error, told, predict, size) from error
    if len(outputs) != len(pictures):
        raise PredictionError(f"Expected {len(pictures)} predictions of {told}, got {len(outputs)}.")
    return outputs


def class_scores(output: Any, told: str) -> NDArray[np.floating]:
    """The scores, (K,) floats, in what a classifier returned.

    Raises:
        PredictionError: It is something else, or holds NaN.
    """
    scores = np.asarray(output)
    if scores.ndim != 1 or scores.dtype.kind != "f" or np.isnan(scores).any():
        raise PredictionError(
            f"Expected logits or probabilities (K,) of floats, none NaN, of {told}, got {scores.dtype} {scores.shape}."
        )
    return scores
