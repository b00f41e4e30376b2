"""The Cityscapes tree on disk: names and numbers of its files, and the message where it is not there.

Plain Python: the preparation tools and the dataset class agree on names and messages through this file.
Source of names and counts: the Cityscapes download page and cityscapesScripts' README.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mmfan.utils.commands import command_name
from mmfan.utils.folders import walk
from mmfan.utils.text import shortlist

IMAGE_SUFFIX = "_leftImg8bit.png"
LABEL_SUFFIX = "_gtFine_labelTrainIds.png"
LABEL_IDS_SUFFIX = "_gtFine_labelIds.png"
POLYGON_SUFFIX = "_gtFine_polygons.json"

# pictures of each split of the finely annotated set
FULL_COUNTS = {"train": 2975, "val": 500, "test": 1525}

PREPARE_COMMAND = command_name("prepare cityscapes")
MINIATURE_COMMAND = f"{command_name('mini')} cityscapes data/mini_cityscapes"


def advice(root: str | os.PathLike[str] = "ROOT") -> str:
    """How the tree must look below ``root`` and how to come by one."""
    return (
        "The tree must look like this:\n"
        f"  {root}/leftImg8bit/{{train,val,test}}/<city>/*{IMAGE_SUFFIX}\n"
        f"  {root}/gtFine/{{train,val,test}}/<city>/*{LABEL_SUFFIX}\n"
        "To get Cityscapes, register at https://www.cityscapes-dataset.com, download leftImg8bit_trainvaltest.zip and "
        f"gtFine_trainvaltest.zip, unpack both into {root} and run `{PREPARE_COMMAND} {root}`.\n"
        f"To try things out without it, `{MINIATURE_COMMAND}` draws a miniature with the same tree."
    )


def stems_in(folder: str | os.PathLike[str], suffix: str) -> list[str]:
    """Sorted names below ``folder`` that end in ``suffix``, relative to it, with ``/`` and without the suffix.

    A folder that does not exist holds no names. Links to folders are followed: cities are often linked from elsewhere.
    """
    return sorted(
        (Path(where) / name).relative_to(folder).as_posix()[: -len(suffix)]
        for where, names in walk(folder)
        for name in names
        if name.endswith(suffix)
    )


def unpaired(pictures: Iterable[str], labels: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names of pictures that have no label, and of labels that have no picture, each sorted.

    >>> unpaired(["a", "b"], ["b", "c"])
    (['a'], ['c'])
    """
    first, second = set(pictures), set(labels)
    return sorted(first - second), sorted(second - first)


@dataclass(frozen=True)
class SplitReport:
    """What was found of one split.

    Attributes:
        split: Name of the split.
        pictures: Number of pictures.
        labels: Number of label images with train ids.
        expected: Number of pairs there should be; ``None`` if any number but none will do.
        without_label: Pictures that lack a label.
        without_picture: Labels that lack a picture.
    """

    split: str
    pictures: int
    labels: int
    expected: int | None
    without_label: tuple[str, ...]
    without_picture: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that is wrong; empty if the split is complete."""
        found = []
        if not self.pictures and not self.labels:
            return [f"{self.split}: no picture and no label found."]
        if self.without_label:
            names = shortlist([name + IMAGE_SUFFIX for name in self.without_label])
            found.append(f"{self.split}: {len(self.without_label)} pictures have no label: {names}.")
        if self.without_picture:
            names = shortlist([name + LABEL_SUFFIX for name in self.without_picture])
            found.append(f"{self.split}: {len(self.without_picture)} labels have no picture: {names}.")
        for what, count in (("pictures", self.pictures), ("labels", self.labels)):
            if self.expected is not None and count != self.expected:
                found.append(f"{self.split}: expected {self.expected} {what}, got {count}.")
        return found


def report_split(root: str | os.PathLike[str], split: str, expected: int | None = None) -> SplitReport:
    """Count the pictures and label images of one split and match them by name.

    Args:
        root: The folder that holds ``leftImg8bit`` and ``gtFine``.
        split: E.g. ``'train'``.
        expected: Number of pairs there should be; ``None`` accepts any.

    Returns:
        What was found.
    """
    pictures = stems_in(Path(root) / "leftImg8bit" / split, IMAGE_SUFFIX)
    labels = stems_in(Path(root) / "gtFine" / split, LABEL_SUFFIX)
    without_label, without_picture = unpaired(pictures, labels)
    return SplitReport(split, len(pictures), len(labels), expected, tuple(without_label), tuple(without_picture))
