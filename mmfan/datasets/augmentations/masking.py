"""``MaskBlocks``, a pipeline step: blocks of the picture hidden, all labels kept.

Paper: MIC, Hoyer et al., CVPR 2023, arXiv 2212.01322, in its supervised form: blocks of 64 x 64 pixels, 70 % of them
hidden by the mean colour (0 after normalising), and the labels of the hidden pixels have to be found from what is
around them. The share is exact here instead of on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmfan.datasets.augmentations.steps import fraction, happens, like, number, picture_of, size_of
from mmfan.datasets.transforms.cell_grid import patch_grid, random_cells
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number

MEAN_RGB = (123.675, 116.28, 103.53)


@TRANSFORMS.register_module()
class MaskBlocks(BaseTransform):
    """Hide blocks of the picture; after crop and flip, before the packing step.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.

    Modified Keys:

    - img

    Args:
        ratio: Share of the blocks that is hidden: ``floor(ratio * N)`` of N.
        block: Side of a block in pixels; blocks at the right and lower edge may be cut.
        prob: Probability that a picture is changed.
        mean: Colour of what is hidden, red, green, blue: the mean that the model normalises by.

    Raises:
        MMFanError: An argument is out of range.
    """

    overlaps: frozenset[str] = frozenset({"checkerboard_cutout"})

    def __init__(
        self, ratio: float = 0.7, block: int = 64, prob: float = 0.5, mean: Sequence[float] = MEAN_RGB
    ) -> None:
        self.ratio, self.prob = fraction("ratio", ratio), fraction("prob", prob)
        self.block = whole_number("block", block, 1)
        if not isinstance(mean, (list, tuple)) or len(mean) != 3:
            raise MMFanError(f"Expected `mean` to be three numbers (red, green, blue), got {mean!r:.80}.")
        self.mean = tuple(number("mean", value, 0, 255) for value in mean)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        if not happens(self.prob):
            return results
        grid = patch_grid(size_of(image), self.block)
        cells = random_cells(grid, self.ratio, int(np.random.randint(0, 2**63)))
        hidden = grid.to_pixels(cells)[..., None]
        results["img"] = like(np.where(hidden, np.asarray(self.mean[::-1], np.float32), image), image)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(ratio={self.ratio}, block={self.block}, prob={self.prob}, mean={self.mean})"
