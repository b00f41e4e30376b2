"""Flip probability of anything that classifies, on the sequences of ImageNet-P as they are stored."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.function.asking import ask, class_scores
from mmfan.evaluation.function.probe import OtherModelError, alike
from mmfan.evaluation.function.scoring.classes import DIGITS, SIGNED, ClassScores
from mmfan.evaluation.function.sources.items import Item, read_picture
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.metrics.flips import Flips
from mmfan.evaluation.metrics.perturbation_flips import NOISES, TYPES, FlipProbabilities, flips_of_sequence
from mmfan.evaluation.results.line_store import LineStore
from mmfan.picture_files import PictureFileError
from mmfan.picture_files.film import FILM_SUFFIXES, frames_of
from mmfan.utils.checks import whole_number
from mmfan.utils.files import PICTURE_SUFFIXES
from mmfan.utils.text import counted

LOGGER = logging.getLogger("mmfan.judge")
TOLERANCE = ClassScores.tolerance


def judge_imagenet_p(
    predict: Callable[..., Any],
    folder: str | os.PathLike[str],
    *,
    batch_size: int = 1,
    limit: int | None = None,
    distance: int = 1,
    kept: str | os.PathLike[str] | None = None,
    version: str | None = None,
) -> FlipProbabilities:
    """Measure how often a classifier changes its answer within sequences.

    The logger ``mmfan.judge`` has a line for each type.

    Args:
        predict: As in :func:`mmfan.judge`: gets one picture, (H, W, 3) RGB uint8, or a list of them with ``batch_size``
            above 1; returns logits or probabilities (K,) of each.
        folder: A folder for each type (``gaussian_noise``, ..., ``scale``), as many of the ten as there are; below it
            sequences, anywhere: films (``.mp4``), or folders of pictures in the order of their names.
        batch_size: Frames that ``predict`` gets at a time.
        limit: This many sequences of each type, spread evenly; None for all.
        distance: Frames between an answer and the one that it is compared with (1 to 3 in the paper), but of noise.
        kept: File that each finished sequence is a line of: killed and called again, it goes on with the next one.
        version: What tells this model from others in ``kept`` (a checkpoint's hash). Without it the model is known
            again by what it says of the first frame.

    Raises:
        FileNotFoundError: There is no such folder, or no sequence.
        MMFanError: A film cannot be decoded, a sequence is too short, ``predict`` failed or returned something else,
            or ``kept`` is of another model (``OtherModelError``).
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
    chosen = {name: [sequences[at] for at in spread(len(sequences), most)] for name, sequences in found.items()}
    first = next(iter(chosen.values()))[0]
    done = _Kept(
        None if kept is None else Path(kept), version, distance, lambda: next(_scores(predict, first, size))
    )  # fmt: skip
    by_type = {}
    for name, sequences in chosen.items():
        total = Flips(0, 0)
        for sequence in sequences:
            place = sequence.relative_to(root).as_posix()
            flips = done.done.get(place)
            if flips is None:
                answers = [int(scores.argmax()) for scores in _scores(predict, sequence, size)]
                flips = flips_of_sequence(answers, name in NOISES, distance)
                if not flips.compared:
                    raise MMFanError(f"The sequence {sequence} has too few frames to compare any.")
                done.add(place, flips)
            total = total.plus(flips)
        by_type[name] = total
        LOGGER.info(f"{name}: {counted(len(sequences), 'sequence')}, {100 * total.share:.2f} % flips")
    return FlipProbabilities(by_type, {name: len(sequences) for name, sequences in chosen.items()}, distance)


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


def _scores(predict: Callable[..., Any], sequence: Path, size: int) -> Iterator[NDArray[np.floating]]:
    """The scores of each frame, in order."""
    batch: list[NDArray[np.uint8]] = []

    def asked() -> Iterator[NDArray[np.floating]]:
        told = f"frames of {sequence}"
        yield from (class_scores(output, told) for output in ask(predict, batch, size, told))
        batch.clear()

    for frame in _frames(sequence):
        batch.append(frame)
        if len(batch) == size:
            yield from asked()
    if batch:
        yield from asked()


class _Kept:
    """The sequences that are done, in a file, so that what was killed goes on.

    Args:
        path: The file; None keeps nothing.
        version: What tells the model from others; with None it is known again by what it says of the first frame.
        distance: As of :func:`judge_imagenet_p`.
        first: Gives the scores of the first frame of all; asked only where it is needed.

    Raises:
        OtherModelError: The file is of another model.
    """

    def __init__(
        self, path: Path | None, version: str | None, distance: int, first: Callable[[], NDArray[np.floating]]
    ) -> None:
        self.done: dict[str, Flips] = {}
        self._store = None if path is None else LineStore(path, f"{version}, distance {distance}", "sequence")
        if self._store is None:
            return
        self._signature = [] if version is not None else _signature(first())
        for name, signature, flips in self._store.read(_parsed):
            if not alike(signature, self._signature, TOLERANCE):
                raise OtherModelError(
                    f"{path} has sequences of another model, by what it said of the first frame: name another file, "
                    "or remove that one."
                )
            self.done[name] = flips

    def add(self, name: str, flips: Flips) -> None:
        """Keep a sequence."""
        if self._store is not None:
            self._store.append(sequence=name, changed=flips.changed, compared=flips.compared, signature=self._signature)


def _parsed(entry: Mapping[str, Any]) -> tuple[str, list[float], Flips]:
    flips = Flips(int(entry["changed"]), int(entry["compared"]))
    return str(entry["sequence"]), [float(one) for one in entry["signature"]], flips


def _signature(scores: NDArray[np.floating]) -> list[float]:
    shown = scores[spread(len(scores), SIGNED)]
    return [round(float(score), DIGITS) if np.isfinite(score) else 0.0 for score in shown]
