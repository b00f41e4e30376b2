"""``OAMix``, a pipeline step: AugMix for detectors, whose operations differ between objects and background.

Paper: OA-DG, Lee et al., AAAI 2024, arXiv 2312.12133. Every step of a chain draws one operation for the whole picture
and others for each box of an object and for a few random boxes, each under a soft mask, so that objects change against
their background. Objects that hardly stand out (by the spectral residual of Hou and Zhang, CVPR 2007) keep more of the
picture, or they would be lost.

Nothing moves here: the geometric operations of the paper, inside boxes, are left out. What the paper leaves open, with
what was chosen: an object counts as faint below a mean saliency of 10 of 255, and its share of the mixture is halved.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.datasets.augmentations.augmix import AugMix
from mmfan.datasets.augmentations.steps import Picture, happens, like, number, picture_of, size_of
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS

SOFTNESS = 0.2  # of a mask's edge, as a share of its box' shorter side
RANDOM_BOXES = (3, 5)
RANDOM_AREA = (0.005, 0.1)
SALIENCY_SIDE = 64


@TRANSFORMS.register_module()
class OAMix(AugMix):
    """AugMix with operations of their own for objects; in detection, after the geometric steps, before packing.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR, uint8.
    - gt_bboxes: (N, 4) left, top, right, bottom in pixels: an array or mmdetection's boxes.

    Modified Keys:

    - img

    Args:
        severity: Greatest level of an operation; 10 in the paper.
        faint: Mean saliency, 0 to 255, below which an object keeps more of the picture.
        kwargs: ``width``, ``depth``, ``alpha``, ``ops``, ``all_ops``, ``prob``, as :class:`AugMix` has them.

    Raises:
        MMFanError: An argument is out of range; or, at work, the sample has no boxes.
    """

    def __init__(self, severity: float = 10.0, faint: float = 10.0, **kwargs: Any) -> None:
        if kwargs.get("geometry"):
            raise MMFanError("mmfan.OAMix moves nothing: leave `geometry` out.")
        super().__init__(severity=severity, **kwargs)
        self.faint = number("faint", faint, 0, 255)
        self._masks: list[NDArray[np.float32]] = []

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        size = size_of(image)
        boxes = boxes_of(results, size)
        if not happens(self.prob):
            return results
        everywhere = np.concatenate((boxes, random_boxes(size)))
        self._masks = [soft_mask(box, size) for box in everywhere]
        weights = np.random.dirichlet([self.alpha] * self.width)
        share = np.full(size, np.random.beta(self.alpha, self.alpha), np.float32)
        salient = saliency(image)
        for box, mask in zip(boxes, self._masks, strict=False):
            left, top, right, bottom = box
            own = np.random.beta(self.alpha, self.alpha)
            if salient[top:bottom, left:right].mean() < self.faint:
                own /= 2
            share += mask * (np.float32(own) - share)
        mixed = sum(np.float32(weight) * self._chain(image).astype(np.float32) for weight in weights)
        results["img"] = like(image + share[..., None] * (mixed - image), image)
        return results

    def _chain(self, image: Picture) -> Picture:
        changed = like(image, np.empty(0, np.uint8))
        depth = np.random.randint(1, 4) if self.depth is None else self.depth
        for _ in range(depth):
            result = self._changed(changed).astype(np.float32)
            for mask in self._masks:
                rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
                part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                inside = self._changed(np.ascontiguousarray(changed[part]))
                result[part] += mask[part][..., None] * (inside - result[part])
            changed = like(result, changed)
        return changed

    def _changed(self, image: Picture) -> Picture:
        return self.operations[np.random.randint(len(self.operations))](image, self._level())

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, faint={self.faint})"


def boxes_of(results: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.intp]:
    """The boxes of a sample as whole pixels within the picture, those without a pixel left out.

    Raises:
        MMFanError: The sample has none.
    """
    boxes = results.get("gt_bboxes")
    if boxes is None:
        raise MMFanError(
            f"mmfan.OAMix needs 'gt_bboxes', which the sample of {results.get('img_path')} lacks: place it after "
            "LoadAnnotations(with_bbox=True); of segmentation mmfan.AugMix is the step."
        )
    values = np.asarray(getattr(boxes, "tensor", boxes), np.float64).reshape(-1, 4)
    corners = np.concatenate((np.floor(values[:, :2]), np.ceil(values[:, 2:])), axis=1)
    limits = np.array([shape[1], shape[0]] * 2)
    whole = np.clip(corners, 0, limits).astype(np.intp)
    return whole[(whole[:, 2] > whole[:, 0]) & (whole[:, 3] > whole[:, 1])]


def random_boxes(shape: tuple[int, int]) -> NDArray[np.intp]:
    """A few boxes of 0.5 to 10 % of a picture."""
    height, width = shape
    boxes = []
    for _ in range(np.random.randint(RANDOM_BOXES[0], RANDOM_BOXES[1] + 1)):
        area = np.random.uniform(*RANDOM_AREA) * height * width
        ratio = np.exp(np.random.uniform(-np.log(2), np.log(2)))
        tall = int(np.clip(np.sqrt(area * ratio), 1, height))
        wide = int(np.clip(np.sqrt(area / ratio), 1, width))
        top, left = np.random.randint(height - tall + 1), np.random.randint(width - wide + 1)
        boxes.append((left, top, left + wide, top + tall))
    return np.array(boxes, np.intp)


def soft_mask(box: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.float32]:
    """1 inside a box, falling to 0 about its edge, ``(H, W)``."""
    left, top, right, bottom = map(int, box)
    mask = np.zeros(shape, np.float32)
    mask[top:bottom, left:right] = 1
    sigma = SOFTNESS * min(right - left, bottom - top)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(sigma, 0.1)), np.float32)


def saliency(image: Picture) -> NDArray[np.float32]:
    """How much each place stands out, 0 to 255, ``(H, W)``: the spectral residual of a small grey picture."""
    grey = cv2.cvtColor(like(image, np.empty(0, np.uint8)), cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SALIENCY_SIDE, SALIENCY_SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    spectrum = np.fft.fft2(small)
    height = np.log(np.abs(spectrum) + 1e-9)
    residual = height - cv2.blur(height, (3, 3))
    energy = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = cv2.GaussianBlur(energy, (0, 0), 2.5)
    scaled = 255 * smooth / max(float(smooth.max()), 1e-12)
    return np.asarray(cv2.resize(scaled.astype(np.float32), (image.shape[1], image.shape[0])))
