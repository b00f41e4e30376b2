"""``PaintByNumbers``, a pipeline step: the picture blended with its label map, painted in a colour a class.

Paper: Kamann and Rother, "Increasing the Robustness of Semantic Segmentation Models with Painting-by-Numbers", ECCV
2020, arXiv 2010.05495: ``result = (1 - a) * picture + a * colours[label]`` with a drawn for each picture, the colours
at random once. What is under the paint loses its texture, so that shape has to do. The range of a (0 to 0.99) is ours:
the paper's was not at hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmfan.datasets.augmentations.steps import fraction, happens, labels_of, like, picture_of
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number

IGNORED = 255


@TRANSFORMS.register_module()
class PaintByNumbers(BaseTransform):
    """Blend the picture with its painted label map; for segmentation, before the packing step.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.
    - gt_seg_map (np.ndarray): (H, W) class numbers; where it is none of 0 to 254 the picture stays.

    Modified Keys:

    - img

    Args:
        alpha: Greatest share of the paint, 0 to 1; the share is uniform from ``least`` to it.
        least: Smallest share.
        prob: Probability that a picture is painted.
        seed: Of the colours of the classes, which are the same for all pictures.

    Raises:
        MMFanError: An argument is out of range; or, at work, the sample has no label map of the picture's size.
    """

    overlaps: frozenset[str] = frozenset()

    def __init__(self, alpha: float = 0.99, least: float = 0.0, prob: float = 0.5, seed: int = 0) -> None:
        self.alpha, self.least = fraction("alpha", alpha), fraction("least", least)
        if self.least > self.alpha:
            raise MMFanError(f"Expected `least` to be at most `alpha`, got {least} and {alpha}.")
        self.prob, self.seed = fraction("prob", prob), whole_number("seed", seed, 0)
        self.colours = np.random.default_rng(self.seed).integers(0, 256, (256, 3)).astype(np.float32)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        labels = labels_of(results, image, self)
        if not happens(self.prob):
            return results
        share = np.random.uniform(self.least, self.alpha)
        outside = (labels < 0) | (labels >= IGNORED)  # of no class
        paint = self.colours[np.where(outside, IGNORED, labels)]
        blended = (1 - share) * image + share * paint
        results["img"] = like(np.where(outside[..., None], image, blended), image)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha}, least={self.least}, prob={self.prob}, seed={self.seed})"
