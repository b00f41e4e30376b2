"""COCO for detection: mmdetection's class, with annotations and pictures checked before anything is trained on them."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from mmdet.datasets import CocoDataset as MMDetCocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmengine import fileio
from mmengine.logging import print_log

from mmfan.datasets.coco_annotations import (
    broken_boxes,
    check_classes,
    clip_boxes,
    describe_broken,
    narrow_boxes,
    read_annotations,
)
from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.text import shortlist

WAYS = ("error", "clip")
ADVICE = (
    "Folders come from `data_root` and `data_prefix`; COCO is at https://cocodataset.org/#download, the miniature "
    f"comes from `{command_name('mini')} coco data/mini_coco`."
)


class Annotations(COCO):
    """pycocotools' index of annotations, from what their file holds rather than from its name.

    Args:
        content: What the file holds, as :func:`mmfan.datasets.coco_annotations.check_content` accepts it.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__()
        self.dataset = content
        with contextlib.redirect_stdout(io.StringIO()):
            self.createIndex()
        self.img_ann_map, self.cat_img_map = self.imgToAnns, self.catToImgs


class CheckedAnnotations(Annotations):
    """pycocotools' reader of annotation files, which refuses what would be wrong in silence.

    Args:
        file: The annotation file.
        classes: Names of the classes, in the order of the model's outputs.
        broken: ``'error'`` or ``'clip'``, see :class:`CocoDataset`.

    Raises:
        MMFanError: The file is no such file, its categories do not fit, or boxes are broken.
    """

    def __init__(self, file: str, classes: Sequence[str], broken: str) -> None:
        content = read_annotations(file)
        check_classes(content, classes, file)
        found = broken_boxes(content)
        if found and broken == "error":
            raise MMFanError(
                f"{file} has boxes that cannot be right: {describe_broken(found)}. Mend them, or set "
                "broken_boxes='clip' in the dataset to clip boxes to their picture and leave out those without area."
            )
        if found:
            print_log(f"{file}: boxes clipped to their picture or left out: {describe_broken(found)}", logger="current")
        narrow = narrow_boxes(content, file)
        if narrow:
            listed = shortlist([str(number) for number in narrow])
            print_log(f"{file}: {len(narrow)} boxes narrower than a pixel are left out: {listed}", logger="current")
        super().__init__(clip_boxes(content) if broken == "clip" else content)


def check_pictures(
    paths: Sequence[str], folder: str, ann_file: str, backend_args: dict[str, Any] | None = None
) -> None:
    """Check that the pictures which annotations name are on disk.

    Args:
        paths: Their paths.
        folder: Where they are looked for; listed once, which is quicker than asking for each.
        ann_file: The annotations, for the message.
        backend_args: Arguments of the mmengine file backend.

    Raises:
        FileNotFoundError: The folder is missing, or pictures are; the first are named.
    """
    shown = folder if "://" in folder else os.path.abspath(folder)
    if not fileio.isdir(folder, backend_args=backend_args):
        raise FileNotFoundError(f"The picture folder {shown} does not exist. {ADVICE}")
    names = fileio.list_dir_or_file(folder, list_dir=False, recursive=True, backend_args=backend_args)
    there = {os.path.normpath(os.path.join(folder, name)) for name in names}
    absent = [path for path in paths if os.path.normpath(path) not in there]
    if absent:
        raise FileNotFoundError(
            f"{len(absent)} of {len(paths)} pictures that {ann_file} names are not in {shown}: "
            f"{shortlist([os.path.relpath(path, folder) for path in absent], 10)}. {ADVICE}"
        )


class CocoDataset(MMDetCocoDataset):
    """COCO, or a set of one's own in its form, with the errors that mmdetection leaves for later.

    Takes the same arguments as mmdetection's ``CocoDataset`` and holds the same classes, palette and samples. The tree,
    below ``data_root``, with ``ann_file='annotations/instances_val2017.json'`` and
    ``data_prefix=dict(img='val2017/')``::

        annotations/instances_val2017.json
        val2017/<id, 12 digits>.jpg

    Args:
        broken_boxes: What to do about boxes without area or beyond the edge of their picture: ``'error'`` names them;
            ``'clip'`` clips them, leaves out those without area, and says so in the log.
        **kwargs: As mmdetection's ``CocoDataset``.

    Raises:
        FileNotFoundError: The annotations, the picture folder, or pictures that the annotations name are missing. With
            ``lazy_init=True`` this and the following come from ``full_init``.
        MMFanError: The annotations are not in COCO's form, the classes are not their categories, or boxes are broken.
    """

    def __init__(self, *args: Any, broken_boxes: str = "error", **kwargs: Any) -> None:
        if broken_boxes not in WAYS:
            raise MMFanError(f"Expected broken_boxes to be one of {WAYS}, got {broken_boxes!r}.")
        self.broken_boxes = broken_boxes
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the samples that the annotations name, after checking the annotations."""
        if "img" not in self.data_prefix:
            raise MMFanError(f"Expected `data_prefix` to hold 'img', got {sorted(self.data_prefix)}.")
        if not self.ann_file:
            raise MMFanError("Expected `ann_file`, a file of annotations in COCO's form, got none.")
        if not fileio.isfile(self.ann_file, backend_args=self.backend_args):
            shown = self.ann_file if "://" in self.ann_file else os.path.abspath(self.ann_file)
            raise FileNotFoundError(f"The annotation file {shown} (`ann_file`) does not exist. {ADVICE}")
        self.COCOAPI = partial(CheckedAnnotations, classes=self.metainfo["classes"], broken=self.broken_boxes)
        return list(super().load_data_list())

    def filter_data(self) -> list[dict]:
        """Leave out what ``filter_cfg`` says, then check that the pictures of the rest are there.

        The last step at which all samples are at hand.
        """
        samples = list(super().filter_data())
        self.check_samples(samples)
        return samples

    def check_samples(self, samples: Sequence[dict]) -> None:
        """Check that the pictures of the samples are there; a set with pictures of its own overrides this."""
        paths = [sample["img_path"] for sample in samples]
        check_pictures(paths, self.data_prefix["img"] or ".", self.ann_file, self.backend_args)
