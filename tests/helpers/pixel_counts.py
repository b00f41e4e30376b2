"""Counts of one picture's pixels by class, in NumPy: the reference of the metric that counts in torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def counts_of_picture(
    prediction: NDArray[Any], truth: NDArray[Any], num_classes: int, ignore_index: int | None = 255
) -> NDArray[np.int64]:
    """Count the pixels of each class in one picture.

    Args:
        prediction: (H, W) integers: class numbers, or ``ignore_index`` where the model says nothing; such a pixel is
            missed by its true class and claimed by none.
        truth: (H, W) integers: class numbers, or ``ignore_index`` where nothing is to be said; they do not count.
        num_classes: Number of classes, numbered from 0.
        ignore_index: See above; None if there is none.

    Returns:
        (num_classes, 3) int64.

    Raises:
        ValueError: The shapes differ, the numbers are no integers, or one is that of no class.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    if prediction.shape != truth.shape:
        raise ValueError(f"Prediction and truth differ in shape: {prediction.shape} and {truth.shape}.")
    for what, labels in (("prediction", prediction), ("truth", truth)):
        if labels.dtype.kind not in "ui":
            raise ValueError(f"Expected whole class numbers in the {what}, got {labels.dtype}.")
    if ignore_index is not None:
        counted = truth != ignore_index
        prediction, truth = prediction[counted], truth[counted]
    truth, prediction = truth.ravel().astype(np.int64), prediction.ravel().astype(np.int64)
    # one more column for pixels of which the model says nothing
    silent = np.zeros(prediction.shape, bool) if ignore_index is None else prediction == ignore_index
    prediction[silent] = num_classes
    for what, labels in (("prediction", prediction[~silent]), ("truth", truth)):
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"Expected class numbers from 0 to {num_classes - 1} in the {what} (or {ignore_index}, ignored), got "
                f"{labels.min()} to {labels.max()}."
            )
    columns = num_classes + 1
    matrix = np.bincount(truth * columns + prediction, minlength=num_classes * columns)
    return _counts_of_matrix(matrix.reshape(num_classes, columns))


def _counts_of_matrix(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """From entries [true class, predicted class (or none, the last)] to counts (classes, 3)."""
    hits = np.diagonal(matrix)
    found = matrix[:, : len(matrix)]
    return np.stack((hits, found.sum(0) - hits, matrix.sum(1) - hits), axis=1).astype(np.int64)
