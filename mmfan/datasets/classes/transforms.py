"""Steps of pipelines for pictures with one class: the form of ImageNet-C, random crops, the clean copy, packing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmengine.structures import BaseDataElement

from mmfan.datasets.classes.picture_form import PictureForm
from mmfan.datasets.transforms.load_image import LoadImageFromFile
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number

INTERPOLATIONS = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA}
TRIES = 10  # draws of a crop, before the largest one in the middle is taken


@TRANSFORMS.register_module()
class LoadFormedImage(LoadImageFromFile):
    """Load a picture, then resize it and cut out its middle: the form in which ImageNet-C's pictures were corrupted.

    What judges corrupts directly after this step, so with ``resize=256, crop=224`` in ImageNet-C's form; a ``Resize``
    behind it brings the picture to the size of the network.

    Required Keys:

    - img_path (str)

    Added Keys:

    - img (np.ndarray): (H, W, 3), BGR, uint8.
    - img_shape, ori_shape (tuple): (H, W) of the form.

    Args:
        resize: Length of the shorter side; None leaves the size.
        crop: Side of the square cut from the middle; None cuts nothing.
        **kwargs: As :class:`mmfan.LoadImageFromFile`.

    Raises:
        MMFanError: A number is out of range; or, at work, a picture is smaller than the crop.
    """

    def __init__(self, resize: int | None = None, crop: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form = PictureForm(resize, crop)

    def image_of(self, content: bytes) -> np.ndarray:
        """The array that this step makes of a file, in the form; see :class:`mmfan.LoadImageFromFile`."""
        return np.ascontiguousarray(self.form.clean(super().image_of(content), "of a file"))


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """Cut a random part of the picture and resize it to a square: the first augmentation of ImageNet's recipes.

    Area and aspect ratio (its logarithm) are drawn evenly; after ten draws that do not fit, the largest part of an
    allowed aspect ratio is cut from the middle, as torchvision does.

    Required and modified keys:

    - img (np.ndarray): (H, W, 3); then (scale, scale, 3).

    Args:
        scale: Side of the result in pixels.
        area: Least and greatest share of the picture's area.
        aspect: Least and greatest width / height.
        interpolation: ``'bilinear'``, ``'bicubic'`` or ``'area'``.

    Raises:
        MMFanError: A number is out of range.
    """

    overlaps: frozenset[str] = frozenset()  # of the test corruptions

    def __init__(
        self,
        scale: int,
        area: Sequence[float] = (0.08, 1.0),
        aspect: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
    ) -> None:
        self.scale = whole_number("scale", scale, 1)
        if len(area) != 2 or not 0 < area[0] <= area[1] <= 1:
            raise MMFanError(f"Expected `area` as least and greatest share, above 0 to 1, got {area!r}.")
        if len(aspect) != 2 or not 0 < aspect[0] <= aspect[1]:
            raise MMFanError(f"Expected `aspect` as least and greatest width / height, above 0, got {aspect!r}.")
        if interpolation not in INTERPOLATIONS:
            raise MMFanError(f"Expected `interpolation` of {', '.join(INTERPOLATIONS)}, got {interpolation!r}.")
        self.area, self.aspect, self.interpolation = (area[0], area[1]), (aspect[0], aspect[1]), interpolation

    @cache_randomness
    def box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of a drawn part."""
        narrow, wide = math.log(self.aspect[0]), math.log(self.aspect[1])
        for _ in range(TRIES):
            pixels = height * width * np.random.uniform(self.area[0], self.area[1])
            ratio = math.exp(np.random.uniform(narrow, wide))
            h, w = round(math.sqrt(pixels / ratio)), round(math.sqrt(pixels * ratio))
            if 0 < h <= height and 0 < w <= width:
                return int(np.random.randint(height - h + 1)), int(np.random.randint(width - w + 1)), h, w
        ratio = min(max(width / height, self.aspect[0]), self.aspect[1])
        h, w = min(height, round(width / ratio)), min(width, round(height * ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Cut and resize ``results['img']``."""
        top, left, height, width = self.box(*results["img"].shape[:2])
        part = results["img"][top : top + height, left : left + width]
        size = (self.scale, self.scale)
        results["img"] = cv2.resize(part, size, interpolation=INTERPOLATIONS[self.interpolation])
        results["img_shape"] = results["img"].shape[:2]
        return results


@TRANSFORMS.register_module()
class KeepClean(BaseTransform):
    """Keep a copy of the picture as it is here, for the teacher of token labels; what follows changes the picture.

    Place it behind the crop and the flip and before what changes colours or hides parts.

    Required Keys:

    - img (np.ndarray)

    Added Keys:

    - clean_img (np.ndarray)
    """

    overlaps: frozenset[str] = frozenset()  # of the test corruptions

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Copy ``results['img']``."""
        results["clean_img"] = results["img"].copy()
        return results


def tensor_of(picture: np.ndarray) -> torch.Tensor:
    """A picture (H, W, 3) as (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


@TRANSFORMS.register_module()
class PackClasses(BaseTransform):
    """Pack picture and class for a classifier.

    ``inputs`` is the picture, (3, H, W), BGR; ``data_samples`` a ``BaseDataElement`` with ``gt_label``, (1,) int64, as
    mmpretrain's samples have it, and ``clean_img`` (3, H, W) where :class:`KeepClean` left one.

    Required Keys:

    - img (np.ndarray): (H, W, 3), BGR.
    - gt_label (int)
    - clean_img (np.ndarray, optional)

    Args:
        meta_keys: What goes into the metainfo of the sample, where it is there.
    """

    overlaps: frozenset[str] = frozenset()  # of the test corruptions

    def __init__(self, meta_keys: Sequence[str] = ("img_path", "ori_shape", "img_shape")) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack a sample."""
        meta = {key: results[key] for key in self.meta_keys if key in results}
        sample = BaseDataElement(metainfo=meta)
        sample.set_field(torch.tensor([results["gt_label"]], dtype=torch.int64), "gt_label", dtype=torch.Tensor)
        if "clean_img" in results:
            sample.set_field(tensor_of(results["clean_img"]), "clean_img", dtype=torch.Tensor)
        return {"inputs": tensor_of(results["img"]), "data_samples": sample}
