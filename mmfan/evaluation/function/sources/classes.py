"""Pictures with one class each: folders of ImageNet's form and its kin, CIFAR's arrays, any sequence."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import EXTRA, IMAGENET_C, picture_name
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.classes.folders import in_order, need_folder, pictures_of_classes
from mmfan.datasets.classes.picture_form import PictureForm
from mmfan.datasets.corrupted.layout import clean_set
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.function.sources.class_names import Names, columns_of, read_names
from mmfan.evaluation.function.sources.items import Item
from mmfan.evaluation.function.sources.sources import Data, Folder
from mmfan.evaluation.judging.contents import Held
from mmfan.evaluation.judging.pictures import check_names
from mmfan.picture_files import content_of
from mmfan.utils.text import counted, did_you_mean, shortlist

# The name of a type here -> that of its folder in ImageNet-C: the type whose numbers differ has a name of its own.
STORED_NAMES = {name: name.removesuffix("_imagenet_c") for name in IMAGENET_C}
Stored = Callable[[int, Cell], "str | NDArray[np.uint8]"]


class ClassificationData(Data):
    """Pictures with one class each: a folder of class folders, a folder with a list, or any sequence.

    Where the set has fewer classes than the model, as ImageNet-A and ImageNet-R have, ``outputs`` names the model's:
    what it says is then cut to the classes of the set *before* the highest is taken. Which those are the names of the
    folders say; no table is needed.

    Args:
        images: Folder with a folder of pictures for each class; or, with ``labels``, of the pictures themselves; or a
            sequence of (picture, class, name): pictures as paths or as (H, W, 3) uint8, RGB; classes as names or as
            numbers; names as texts, all different.
        classes: Names of the classes, in the order of their numbers: a list, or a file or folder
            (:func:`read_names`). By default those of the folders, sorted, numbers as numbers (ImageNet-V2).
        labels: A CSV file of the pictures' classes: file name, then the name or the number of the class; a first line
            whose file does not exist is a head. A blank may stand for the comma (OpenMMLab's ``meta/val.txt``).
        outputs: Names of the model's classes, in the order of its columns, or a file; None where they are ``classes``.
            Or how many, where ``classes`` are their numbers.
        stored: Folder with the corrupted pictures, as ``TYPE/SEVERITY/`` and the path of the clean picture below
            ``images`` (ImageNet-C), perhaps in folders of groups; they are read as they are. None corrupts while
            judging.
        form: What is done to the clean pictures before, and to the corrupted ones after; see :class:`PictureForm`.
        root: The folder that names are relative to; by default ``images``.
        name: Of the data set in results; by default that of the folder.

    Raises:
        FileNotFoundError: A folder or a file is missing, or there is no picture.
        MMFanError: A picture has a class that is not among the classes, a class is none of the model's, two pictures
            have one name, or an argument is out of range.
    """

    palette = None

    def __init__(
        self,
        images: Folder | Sequence[tuple[Any, Any, str]],
        classes: Names | None = None,
        *,
        labels: Folder | None = None,
        outputs: Names | int | None = None,
        stored: Folder | None = None,
        form: PictureForm | None = None,
        root: Folder | None = None,
        name: str | None = None,
    ) -> None:
        wanted = None if classes is None else read_names("classes", classes)
        self.form, self._lock = form or PictureForm(), threading.Lock()
        if isinstance(images, (str, os.PathLike)):
            folder = Path(images)
            pairs = pictures_of_classes(folder) if labels is None else _of_list(folder, Path(labels))
            name_root = clean_set(os.fspath(images)).name_root if root is None else os.fspath(root)
            self._items: Sequence[Any] = [(path, kind, picture_name(path, name_root)) for path, kind in pairs]
            self.name = name or folder.resolve().name
        else:
            self._items, self.name = (
                _sequence(images, {"labels": labels, "root": root, "stored": stored}),
                name or "data",
            )
        self.classes = wanted if wanted is not None else _named_in(self._items)
        self._number = {one: at for at, one in enumerate(self.classes)}
        self.outputs = outputs if outputs is None or isinstance(outputs, int) else read_names("outputs", outputs)
        self.columns = columns_of(self.classes, self.outputs)
        self.stored: Stored | None = None
        if stored is not None:
            self.stored = _tree(Path(stored), Path(os.fspath(images)), self._items)  # type: ignore[arg-type]
        self.names = [self.item(number).name for number in range(len(self._items))]
        if not self.names:
            raise FileNotFoundError("There is no picture in the data.")
        places = [f"{number} ({one})" for number, one in enumerate(self.names)]
        if isinstance(images, (str, os.PathLike)):
            places = [item[0] for item in self._items]
        check_names(places, self.names, "give the folder that holds all pictures as `root`")

    @classmethod
    def imagenet_c(
        cls, clean: Folder, stored: Folder | None = None, *, name: str = "imagenet", **more: Any
    ) -> ClassificationData:
        """ImageNet's validation pictures, with ImageNet-C as it is stored or made while judging.

        As stored, corrupted pictures are read as they are, 224 x 224: this is what papers report. Made while judging,
        they are resized to 256, cropped to 224, corrupted, and coded as JPEG of quality 85, with other random draws,
        another motion blur and another snow: another protocol, whose numbers stand beside no published one. The clean
        pictures are resized and cropped in either case.

        Args:
            clean: Folder of the validation pictures, with a folder for each class.
            stored: Folder of ImageNet-C, all types below it.
            name: Of the data set in results. Of ImageNet itself it is ``imagenet``, by which published rows are found.
            **more: As :class:`ClassificationData`.

        Raises:
            FileNotFoundError, MMFanError: As :class:`ClassificationData`.
        """
        quality = 85 if stored is None else None
        given = {"form": PictureForm(resize=256, crop=224, quality=quality), **more}
        return cls(clean, stored=stored, name=name, **given)

    @classmethod
    def cifar_c(
        cls, stored: Folder, clean: Folder | NDArray[np.uint8], classes: Names, *, name: str = "cifar10", **more: Any
    ) -> ClassificationData:
        """CIFAR-10-C or CIFAR-100-C as it is stored: ``TYPE.npy`` (5 N, 32, 32, 3), severity after severity.

        Args:
            stored: Folder of the types, with ``labels.npy``.
            clean: The N clean pictures, (N, 32, 32, 3) RGB uint8, in the order of the labels: an array, or a ``.npy``
                file.
            classes: Names of the classes, in the order of their numbers.
            name: Of the data set in results.
            **more: As :class:`ClassificationData`.

        Raises:
            FileNotFoundError: A file is missing.
            MMFanError: An array has another shape.
        """
        folder = Path(stored)
        pictures = clean if isinstance(clean, np.ndarray) else _array(Path(clean))
        if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
            raise MMFanError(f"Expected `clean` as (N, H, W, 3) uint8, got {pictures.dtype} {pictures.shape}.")
        labels = _array(folder / "labels.npy")
        if labels.ndim != 1 or len(labels) < len(pictures) or labels.dtype.kind not in "ui":
            raise MMFanError(
                f"Expected {folder / 'labels.npy'} to hold the numbers of {len(pictures)} pictures, got {labels.dtype} "
                f"{labels.shape}."
            )
        items = [(pictures[at], int(labels[at]), f"{at:05d}") for at in range(len(pictures))]
        made = cls(items, classes, name=name, **more)
        made.stored = _arrays(folder, pictures.shape)
        return made

    def item(self, number: int) -> Item:
        """The picture of a number, with the number of its class."""
        entry = self._items[number]
        if not isinstance(entry, (tuple, list)) or len(entry) != 3 or not isinstance(entry[2], str):
            raise WrongTypeError(f"Expected (picture, class, name) at place {number} of the data, got {entry!r:.80}.")
        picture, kind, name = entry
        path = os.fspath(picture) if isinstance(picture, os.PathLike) else picture
        return Item(path, self._number_of(kind, name), name)

    def _number_of(self, kind: Any, name: str) -> int:
        if isinstance(kind, str):
            if kind not in self._number:
                raise MMFanError(
                    f"The class {kind!r} of {name} is none of the {len(self.classes)} of the set."
                    f"{did_you_mean(kind, self.classes)} There are {shortlist(list(self.classes), 5)}."
                )
            return self._number[kind]
        if not isinstance(kind, (int, np.integer)) or not 0 <= kind < len(self.classes):
            raise MMFanError(
                f"Expected the class of {name} to be a name or a number from 0 to {len(self.classes) - 1}, got "
                f"{kind!r:.80}."
            )
        return int(kind)

    def under(self, number: int, cell: Cell) -> Item:
        """The picture of a number under a cell: the corrupted one where it is stored."""
        item = self.item(number)
        if self.stored is None or cell == CLEAN:
            return item
        return item._replace(picture=self.stored(number, cell), corrupted=True)

    def held(self, number: int) -> Held:
        """The file, or the array, and the name of the class."""
        with self._lock:  # hashing asks from several threads, which the user's sequence need not be made for
            item = self.item(number)
        picture = content_of(item.picture) if isinstance(item.picture, str) else np.asarray(item.picture)
        return Held(picture, {"class": self.classes[item.truth]})


def _named_in(items: Sequence[Any]) -> tuple[str, ...]:
    """The classes that the pictures name, in order.

    Raises:
        MMFanError: They are numbers, which have no names.
    """
    kinds = dict.fromkeys(item[1] for item in items if isinstance(item, (tuple, list)) and len(item) == 3)
    if not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise MMFanError(
            "Expected `classes`, the names of the classes in the order of their numbers: those of the pictures are "
            "numbers, which have no names. Where none are known, say how many there are: --classes 1000, in Python "
            "list(map(str, range(1000)))."
        )
    return in_order(list(kinds))


def _sequence(images: Any, others: dict[str, Any]) -> Sequence[Any]:
    given = [what for what, value in others.items() if value is not None]
    if given or isinstance(images, str) or not hasattr(images, "__getitem__") or not hasattr(images, "__len__"):
        raise WrongTypeError(
            "Expected `images` to be a folder, or a sequence of (picture, class, name) without "
            f"{', '.join(given or others)}; got {type(images).__name__}."
        )
    found: Sequence[Any] = images
    return found


def _of_list(folder: Path, labels: Path) -> list[tuple[str, str | int]]:
    """The pictures of a list with their classes, in its order."""
    if not labels.is_file():
        raise FileNotFoundError(f"The list {labels.absolute()} does not exist.")
    need_folder(folder)
    try:
        rows = [row for row in csv.reader(labels.read_text(encoding="utf-8-sig").splitlines()) if row]
        rows = [row if len(row) > 1 else row[0].rsplit(None, 1) for row in rows]  # a blank between, as in val.txt
    except (UnicodeDecodeError, csv.Error) as error:
        raise MMFanError(f"{labels} is no CSV file in UTF-8: {error}.") from error
    short = [number for number, row in enumerate(rows, 1) if len(row) < 2]
    if short:
        raise MMFanError(f"Expected a file name and a class in every line of {labels}, got less in line {short[0]}.")
    if rows and not (folder / rows[0][0]).is_file():
        rows = rows[1:]
    absent = [row[0] for row in rows if not (folder / row[0]).is_file()]
    if absent:
        raise FileNotFoundError(
            f"{counted(len(absent), 'picture')} of {len(rows)} that {labels} names are not in {folder}: "
            f"{shortlist(absent, 10)}."
        )
    kinds = [row[1].strip() for row in rows]
    numbers = all(kind.isascii() and kind.isdigit() for kind in kinds)
    return [(str(folder / row[0]), int(kind) if numbers else kind) for row, kind in zip(rows, kinds, strict=True)]


def _tree(folder: Path, clean: Path, items: Sequence[Any]) -> Stored:
    """The corrupted picture of a number in a tree of ``TYPE/SEVERITY/``, which has the clean one's path.

    The folder of a type may lie in one of a group, as the archives of ImageNet-C are named: ``noise/shot_noise/1/``.
    """
    need_folder(folder)
    places: dict[str, Path] = {}

    def find(number: int, cell: Cell) -> str:
        kind = STORED_NAMES.get(cell.corruption, cell.corruption)
        if kind not in places:
            places[kind] = _folder_of_type(folder, kind)
        path = places[kind] / str(cell.severity) / os.path.relpath(items[number][0], clean)
        if not path.is_file():
            raise FileNotFoundError(f"The picture {path} of {cell} does not exist.")
        return str(path)

    return find


def _folder_of_type(folder: Path, kind: str) -> Path:
    """The folder of a type, or that in the folder of a group.

    Raises:
        FileNotFoundError: There is none.
    """
    found = [one for one in (folder / kind, *sorted(folder.glob(f"*/{kind}"))) if one.is_dir()]
    if found:
        return found[0]
    there = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    advice = " For the 15 types without them take --protocol imagenet_c." if kind in EXTRA else ""
    raise FileNotFoundError(
        f"There is no folder {kind} of corrupted pictures in {folder}, nor in a folder of it: expected "
        f"{folder / kind}/SEVERITY/CLASS/FILE; it has {shortlist(there, 8) or 'no folder'}.{advice}"
    )


def _array(path: Path) -> NDArray[Any]:
    """An array in a file, not read before it is looked at."""
    if not path.is_file():
        raise FileNotFoundError(f"The array {path.absolute()} does not exist.")
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise MMFanError(f"{path} is no array of NumPy that can be read: {error}") from error


def _arrays(folder: Path, shape: Sequence[int]) -> Stored:
    """The corrupted picture of a number in arrays of all severities, one after the other."""
    opened: dict[str, NDArray[Any]] = {}

    def find(number: int, cell: Cell) -> NDArray[np.uint8]:
        kind = STORED_NAMES.get(cell.corruption, cell.corruption)
        if kind not in opened:
            array = _array(folder / f"{kind}.npy")
            if array.dtype != np.uint8 or array.shape[1:] != tuple(shape[1:]) or len(array) % shape[0]:
                raise MMFanError(
                    f"Expected {folder / kind}.npy to hold all severities of {shape[0]} pictures {tuple(shape[1:])}, "
                    f"uint8, got {array.dtype} {array.shape}."
                )
            opened[kind] = array
        at = (cell.severity - 1) * shape[0] + number
        if at >= len(opened[kind]):
            raise MMFanError(
                f"{folder / kind}.npy has {len(opened[kind]) // shape[0]} severities, not {cell.severity}."
            )
        return opened[kind][at]

    return find
