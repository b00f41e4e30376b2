"""Cityscapes for segmentation: mmsegmentation's class, with the tree checked before anything is trained on it.

mmsegmentation takes an empty folder for an empty set and meets a missing label only when a worker comes to it, which
may be hours into a run. Here both are found when the dataset is built, and the message says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mmengine import fileio
from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmfan.datasets.prepare.cityscapes_tree import (
    IMAGE_SUFFIX,
    LABEL_IDS_SUFFIX,
    LABEL_SUFFIX,
    POLYGON_SUFFIX,
    PREPARE_COMMAND,
    advice,
    unpaired,
)
from mmfan.datasets.transforms.checked import checked_steps
from mmfan.errors import MMFanError
from mmfan.registry import DATASETS
from mmfan.utils.checks import list_of
from mmfan.utils.text import shortlist


def _where(path: str) -> str:
    # Addresses of remote backends (s3://...) stand as they are.
    return path if "://" in path else os.path.abspath(path)


def _stems(folder: str, suffix: str, backend_args: dict[str, Any] | None) -> list[str]:
    names = fileio.list_dir_or_file(folder, list_dir=False, suffix=suffix, recursive=True, backend_args=backend_args)
    return [name.replace(os.sep, "/")[: -len(suffix)] for name in names]


def check_cityscapes_tree(
    image_dir: str,
    label_dir: str | None,
    *,
    data_root: str | None = None,
    image_suffix: str = IMAGE_SUFFIX,
    label_suffix: str = LABEL_SUFFIX,
    names: Sequence[str] | None = None,
    how_to_get: str | None = None,
    backend_args: dict[str, Any] | None = None,
) -> None:
    """Check that every picture of a split is there and has its label.

    Args:
        image_dir: Folder of the pictures of the split, searched with the folders below it.
        label_dir: Folder of its label images; ``None`` for a split without labels.
        data_root: The set's root, to be named in messages.
        image_suffix: How the name of a picture ends.
        label_suffix: How the name of a label image ends.
        names: The pictures wanted, relative to ``image_dir`` and without suffix; ``None`` for all that are there.
        how_to_get: What to tell a reader who lacks the set.
        backend_args: Arguments of the mmengine file backend.

    Raises:
        FileNotFoundError: A folder is missing, there is no picture, or a picture or label is missing.
    """
    root = _where(data_root) if data_root else None
    how_to_get = how_to_get or advice(root or "ROOT")

    def fail(problem: str) -> FileNotFoundError:
        return FileNotFoundError(f"{problem}\nFolders come from `data_root` and `data_prefix`. {how_to_get}")

    for what, folder in (("data root", data_root), ("picture folder", image_dir), ("label folder", label_dir)):
        if folder and not fileio.isdir(folder, backend_args=backend_args):
            raise fail(f"The {what} {_where(folder)} does not exist.")

    pictures = _stems(image_dir, image_suffix, backend_args)
    if names is None:
        if not pictures:
            raise fail(f"No picture *{image_suffix} in {_where(image_dir)} or the folders below it.")
    else:
        absent, _ = unpaired(names, pictures)
        if absent:
            listed = shortlist([name + image_suffix for name in absent])
            raise fail(f"{len(absent)} of {len(names)} pictures asked for are not in {_where(image_dir)}: {listed}.")
    if label_dir is None:
        return

    wanted = pictures if names is None else names
    labels = _stems(label_dir, label_suffix, backend_args)
    absent, _ = unpaired(wanted, labels)
    if absent:
        listed = shortlist([name + label_suffix for name in absent])
        problem = f"{len(absent)} of {len(wanted)} pictures have no label in {_where(label_dir)}: {listed}."
        if label_suffix == LABEL_SUFFIX:
            for suffix in (POLYGON_SUFFIX, LABEL_IDS_SUFFIX):
                if set(absent) & set(_stems(label_dir, suffix, backend_args)):
                    problem += (
                        f"\nTheir *{suffix} are there, but the train ids have not been made from them: run "
                        f"`{PREPARE_COMMAND} {root or 'ROOT'}`."
                    )
                    break
        raise fail(problem)


@DATASETS.register_module()
class CityscapesDataset(MMSegCityscapesDataset):
    """Cityscapes, with the errors that mmsegmentation leaves for later.

    Takes the same arguments as :class:`mmseg.datasets.CityscapesDataset` and holds the same classes, palette and
    samples. The tree, below ``data_root``, with ``data_prefix=dict(img_path='leftImg8bit/train',
    seg_map_path='gtFine/train')``::

        leftImg8bit/train/<city>/<city>_<sequence>_<frame>_leftImg8bit.png
        gtFine/train/<city>/<city>_<sequence>_<frame>_gtFine_labelTrainIds.png

    Each sample also carries ``num_classes``, the number of train ids a label file may hold, which
    :class:`mmfan.datasets.transforms.LoadSegAnnotations` checks against. Leave ``seg_map_path`` out of
    ``data_prefix`` for pictures that have no labels.

    The steps ``LoadImageFromFile`` and ``LoadAnnotations`` of its pipeline are built in mmfan's form, which checks what
    it reads (:func:`mmfan.datasets.transforms.checked.checked_steps`).

    Args:
        pipeline: The steps.
        **kwargs: As :class:`mmseg.datasets.CityscapesDataset`; unknown names are refused.

    Raises:
        FileNotFoundError: The data root, a folder, the pictures or some labels are missing. With ``lazy_init=True``
            this comes from ``full_init``.
        MMFanError: ``data_prefix`` holds no ``img_path`` or a key that is never read, or ``pipeline`` is no list.
    """

    DATA_PREFIX_KEYS = ("img_path", "seg_map_path")
    steps_of_config = staticmethod(checked_steps)

    def __init__(self, *args: Any, pipeline: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, pipeline=self.steps_of_config(list_of(object, "pipeline", pipeline)), **kwargs)

    def how_to_get(self) -> str:
        """What to tell a reader who lacks the set; a set with a tree of its own overrides this."""
        return advice(_where(self.data_root) if self.data_root else "ROOT")

    def load_data_list(self) -> list[dict]:
        """List the samples of the split, after checking that all their files are there."""
        unknown = sorted(set(self.data_prefix) - set(self.DATA_PREFIX_KEYS))
        if unknown or "img_path" not in self.data_prefix:
            raise MMFanError(
                f"Expected `data_prefix` to hold 'img_path' and none but {list(self.DATA_PREFIX_KEYS)}, "
                f"got {sorted(self.data_prefix)}."
            )
        check_cityscapes_tree(
            self.data_prefix["img_path"] or ".",
            self._label_dir(),
            data_root=self.data_root,
            image_suffix=self.img_suffix,
            label_suffix=self.seg_map_suffix,
            names=self._names_wanted(),
            how_to_get=self.how_to_get(),
            backend_args=self.backend_args,
        )
        samples = super().load_data_list()
        for sample in samples:
            sample["num_classes"] = len(self.METAINFO["classes"])
        return samples

    def _label_dir(self) -> str | None:
        label_dir = self.data_prefix.get("seg_map_path")
        return "." if label_dir == "" else label_dir

    def _names_wanted(self) -> list[str] | None:
        # A folder as `ann_file` means "all pictures" in mmsegmentation.
        if not self.ann_file or os.path.isdir(self.ann_file):
            return None
        if not fileio.isfile(self.ann_file, backend_args=self.backend_args):
            raise FileNotFoundError(f"The list of pictures {_where(self.ann_file)} (`ann_file`) does not exist.")
        text = fileio.get_text(self.ann_file, backend_args=self.backend_args)
        return [line.strip() for line in text.splitlines()]
