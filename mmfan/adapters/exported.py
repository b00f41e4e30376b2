"""Exported networks (ONNX and its like) as segmentors: their input and output, read from the file, in plain NumPy."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer
from mmfan.adapters.classes import ClassFit, Names
from mmfan.adapters.exported_facts import check_preprocessing, classes_told
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data

LAYOUTS = ("NCHW", "NHWC")
Size = Sequence[int]


class Port(NamedTuple):
    """The input of a network: its name, its shape (None for sides that are free) and the type of its values."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


class ExportedSegmentor:
    """A segmentor that maps an array to scores or class numbers, as ``predict`` of ``judge``.

    Args:
        port: Its input.
        run: Maps the input array to the output array.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the network expects of a picture. A size that the network fixes need not be given. Of a
            network that takes bytes, pixels are given as they are.
        classes: Names of the network's classes, where they are others than the data's, or in another order, and
            ``facts`` do not say so.
        rename: See :class:`ClassFit`.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.
        facts: What the network says of itself, as ``mmfan export`` wrote it; empty where it says nothing.

    Raises:
        MMFanError: The classes, the input or the preprocessing do not fit; called, so does the output.
    """

    def __init__(
        self,
        port: Port,
        run: Callable[[NDArray[Any]], Any],
        data: Data | Sequence[str],
        preprocessing: Preprocessing | None,
        classes: Names | None,
        rename: Mapping[str, str] | None,
        layout: str | None,
        facts: Mapping[str, str],
    ) -> None:
        self.fit = ClassFit(data, classes_told(facts, data) if classes is None else classes, rename)
        self.port, self.run = port, run
        self.layout = layout_of(port, layout)
        self.preprocessing = fitting(preprocessing or Preprocessing(), port, self.layout)
        check_preprocessing(facts, self.preprocessing)

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The label map, (H, W) integers, of a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._label_maps)

    def _label_maps(self, pictures: list[Picture]) -> list[NDArray[np.integer]]:
        count = self.port.shape[0] or len(pictures)
        found: list[NDArray[np.integer]] = []
        for start in range(0, len(pictures), count):
            part = pictures[start : start + count]
            arrays = [input_array(self.preprocessing, self.port, self.layout, rgb) for rgb in part]
            batch = np.stack(arrays + arrays[-1:] * (count - len(part)))  # a fixed batch is filled up
            size = tuple(batch.shape[self.layout.index(side)] for side in "HW")
            outputs = self._outputs(np.asarray(self.run(batch)), len(batch), size)
            found += [self._label_map(one, rgb) for one, rgb in zip(outputs, part, strict=False)]
        return found

    def _outputs(self, output: NDArray[Any], count: int, size: Size) -> NDArray[Any]:
        """Scores (N, C, h, w), floats, or class numbers (N, h, w), integers, of an input of some size."""
        if output.ndim == 4 and output.dtype.kind in "ui" and 1 in (output.shape[1], output.shape[3]):
            output = output[:, 0] if output.shape[1] == 1 else output[..., 0]
        scores = output.ndim == 4 and output.dtype.kind == "f"
        if len(output) != count or not (scores or (output.ndim == 3 and output.dtype.kind in "ui")):
            raise MMFanError(
                f"Expected the network to return scores ({count}, C, h, w), floats, or class numbers ({count}, h, w), "
                f"integers, got {output.dtype} {output.shape}."
            )
        if scores:
            if _channels_are_last(output.shape, self.fit.count, size):
                output = output.transpose(0, 3, 1, 2)
            self.fit.check_channels(output.shape[1])
        return output

    def _label_map(self, output: NDArray[Any], rgb: Picture) -> NDArray[np.integer]:
        size = rgb.shape[:2]
        resized = self.preprocessing.size or size
        below, right = self.preprocessing.padding(resized)
        way = (resized[0] + below, resized[1] + right), tuple(resized), size
        return self.fit.labels(_nearest(output, *way) if output.ndim == 2 else _surest(output, *way))


def input_array(preprocessing: Preprocessing, port: Port, layout: str, rgb: Picture) -> NDArray[Any]:
    """What a network gets of a picture, (H, W, 3) uint8, without the axis of the batch."""
    array: NDArray[Any] = preprocessing.array(rgb)
    if port.dtype == np.uint8:
        array = array.round()
    return np.ascontiguousarray(array if layout == "NHWC" else array.transpose(2, 0, 1), port.dtype)


