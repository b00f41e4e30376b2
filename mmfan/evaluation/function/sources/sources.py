"""Data that anything can be judged on: pictures with label maps, pictures with objects in COCO's form.

Those with one class each are in :mod:`mmfan.evaluation.function.sources.classes`.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmfan.corruptions import picture_name
from mmfan.corruptions.cell import Cell
from mmfan.datasets.cityscapes_labels import LABELS, TRAIN_CLASSES
from mmfan.datasets.coco_annotations import check_classes, check_scored, narrow_boxes, read_annotations
from mmfan.datasets.corrupted.layout import clean_set
from mmfan.datasets.prepare.cityscapes_tree import IMAGE_SUFFIX, LABEL_SUFFIX, advice, unpaired
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.function.sources.items import Item, LabelReading
from mmfan.evaluation.judging.contents import Held
from mmfan.evaluation.judging.pictures import check_names
from mmfan.picture_files import content_of
from mmfan.utils.checks import list_of, whole_number
from mmfan.utils.files import PICTURE_SUFFIXES
from mmfan.utils.folders import walk
from mmfan.utils.text import counted, shortlist

Folder = str | os.PathLike[str]
Palette = Sequence[Sequence[int]]


def absent_text(absent: Sequence[str], count: int) -> str:
    """A sentence on the classes, of so many, that the truth does not hold.

    >>> absent_text(["bus"], 19), absent_text(["bus", "train"], 19)
    ('1 class of 19 never occurs in the truth: bus.', '2 classes of 19 never occur in the truth: bus, train.')
    """
    told = counted(len(absent), "class", "classes")
    verb = "occurs" if len(absent) == 1 else "occur"
    return f"{told} of {count} never {verb} in the truth: {shortlist(absent, 10)}."


class Data(ABC):
    """Pictures with their truth, in an order.

    Attributes:
        name: Of the data set, in results.
        classes: Names of the classes, in the order of their numbers.
        palette: Their colours, RGB, 0 to 255; None for colours of mmfan's choice.
        names: Of the pictures, that their seeds are derived from.
        remarks: What a reader of the scores should know.
    """

    name: str
    classes: tuple[str, ...]
    palette: Palette | None
    names: list[str]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def item(self, number: int) -> Item:
        """The picture of a number, with its truth."""

    def under(self, number: int, cell: Cell) -> Item:
        """The picture of a number under a cell: the clean one, unless the set has it corrupted already."""
        return self.item(number)

    @abstractmethod
    def held(self, number: int) -> Held:
        """What is hashed of a picture and its truth."""

    def files(self) -> list[bytes]:
        """Annotation files of the whole set, to be hashed."""
        return []


class Chosen:
    """Some pictures of the data, each looked up when it is asked for: a sequence may load them then.

    Args:
        data: The data.
        numbers: Of those chosen.
        start: Number of the first among all pictures of a run, by which what was decoded is kept.
    """

    def __init__(self, data: Data, numbers: Sequence[int], start: int = 0) -> None:
        self.data, self.numbers, self.start = data, list(numbers), start
        self.names = [data.names[number] for number in self.numbers]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> Item:
        return self.data.item(self.numbers[place])

    def under(self, place: int, cell: Cell) -> Item:
        """The picture at a place under a cell."""
        return self.data.under(self.numbers[place], cell)

    def held(self, place: int) -> Held:
        """What is hashed of the picture at a place and its truth."""
        return self.data.held(self.numbers[place])


class SegmentationData(Data):
    """Pictures with label maps: two folders, or any sequence.

    The names of the pictures, and with them the seeds of their corruptions, are relative to the folder of the pictures,
    unless that is part of a tree of Cityscapes or COCO, whose own names are taken, as by ``mmfan corrupt`` and
    by the loop of ``mmfan judge``: the same pictures are corrupted alike by all of them.

    Args:
        images: Folder of the pictures, searched with the folders below it; or a sequence of (picture, truth, name):
            pictures as paths or as (H, W, 3) uint8, RGB; truths as paths or as (H, W) integers; names as texts, all
            different. A sequence may load them when it is asked: it is gone through for the names, for the preflight,
            for the hashes, and then for every cell.
        labels: Folder of the label maps; a picture and its label map have the same path in both, but for the suffixes.
        classes: Names of the classes, in the order of their numbers.
        ignore_index: Pixels with this number do not count.
        label_map: Number in the files -> class number; numbers that it does not name stay as they are.
        reduce_zero_label: Number 0 does not count, and the others move down by one (before ``label_map``), as in
            mmsegmentation.
        root: The folder that names are relative to.
        image_suffix: How the file name of a picture ends, ``'_leftImg8bit.png'``; by default the suffix of any picture.
        label_suffix: The same of label maps.
        palette: Colours of the classes, RGB, 0 to 255.
        name: Of the data set in results; by default that of the folder of the pictures.

    Raises:
        FileNotFoundError: A folder is missing, or there is no picture.
        MMFanError: Pictures have no label map, two pictures have one name, or an argument is out of range.
    """

    def __init__(
        self,
        images: Folder | Sequence[tuple[Any, Any, str]],
        labels: Folder | None = None,
        classes: Sequence[str] = (),
        *,
        ignore_index: int = 255,
        label_map: Mapping[int, int] | None = None,
        reduce_zero_label: bool = False,
        root: Folder | None = None,
        image_suffix: str | None = None,
        label_suffix: str | None = None,
        palette: Palette | None = None,
        name: str | None = None,
    ) -> None:
        self.classes = tuple(list_of(str, "classes", classes))
        if not 1 <= len(self.classes) <= 255 or len(set(self.classes)) < len(self.classes):
            raise MMFanError(
                f"Expected 1 to 255 different names as `classes`, got {len(self.classes)}: {classes!r:.80}."
            )
        self.ignore_index = whole_number("ignore_index", ignore_index, 0)
        if self.ignore_index > 255:
            raise MMFanError(f"Expected `ignore_index` to be at most 255, got {ignore_index}.")
        self.palette, self._lock = palette, threading.Lock()
        mapping = None if label_map is None else _checked_map(label_map)
        self.reading = LabelReading(len(self.classes), self.ignore_index, mapping, bool(reduce_zero_label))
        # what mmsegmentation's samples say of their truth, so that its hash is the same by either driver
        self.told: dict[str, Any] = {
            "label_map": mapping, "reduce_zero_label": bool(reduce_zero_label), "seg_fields": [],
        }  # fmt: skip
        if isinstance(images, (str, os.PathLike)):
            if labels is None:
                raise MMFanError("Expected `labels`, the folder of the label maps, beside the folder of the pictures.")
            self.name = name or Path(images).resolve().name
            pairs, self.remarks = _pair(Path(images), Path(labels), image_suffix, label_suffix)
            name_root = clean_set(os.fspath(images)).name_root if root is None else os.fspath(root)
            self._items: Sequence[Any] = [(one, other, picture_name(one, name_root)) for one, other in pairs]
        else:
            unused = {"labels": labels, "root": root, "image_suffix": image_suffix, "label_suffix": label_suffix}
            given = [key for key, value in unused.items() if value is not None]
            if given or not hasattr(images, "__getitem__") or not hasattr(images, "__len__"):
                raise WrongTypeError(
                    "Expected `images` to be a folder, or a sequence of (picture, truth, name) without "
                    f"{', '.join(given or unused)}; got {type(images).__name__}."
                )
            self.name, self._items = name or "data", images
        self.names = [self.item(number).name for number in range(len(self._items))]
        if not self.names:
            raise FileNotFoundError("There is no picture in the data.")
        places = [f"{number} ({name})" for number, name in enumerate(self.names)]
        if isinstance(images, (str, os.PathLike)):
            places = [item[0] for item in self._items]
        check_names(places, self.names, "give the folder that holds all pictures as `root`")

    @classmethod
    def cityscapes(cls, root: Folder, split: str = "val", **more: Any) -> SegmentationData:
        """A split of Cityscapes, or of a set in its form, with train ids (``mmfan prepare cityscapes``).

        Args:
            root: The folder of ``leftImg8bit`` and ``gtFine``.
            split: Name of the split.
            **more: As :class:`SegmentationData`.

        Raises:
            FileNotFoundError: The tree is not there, with the advice how to get it.
            MMFanError: As :class:`SegmentationData`.
        """
        images, labels = (Path(root) / kind / split for kind in ("leftImg8bit", "gtFine"))
        if not images.is_dir() or not labels.is_dir():
            raise FileNotFoundError(f"{images} or {labels} is not there. {advice(root)}")
        given = {
            "classes": TRAIN_CLASSES, "palette": [LABELS[name].colour for name in TRAIN_CLASSES],
            "image_suffix": IMAGE_SUFFIX, "label_suffix": LABEL_SUFFIX, "name": "cityscapes", **more,
        }  # fmt: skip
        made = cls(images, labels, **given)
        made.told["num_classes"] = len(TRAIN_CLASSES)
        return made

    def item(self, number: int) -> Item:
        """The picture of a number, with its label map."""
        entry = self._items[number]
        if not isinstance(entry, (tuple, list)) or len(entry) != 3 or not isinstance(entry[2], str):
            raise WrongTypeError(f"Expected (picture, truth, name) at place {number} of the data, got {entry!r:.80}.")
        picture, truth, name = entry
        return Item(_path(picture), _path(truth), name)

    def held(self, number: int) -> Held:
        """The files, or the arrays, and how the label maps are read."""
        with self._lock:  # hashing asks from several threads, which the user's sequence need not be made for
            item = self.item(number)
        picture, truth = (content_of(one) if isinstance(one, str) else np.asarray(one) for one in item[:2])
        return Held(picture, self.told, truth)


class CocoData(Data):
    """Pictures with objects, annotated in COCO's form.

    Names of pictures are COCO's where their folder is that of one of its splits (``val2017/000000000139.jpg``), as by
    ``mmfan corrupt`` and by the loop of ``mmfan judge``; else relative to their folder.

    Args:
        images: Folder of the pictures, to which ``file_name`` in the annotations is relative.
        annotations: The annotation file.
        classes: Names of the categories that are judged, in the order of the file; all by default. Labels that a model
            returns are places in this list, and no numbers of categories.
        masks: Score masks as well as boxes.
        root: The folder that names are relative to.
        palette: Colours of the classes, RGB, 0 to 255.
        name: Of the data set in results.

    Raises:
        FileNotFoundError: The folder or the file is missing.
        MMFanError: The file is not in COCO's form or cannot be scored, names pictures that are not there, or two
            pictures have one name.
    """

    def __init__(
        self,
        images: Folder,
        annotations: Folder,
        classes: Sequence[str] | None = None,
        *,
        masks: bool = False,
        root: Folder | None = None,
        palette: Palette | None = None,
        name: str = "coco",
    ) -> None:
        folder, self.file = os.fspath(images), os.fspath(annotations)
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"The picture folder {os.path.abspath(folder)} does not exist.")
        if not os.path.isfile(self.file):
            raise FileNotFoundError(f"The annotation file {os.path.abspath(self.file)} does not exist.")
        self.content = read_annotations(self.file)
        check_scored(self.content, self.file, masks)
        narrow_boxes(self.content, self.file)
        told = [category["name"] for category in self.content["categories"]]
        self.classes = tuple(told if classes is None else list_of(str, "classes", classes))
        check_classes(self.content, self.classes, self.file)
        self.masks, self.palette, self.name = bool(masks), palette, name
        self.remarks = self._absent()
        self.entries: list[Mapping[str, Any]] = self.content["images"]
        if not self.entries:
            raise FileNotFoundError(f"{self.file} names no picture.")
        self.paths = [os.path.join(folder, entry["file_name"]) for entry in self.entries]
        absent = [entry["file_name"] for entry, path in zip(self.entries, self.paths, strict=True) if not _is(path)]
        if absent:
            raise MMFanError(
                f"{counted(len(absent), 'picture')} of {len(self.paths)} that {self.file} names are not in {folder}: "
                f"{shortlist(absent, 10)}."
            )
        name_root = clean_set(folder).name_root if root is None else os.fspath(root)
        self.names = [picture_name(path, name_root) for path in self.paths]
        check_names(self.paths, self.names, "give the folder that holds all pictures as `root`")

    def _absent(self) -> tuple[str, ...]:
        """Classes without any object, in words."""
        used = {entry["category_id"] for entry in self.content.get("annotations", ())}
        named = {category["name"]: category["id"] in used for category in self.content["categories"]}
        absent = [name for name in self.classes if not named[name]]
        if not absent:
            return ()
        return (absent_text(absent, len(self.classes)),)

    def item(self, number: int) -> Item:
        """The picture of a number, with its id."""
        entry = self.entries[number]
        return Item(self.paths[number], entry["id"], self.names[number], (entry["width"], entry["height"]))

    def held(self, number: int) -> Held:
        """The file of the picture; the truth is one file for all."""
        return Held(content_of(self.paths[number]), {"id": self.entries[number]["id"]})

    def files(self) -> list[bytes]:
        """The annotation file."""
        return [Path(self.file).read_bytes()]


def _is(path: str) -> bool:
    return os.path.isfile(path)


def _path(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _checked_map(label_map: Mapping[int, int]) -> dict[int, int]:
    if not isinstance(label_map, Mapping):
        raise WrongTypeError(f"Expected `label_map` to be a dict number -> class number, got {label_map!r:.80}.")
    checked = {whole_number("label_map", old, 0): whole_number("label_map", new, 0) for old, new in label_map.items()}
    if any(number > 255 for pair in checked.items() for number in pair):
        raise MMFanError("Expected the numbers in `label_map` to be at most 255.")
    return checked


def _pair(
    images: Path, labels: Path, image_suffix: str | None, label_suffix: str | None
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Pictures and label maps of one stem, sorted by the path of the picture; and what is left over, in words."""
    pictures, maps = _by_stem(images, image_suffix), _by_stem(labels, label_suffix)
    if not pictures:
        raise FileNotFoundError(f"There is no picture *{image_suffix or ''} in {images} or the folders below it.")
    without, lonely = unpaired(pictures, maps)
    if without:
        there = shortlist(sorted(Path(path).name for path in maps.values())) or "none"
        raise MMFanError(
            f"{counted(len(without), 'picture')} of {len(pictures)} in {images} have no label map in {labels}: "
            f"{shortlist([Path(pictures[stem]).name for stem in without], 10)}. There are {there}: a label map has the "
            "path of its picture but for `image_suffix` and `label_suffix`."
        )
    remarks: tuple[str, ...] = ()
    if lonely:
        names = shortlist([Path(maps[stem]).name for stem in lonely])
        remarks = (f"{counted(len(lonely), 'label map')} in {labels} have no picture, and are not used: {names}.",)
    pairs = sorted((path, maps[stem]) for stem, path in pictures.items())
    return pairs, remarks


def _by_stem(folder: Path, suffix: str | None) -> dict[str, str]:
    """Path below a folder without suffix -> file; hidden names are left out, links to folders are followed."""
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder {folder.absolute()} does not exist.")
    found: dict[str, str] = {}
    for where, names in walk(folder):
        for name in names:
            end = suffix if suffix is not None else os.path.splitext(name)[1]
            fits = name.endswith(end) if suffix is not None else end.lower() in PICTURE_SUFFIXES
            if not fits:
                continue
            path = os.path.join(where, name)
            stem = os.path.relpath(path, folder).replace(os.sep, "/")[: -len(end) or None]
            if stem in found:
                raise MMFanError(
                    f"{found[stem]} and {path} differ in their suffix alone: say which is meant by `image_suffix` or "
                    "`label_suffix`."
                )
            found[stem] = path
    return found
