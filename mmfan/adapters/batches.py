"""Batches of pictures: what ``judge`` hands over, in stacks of one size, and answers in the order of the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def answer(given: Picture | Sequence[Picture], predict: Callable[[list[Picture]], list[Any]]) -> Any:
    """What a list-taking function says of one picture, or of each of a list.

    Args:
        given: One picture, (H, W, 3) uint8, or a list of them.
        predict: Gets a list of pictures of one size.

    Returns:
        Of one picture what is said of it, of a list a list.
    """
    if isinstance(given, np.ndarray) and given.ndim == 3:
        return predict([given])[0]
    pictures = list(given)
    return answer_by_size(pictures, lambda places: predict([pictures[at] for at in places]))


def answer_by_size(pictures: Sequence[Picture], predict: Callable[[list[int]], list[Any]]) -> list[Any]:
    """What is said of each picture, in their order, by what gets the places of those of one size."""
    found: list[Any] = [None] * len(pictures)
    for size in dict.fromkeys(picture.shape for picture in pictures):
        places = [at for at, picture in enumerate(pictures) if picture.shape == size]
        for at, one in zip(places, predict(places), strict=True):
            found[at] = one
    return found
