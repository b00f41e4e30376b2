"""``LoadSegAnnotations``, a pipeline step: the label image of a segmentation sample, with its contents checked.

A label image of the wrong kind (all 34 label ids, instance ids, colours) trains a model on nonsense or stops it deep in
the loss with a CUDA assertion that names no file; here it is found where it is read.
"""

from __future__ import annotations

from typing import Any

import mmcv
import numpy as np
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations

from mmfan.datasets.label_files import as_bytes, map_ids, one_channel, reduce_zero, refuse_outside
from mmfan.datasets.transforms.load_image import DECODING_ERRORS
from mmfan.errors import MMFanError
from mmfan.picture_files import check_content, open_with_pillow
from mmfan.registry import TRANSFORMS


def read_label(path: str, backend: str = "pillow", backend_args: dict[str, Any] | None = None) -> np.ndarray:
    """Read a label image.

    Args:
        path: File of one channel.
        backend: Decoder, as :func:`mmcv.imfrombytes` knows them.
        backend_args: Arguments of the mmengine file backend.

    Returns:
        (H, W), of the integer type that the file has.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The file cannot be decoded or has several channels.
    """
    content = fileio.get(path, backend_args=backend_args)
    problem = f"Cannot read the label image {path} ({len(content)} bytes). It may be empty or cut short: make it again."
    try:
        if backend == "pillow":  # not by way of mmcv, where Pillow's own guard against large pictures would be met
            label = np.array(open_with_pillow(content))
        else:
            check_content(content)
            label = mmcv.imfrombytes(content, flag="unchanged", backend=backend)
    except DECODING_ERRORS as error:
        raise MMFanError(f"{problem} The decoder says: {' '.join(str(error).split())}") from error
    if label is None:  # OpenCV's way to say that it could not decode
        raise MMFanError(problem)
    return one_channel(label, path)


@TRANSFORMS.register_module()
class LoadSegAnnotations(MMSegLoadAnnotations):
    """Load the label image of a sample and check that it fits the picture and the classes.

    How many ids are valid is taken from ``num_classes``, else from ``results['label_map']``, else from
    ``results['num_classes']``, which :class:`mmfan.datasets.CityscapesDataset` sets. If none is known, as with
    mmsegmentation's own datasets, ids are not checked.

    Required Keys:

    - seg_map_path (str)
    - label_map (dict, optional): Old id to new id.
    - reduce_zero_label (bool, optional)
    - num_classes (int, optional)
    - ori_shape (tuple, optional): (H, W) of the picture as loaded; the label image must have the same.

    Modified Keys:

    - seg_fields (list): ``'gt_seg_map'`` is appended.

    Added Keys:

    - gt_seg_map (np.ndarray): (H, W), uint8, in ``0..classes-1`` or ``ignore_index``.

    Args:
        reduce_zero_label: As in mmsegmentation; ``None`` takes the dataset's.
        backend_args: Arguments of the mmengine file backend.
        imdecode_backend: Decoder.
        num_classes: Number of valid ids in the files, after ``reduce_zero_label``.
        ignore_index: Id of pixels that do not count.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The sample has no label, or its label image cannot be read, is of another size than the picture, or
            holds ids outside the set.
    """

    def __init__(
        self,
        reduce_zero_label: bool | None = None,
        backend_args: dict[str, Any] | None = None,
        imdecode_backend: str = "pillow",
        num_classes: int | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(reduce_zero_label, backend_args, imdecode_backend)
        if num_classes is not None and not 1 <= num_classes <= 255:
            raise MMFanError(f"Expected `num_classes` in 1..255 or None, got {num_classes}.")
        if not 0 <= ignore_index <= 255:
            raise MMFanError(f"Expected `ignore_index` in 0..255, got {ignore_index}.")
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        path = results.get("seg_map_path")
        if path is None:
            raise MMFanError(
                f"The picture {results.get('img_path')} has no label image: give the dataset a "
                "`data_prefix['seg_map_path']`, or take LoadSegAnnotations out of its pipeline."
            )
        label = read_label(path, self.imdecode_backend, self.backend_args)
        self._check_size(label, results)
        num_classes = self._num_ids(results)
        label = as_bytes(label, path, num_classes or 256, self.ignore_index)
        if self._reduces_zero(results):
            label = reduce_zero(label, self.ignore_index)
        if num_classes is not None:
            refuse_outside(label, path, num_classes, self.ignore_index)
        if results.get("label_map") is not None:
            label = map_ids(label, results["label_map"])
        results["gt_seg_map"] = label
        results.setdefault("seg_fields", []).append("gt_seg_map")

    def _check_size(self, label: np.ndarray, results: dict[str, Any]) -> None:
        picture = results.get("ori_shape")
        if picture is not None and tuple(picture[:2]) != label.shape:
            raise MMFanError(
                f"The label image {results['seg_map_path']} is {label.shape[1]}x{label.shape[0]} (width x height), but "
                f"its picture {results.get('img_path')} is {picture[1]}x{picture[0]}. Both must have the same size."
            )

    def _reduces_zero(self, results: dict[str, Any]) -> bool:
        of_dataset = bool(results.get("reduce_zero_label", False))
        if self.reduce_zero_label is not None and bool(self.reduce_zero_label) != of_dataset:
            raise MMFanError(
                f"LoadSegAnnotations has reduce_zero_label={self.reduce_zero_label}, its dataset {of_dataset}: set it "
                "in the dataset only."
            )
        return of_dataset

    def _num_ids(self, results: dict[str, Any]) -> int | None:
        if self.num_classes is not None:
            return self.num_classes
        if results.get("label_map") is not None:
            return len(results["label_map"])
        return results.get("num_classes")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(reduce_zero_label={self.reduce_zero_label}, backend_args={self.backend_args}, "
            f"imdecode_backend={self.imdecode_backend!r}, num_classes={self.num_classes}, "
            f"ignore_index={self.ignore_index})"
        )