def check_file(path: str | os.PathLike[str]) -> None:
    """See that the file of a network is there.

    Raises:
        FileNotFoundError: It is not.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"The network {os.path.abspath(path)} does not exist.")


def choose_output(names: Sequence[str], wanted: str | None) -> str:
    """The output that is asked for, or the only one.

    Raises:
        MMFanError: There is none of this name, or several without one.
    """
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None or wanted not in names:
        asked = "several outputs" if wanted is None else f"no output {wanted!r}"
        raise MMFanError(
            f"The network has {asked}: give one of {', '.join(map(repr, names))} as `output` in Python; a command "
            "needs a network that is exported with the one output."
        )
    return wanted


def the_input(inputs: Sequence[Any]) -> Any:
    """The only input.

    Raises:
        MMFanError: There are several.
    """
    if len(inputs) != 1:
        raise MMFanError(f"Expected a network of one input, the pictures, got {len(inputs)}.")
    return inputs[0]


def layout_of(port: Port, layout: str | None) -> str:
    """Where the channels are."""
    if len(port.shape) != 4:
        raise MMFanError(f"Expected the network to take pictures (N, C, H, W) or (N, H, W, C), got {_told(port)}.")
    possible = [one for one in LAYOUTS if port.shape[one.index("C")] in (3, None)]
    if layout is None and len(possible) > 1:
        sure = [one for one in possible if port.shape[one.index("C")] == 3]
        possible = sure if len(sure) == 1 else possible
    if layout is not None:
        if layout not in LAYOUTS:
            raise MMFanError(f"Expected `layout` to be {' or '.join(LAYOUTS)}, got {layout!r}.")
        possible = [one for one in possible if one == layout]
    if not possible:
        raise MMFanError(f"Expected the network to take pictures of 3 channels, got {_told(port)}.")
    if len(possible) > 1:
        raise MMFanError(
            f"The input {_told(port)} does not say where the channels are: give `layout`, NCHW or NHWC, in Python; a "
            "command needs a network that is exported with its 3 channels fixed."
        )
    return possible[0]


def fitting(given: Preprocessing, port: Port, layout: str) -> Preprocessing:
    """The preprocessing with the size that the network fixes."""
    height, width = (port.shape[layout.index(side)] for side in "HW")
    if port.dtype == np.uint8:
        if given.mean is not None or given.std is not None:
            raise MMFanError("The network takes bytes, and normalises them itself: leave `mean` and `std` out.")
        given = dataclasses.replace(given, white=255)
    elif port.dtype.kind != "f":
        raise MMFanError(f"Expected the network to take floats or bytes (uint8), got {_told(port)}.")
    if height is None and width is None:
        return given
    fixed = None if height is None or width is None else (height, width)
    size = given.size or fixed
    if size is None or any(own not in (None, side) for own, side in zip((height, width), size, strict=True)):
        raise MMFanError(f"The network takes {_told(port)}: give a `size` that fits it, got {given.size}.")
    if any(side % given.divisor for side in size):
        raise MMFanError(f"The size of the network's input, {size[0]} x {size[1]}, is no multiple of {given.divisor}.")
    return dataclasses.replace(given, size=size)


def _told(port: Port) -> str:
    sides = ", ".join("?" if side is None else str(side) for side in port.shape)
    return f"{port.name!r}, {port.dtype} ({sides})"


def _channels_are_last(shape: Size, count: int, size: Size) -> bool:
    """Whether scores are (N, h, w, C): the axis of as many places as there are classes is the last one.

    By chance the other axis may be as long, or it may be the width of a map of too many channels. So the map that has
    the proportions of the input is taken, but for what is lost where its sides are divided.
    """
    if shape[3] != count:
        return False
    off_first, off_last = (
        abs(height * size[1] - width * size[0]) for height, width in ((shape[2], shape[3]), (shape[1], shape[2]))
    )
    if shape[1] == count:
        return off_last < min(off_first, sum(size))
    return not off_first < min(off_last, sum(size))


def _surest(scores: NDArray[Any], padded: Size, resized: Size, size: Size) -> NDArray[np.integer]:
    """The highest of scores (C, h, w), blended to the picture's size by way of the input's, whose padding goes."""
    best = np.full(tuple(size), -np.inf, np.float32)
    labels = np.zeros(tuple(size), np.uint8 if len(scores) <= 256 else np.int32)
    for number, plane in enumerate(scores):
        values = np.asarray(plane, np.float32)
        if tuple(padded) != tuple(resized):
            values = _blended(values, padded)[: resized[0], : resized[1]]
        values = _blended(values, size)
        labels[values > best] = number
        np.maximum(best, values, out=best)  # NaN stays
    if not np.isfinite(best).all():
        raise MMFanError("The network returned scores that are not finite (NaN or infinite).")
    return labels


def _blended(plane: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    if plane.shape == tuple(size):
        return plane
    return np.asarray(cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))


def _nearest(labels: NDArray[Any], padded: Size, resized: Size, size: Size) -> NDArray[np.integer]:
    """Class numbers (h, w) in the picture's size, by way of the input's, whose padding goes."""
    for axis in (0, 1):
        # the middle of each row of the picture, as a share of the rows that the picture covers
        middles = (np.arange(size[axis]) + 0.5) / size[axis] * resized[axis] / padded[axis]
        labels = labels.take((middles * labels.shape[axis]).astype(np.intp), axis)
    return labels
