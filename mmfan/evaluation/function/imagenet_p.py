"""Flip probability of anything that classifies, on the sequences of ImageNet-P as they are stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.items import Item, read_picture
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.metrics.flips import Flips
from mmfan.evaluation.metrics.perturbation_flips import NOISES, TYPES, FlipProbabilities, flips_of_sequence
from mmfan.picture_files import PictureFileError
from mmfan.picture_files.film import FILM_SUFFIXES, frames_of
from mmfan.utils.checks import whole_number
from mmfan.utils.files import PICTURE_SUFFIXES


def judge_imagenet_p(
    predict: Callable[..., Any],
    folder: str | os.PathLike[str],
    *,
    batch_size: int = 1,
    limit: int | None = None,
    distance: int = 1,
) -> FlipProbabilities:
    """Measure how often a classifier changes its answer within sequences.

    Args:
        predict: As in :func:`mmfan.judge`: gets one picture, (H, W, 3) RGB uint8, or a list of them with ``batch_size``
            above 1; returns logits or probabilities (K,) of each.
        folder: A folder for each type (``gaussian_noise``, ..., ``scale``), as many of the ten as there are; below it
            sequences, anywhere: films (``.mp4``), or folders of pictures in the order of their names.
        batch_size: Frames that ``predict`` gets at a time.
        limit: This many sequences of each type, spread evenly; None for all.
        distance: Frames between an answer and the one that it is compared with (1 to 3 in the paper), but of noise.

    Raises:
        FileNotFoundError: There is no such folder, or no sequence.
        MMFanError: A film cannot be decoded, a sequence is too short, or ``predict`` returned something else.
    """
    root, size = Path(folder), whole_number("batch_size", batch_size, 1)
    whole_number("distance", distance, 1)
    if not root.is_dir():
        raise FileNotFoundError(f"The folder {root.absolute()} does not exist.")
    found = {name: _sequences(root / name) for name in TYPES if (root / name).is_dir()}
    found = {name: sequences for name, sequences in found.items() if sequences}
    if not found:
        raise FileNotFoundError(
            f"There is no sequence in {root}: expected folders of types ({', '.join(TYPES)}) with films or folders of "
            "pictures below them."
        )
    most = None if limit is None else whole_number("limit", limit, 1)
    by_type, count = {}, {}
    for name, sequences in found.items():
        total, chosen = Flips(0, 0), [sequences[at] for at in spread(len(sequences), most)]
        for sequence in chosen:
            flips = flips_of_sequence(_answers(predict, sequence, size), name in NOISES, distance)
            if not flips.compared:
                raise MMFanError(f"The sequence {sequence} has too few frames to compare any.")
            total = total.plus(flips)
        by_type[name], count[name] = total, len(chosen)
    return FlipProbabilities(by_type, count, distance)


def _sequences(folder: Path) -> list[Path]:
    """Films below a folder, and folders that hold pictures."""
    found = {path for path in folder.rglob("*") if path.suffix.lower() in FILM_SUFFIXES and path.name[0] != "."}
    pictures = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.name[0] != ".")
    return sorted(found | {path.parent for path in pictures if path.parent != folder})


def _frames(sequence: Path) -> Iterator[NDArray[np.uint8]]:
    if sequence.is_dir():
        for path in sorted(path for path in sequence.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES):
            yield read_picture(Item(str(path), None, path.name))
        return
    try:
        yield from frames_of(sequence)
    except PictureFileError as error:
        raise MMFanError(f"{error}.") from error


def _answers(predict: Callable[..., Any], sequence: Path, size: int) -> list[int]:
    answers: list[int] = []
    batch: list[NDArray[np.uint8]] = []

    def ask() -> None:
        outputs = [predict(batch[0])] if size == 1 else list(predict(list(batch)))
        if len(outputs) != len(batch):
            raise MMFanError(f"Expected {len(batch)} predictions for frames of {sequence}, got {len(outputs)}.")
        for output in outputs:
            scores = np.asarray(output)
            if scores.ndim != 1 or scores.dtype.kind != "f" or np.isnan(scores).any():
                raise MMFanError(
                    f"Expected logits or probabilities (K,) of floats, none NaN, got {scores.dtype} {scores.shape}."
                )
            answers.append(int(scores.argmax()))
        batch.clear()

    for frame in _frames(sequence):
        batch.append(frame)
        if len(batch) == size:
            ask()
    if batch:
        ask()
    return answers
