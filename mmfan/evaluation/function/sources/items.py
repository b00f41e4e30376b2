"""Items that are judged: a picture with its truth, and the reading of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan import picture_files
from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.classes.picture_form import PictureForm
from mmfan.datasets.label_files import as_bytes, ids_outside, map_ids, read_label_image, reduce_zero
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.conditions.change import Labelled, apply_change, change_of
from mmfan.evaluation.judging.kept import Kept
from mmfan.utils.text import shortlist


class Item(NamedTuple):
    """One picture with its truth.

    Attributes:
        picture: Its file, or the picture itself: (H, W, 3) RGB or (H, W) grey, uint8.
        truth: Of label maps the file, or the map itself, (H, W) integers; of objects the picture's id; of classes the
            number.
        name: What its seeds are derived from: its path relative to the set, with ``/``.
        size: Width and height that annotations state; None where they state none.
        corrupted: The picture is one of a stored set, corrupted already: it is taken as it is.
    """

    picture: str | NDArray[np.uint8]
    truth: Any
    name: str
    size: tuple[int, int] | None = None
    corrupted: bool = False


@dataclass(frozen=True)
class LabelReading:
    """How label maps are read, in this order: id 0 left out, ids renumbered, the rest checked.

    Attributes:
        num_classes: Number of classes.
        ignore_index: Number of pixels that do not count.
        label_map: Id of the file -> class number; ids that it does not name stay as they are.
        reduce_zero_label: Id 0 does not count, and the others move down by one.
    """

    num_classes: int
    ignore_index: int = 255
    label_map: Mapping[int, int] | None = None
    reduce_zero_label: bool = False

    def read(self, truth: str | NDArray[Any], name: str) -> NDArray[np.uint8]:
        """A label map as (H, W) uint8: class numbers, and ``ignore_index``.

        Raises:
            FileNotFoundError: There is no such file.
            MMFanError: It cannot be read, or holds other numbers.
        """
        where = truth if isinstance(truth, str) else f"of {name}"
        label = read_label_image(truth) if isinstance(truth, str) else _array_of_labels(truth, name)
        label = as_bytes(label, where, self.num_classes, self.ignore_index)
        if self.reduce_zero_label:
            label = reduce_zero(label, self.ignore_index)
        if self.label_map:
            label = map_ids(label, self.label_map)
        outside = ids_outside(label, self.num_classes, self.ignore_index)
        if outside:
            raise MMFanError(
                f"The label map {where} holds ids outside 0..{self.num_classes - 1} and {self.ignore_index} (ignored): "
                f"{shortlist([str(number) for number in outside], 10)}. Ids are places in `classes`: name those that "
                "lack, or give `label_map`, id in the files -> class. In Cityscapes *_labelTrainIds.png hold them, not "
                "*_labelIds.png."
            )
        return label


def _array_of_labels(truth: Any, name: str) -> NDArray[Any]:
    label = np.asarray(truth)
    if label.ndim != 2 or label.dtype.kind not in "uib":
        raise WrongTypeError(
            f"Expected the truth of {name} to be a label map, (H, W) integers, got {label.dtype} {label.shape}."
        )
    return label.astype(np.uint8) if label.dtype.kind == "b" else label


class Unit(NamedTuple):
    """One picture under one cell: what a worker makes ready.

    Attributes:
        number: Of the cell.
        place: Of the picture among those judged.
        cell: What is done to it.
        item: The picture.
        others: Places and pictures that one whose textures are swapped may take them from.
    """

    number: int
    place: int
    cell: Cell
    item: Item
    others: tuple[tuple[int, Item], ...] = ()


class Ready(NamedTuple):
    """A picture that is ready for the model.

    Attributes:
        picture: (H, W, 3) RGB, uint8, contiguous.
        truth: (H, W) uint8, not to be written on; None where it is not read from a label map.
        load: Seconds that reading and decoding took.
        corrupt: Seconds that corrupting took.
        other: Seconds that reading the truth took.
        textures: (H, W) uint8: the class whose texture a pixel was given, 255 where it has its own; None where none
            were swapped.
    """

    picture: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None
    load: float
    corrupt: float
    other: float
    textures: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Preparation:
    """Makes pictures ready.

    Attributes:
        seed: Base seed of the corruptions.
        labels: How label maps are read; None where the truth is something else.
        kept: Keeps what was decoded, two numbers for each place; None keeps nothing.
        form: What is done to pictures before they are corrupted and afterwards; None does nothing.
    """

    seed: int
    labels: LabelReading | None
    kept: Kept | None = None
    form: PictureForm | None = None

    def make(self, unit: Unit) -> Ready:
        """Read a picture and its truth, and corrupt it with the bytes that a corrupted set on disk has.

        Raises:
            FileNotFoundError: A file is not there.
            MMFanError: A file cannot be used, or the picture cannot be corrupted.
        """
        item, start = unit.item, time.perf_counter()
        if item.corrupted:
            return Ready(read_picture(item), None, time.perf_counter() - start, 0.0, 0.0)
        clean = self._picture(unit.place, item)
        loaded = time.perf_counter()
        if change_of(unit.cell, None) is not None:
            return self._changed(unit, clean, start, loaded)
        picture, cell = clean, unit.cell.pictures
        if cell != CLEAN:
            picture = corrupt(clean, *cell, picture_seed(self.seed, item.name, *cell))
            picture = picture if self.form is None else self.form.corrupted(picture)
        if self.kept is not None and np.may_share_memory(picture, clean):
            picture = picture.copy()  # what is judged may write on its picture
        corrupted = time.perf_counter()
        truth = None if self.labels is None else self._truth(self.labels, unit.place, item, picture)
        return Ready(picture, truth, loaded - start, corrupted - loaded, time.perf_counter() - corrupted)

    def _changed(self, unit: Unit, clean: NDArray[np.uint8], start: float, loaded: float) -> Ready:
        """A picture changed by its truth."""
        change = change_of(unit.cell, None if self.labels is None else self.labels.ignore_index)
        if change is None or self.labels is None:
            raise MMFanError(f"{unit.cell} needs label maps.")
        labels, item = self.labels, unit.item
        truth = self._truth(labels, unit.place, item, clean)
        read = time.perf_counter()

        def others() -> Iterator[Labelled]:
            for place, other in unit.others:
                picture = self._picture(place, other)
                yield Labelled(picture, self._truth(labels, place, other, picture))

        found = apply_change(change, Labelled(clean, truth), change.seed_of(self.seed, item.name), others())
        seconds = loaded - start, time.perf_counter() - read, read - loaded
        return Ready(np.ascontiguousarray(found.picture), truth, *seconds, found.textures)

    def _picture(self, place: int, item: Item) -> NDArray[np.uint8]:
        return self._decoded(2 * place, item.name, lambda: self._clean(item))

    def _truth(self, labels: LabelReading, place: int, item: Item, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The label map of a picture, which has its size.

        Raises:
            MMFanError: It has not.
        """
        truth = self._decoded(2 * place + 1, item.name, lambda: labels.read(item.truth, item.name))
        if truth.shape != picture.shape[:2]:
            raise MMFanError(
                f"The label map of {item.name} is {truth.shape[1]}x{truth.shape[0]} (width x height), its picture "
                f"{picture.shape[1]}x{picture.shape[0]}. Both must have the same size."
            )
        return truth

    def _clean(self, item: Item) -> NDArray[np.uint8]:
        picture = read_picture(item)
        return picture if self.form is None else self.form.clean(picture, item.name)

    def _decoded(self, number: int, name: str, decode: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        found = None if self.kept is None else self.kept.get(number, name)
        if found is not None:
            return found
        decoded = decode()
        if self.kept is not None:
            self.kept.put(number, decoded, name)
        return decoded

    def item_kept(self, place: int, name: str) -> Item | None:
        """The item of a place whose picture and label map are both kept: nobody has to load them; None for others."""
        if self.kept is None or self.labels is None:
            return None
        there = all(self.kept.find(number, name) is not None for number in (2 * place, 2 * place + 1))
        return Item("", "", name) if there else None


def read_picture(item: Item) -> NDArray[np.uint8]:
    """The clean picture, (H, W, 3) RGB, uint8; grey is three equal channels.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It cannot be read, or is no such array.
    """
    if isinstance(item.picture, str):
        return np.ascontiguousarray(picture_files.read(item.picture)[..., ::-1])
    array = item.picture
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim not in (2, 3):
        told = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise WrongTypeError(
            f"Expected the picture {item.name} as a path, or as RGB of uint8, (H, W, 3) or (H, W), got {told}."
        )
    if array.ndim == 2:
        return np.repeat(array[..., None], 3, axis=2)
    if array.shape[2] != 3:
        raise MMFanError(f"Expected the picture {item.name} to be RGB, (H, W, 3), got the shape {array.shape}.")
    return np.array(array, order="C")  # a copy: what is judged may write on its picture
