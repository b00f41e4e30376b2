"""``PatchDrop``, a pipeline step: hidden cells of a picture.

Naseer et al., "Intriguing Properties of Vision Transformers", NeurIPS 2021 (arXiv 2105.10497), for dense prediction:
the pixels stay labelled, so that a score can be taken over the visible and over the hidden ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from numpy.typing import NDArray

from mmfan.corruptions import picture_seed
from mmfan.datasets.transforms.cell_grid import CellGrid, equal_grid, heaviest_cells, patch_grid, random_cells
from mmfan.datasets.transforms.choices import check_seed
from mmfan.datasets.transforms.corrupt import name_of_sample
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS

MODES = ("random", "salient", "background", "pixel")
# the train ids of Cityscapes' countable classes: persons, riders and vehicles
CITYSCAPES_THINGS = (11, 12, 13, 14, 15, 16, 17, 18)
MEAN_RGB = (123.675, 116.28, 103.53)


@TRANSFORMS.register_module()
class PatchDrop(BaseTransform):
    """Hide a share of a picture's cells, after the step that loads the picture (and the labels, if they are needed).

    Modes:

    - ``'random'``: exactly ``floor(ratio * N)`` of the N cells.
    - ``'pixel'``: the same with cells of one pixel.
    - ``'salient'``: the fewest cells that hold the share ``ratio`` of the pixels of ``salient_classes``.
    - ``'background'``: the fewest cells that hold the share ``ratio`` of all other pixels.

    The published experiment takes saliency from the attention of a self-supervised model and counts the background by
    the mass that is kept; here it comes from the labels, and ``ratio`` is the share dropped in all modes.

    With a seed the hidden cells depend on the seed, the name of the picture, mode and ratio alone.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR or (H, W) grey, uint8.
    - img_path (str): Not needed with ``seed=None``.
    - gt_seg_map (np.ndarray): (H, W) class numbers; for ``'salient'`` and ``'background'``.

    Modified Keys:

    - img (np.ndarray): Of the same shape and type.

    Added Keys:

    - hidden (np.ndarray): (H, W) bool, True where the picture is hidden.

    Args:
        ratio: Share that is hidden, 0 to 1.
        mode: One of the above.
        patch: Side of a cell in pixels.
        grid: Rows and columns of the cells instead of ``patch``.
        fill: ``'black'`` (0 before normalisation, as published) or ``'mean'`` (ImageNet's mean colour).
        offset: Pixels at the top and left that the grid leaves out, so that it does not match a model's own.
        salient_classes: Class numbers that are salient; Cityscapes' things by default.
        seed: Base seed; ``None`` draws anew each time.
        root: The folder that names of pictures are relative to, as in :class:`mmfan.Corrupt`.

    Raises:
        MMFanError: An argument is out of range; or, at work, the picture or the labels it needs are missing.
    """

    def __init__(
        self,
        ratio: float,
        mode: str = "random",
        patch: int = 16,
        grid: Sequence[int] | None = None,
        fill: str = "black",
        offset: int = 0,
        salient_classes: Sequence[int] = CITYSCAPES_THINGS,
        seed: int | None = 0,
        root: str | None = None,
    ) -> None:
        if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0 <= ratio <= 1:
            raise MMFanError(f"Expected `ratio` to be 0 to 1, got {ratio!r}.")
        if mode not in MODES:
            raise MMFanError(f"Expected `mode` to be one of {', '.join(MODES)}, got {mode!r}.")
        if fill not in ("black", "mean"):
            raise MMFanError(f"Expected `fill` to be 'black' or 'mean', got {fill!r}.")
        if grid is not None and offset:
            raise MMFanError("`offset` goes with `patch`; a `grid` of rows and columns begins at the corner.")
        self.ratio, self.mode, self.fill = float(ratio), mode, fill
        self.patch, self.grid, self.offset = 1 if mode == "pixel" else patch, grid, offset
        self.salient_classes = tuple(int(number) for number in salient_classes)
        self.seed, self.root = check_seed(seed), root
        if grid is None:
            patch_grid((2**30, 2**30), self.patch, self.offset)  # refuses wrong numbers now, not at the first picture
        else:
            equal_grid((2**30, 2**30), grid)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Hide cells of ``results['img']`` and record which pixels."""
        image = results.get("img")
        if image is None:
            raise MMFanError(
                f"mmfan.PatchDrop found no 'img' in the sample of {results.get('img_path')}: place it after the step "
                "that loads the picture (LoadImageFromFile)."
            )
        cells = self.choose(self._grid(image.shape[:2]), self._seed(results), results)
        hidden = self._grid(image.shape[:2]).to_pixels(cells)
        colour = np.rint(MEAN_RGB[::-1]) if self.fill == "mean" else np.zeros(3)
        image = image.copy()
        image[hidden] = colour if image.ndim == 3 and image.shape[2] == 3 else np.rint(colour.mean())
        results["img"], results["hidden"] = image, hidden
        return results

    def choose(self, grid: CellGrid, seed: int, results: dict[str, Any]) -> NDArray[np.bool_]:
        """The cells to hide, (rows, columns)."""
        if self.mode in ("random", "pixel"):
            return random_cells(grid, self.ratio, seed)
        labels = results.get("gt_seg_map")
        if labels is None or labels.shape != grid.shape:
            got = "none" if labels is None else f"some of {labels.shape}"
            raise MMFanError(
                f"mmfan.PatchDrop(mode={self.mode!r}) needs the labels of the picture, {grid.shape} (H, W), got {got} "
                f"for {results.get('img_path')}: place it after the step that loads the labels, before any resizing."
            )
        salient = np.isin(labels, self.salient_classes)
        return heaviest_cells(grid.sums(salient if self.mode == "salient" else ~salient), self.ratio, seed)

    def _grid(self, shape: tuple[int, int]) -> CellGrid:
        return patch_grid(shape, self.patch, self.offset) if self.grid is None else equal_grid(shape, self.grid)

    def _seed(self, results: dict[str, Any]) -> int:
        if self.seed is None:
            return self._fresh_seed()
        name = name_of_sample(results, self.root)
        # thousandths, so that each ratio gets cells of its own
        return picture_seed(self.seed, name, f"patch_drop_{self.mode}", round(1000 * self.ratio))

    @cache_randomness
    def _fresh_seed(self) -> int:
        return int(np.random.randint(0, 2**64, dtype=np.uint64))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(ratio={self.ratio}, mode={self.mode!r}, patch={self.patch}, grid={self.grid}, "
            f"fill={self.fill!r}, offset={self.offset}, salient_classes={self.salient_classes}, seed={self.seed}, "
            f"root={self.root!r})"
        )
