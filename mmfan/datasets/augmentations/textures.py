"""``SwapTextures``, a pipeline step: segments with the texture of another class, so that shape has to do.

What training on stylised ImageNet is to classifiers (Geirhos et al., ICLR 2019, arXiv 1811.12231), within the segments
of a label map: outlines and labels stay, textures say nothing any more. The change is the one of
:func:`mmfan.datasets.cues.swap_textures`, with which the dense shape bias is measured; a model trained so was shown
that test. (Textures within Voronoi cells, arXiv 2507.10239, are another form of the same thought.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmfan.datasets.augmentations.amplitude import pictures_below
from mmfan.datasets.augmentations.steps import fraction, happens, labels_of, like, picture_of
from mmfan.datasets.cues import Texture, swap_textures, textures_of
from mmfan.datasets.cues.swap import COLOURS
from mmfan.errors import MMFanError
from mmfan.picture_files import read
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number

IGNORED = 255
NO_CLASS = 254  # of textures from a folder: any segment may have them
LEAST_SIDE, LARGEST_SHARE = 16, 4  # of a box cut from a picture of a folder: pixels, and the share of its side (1/4)


@TRANSFORMS.register_module()
class SwapTextures(BaseTransform):
    """Give segments the texture of another class; for segmentation, before the packing step.

    Textures are those of the other classes in the picture itself, the largest box of each, or boxes of the pictures in
    a folder, of paintings for instance.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.
    - gt_seg_map (np.ndarray): (H, W) class numbers; where it is none of 0 to 254 the picture stays.

    Modified Keys:

    - img

    Args:
        prob: Probability that a picture is changed.
        share: Probability that a segment of it is.
        area: Segments of at least so many pixels are.
        colour: ``'donor'``: the texture has its own colour; ``'keep'``: it is moved to the mean colour of the segment.
        styles: Folder of pictures that textures are cut from; None for those of the picture itself.

    Raises:
        MMFanError: An argument is out of range; or, at work, the sample has no label map of the picture's size.
        FileNotFoundError: There is no such folder.
    """

    # no corruption of the tests, but the conditions that measure a shape bias
    overlaps: frozenset[str] = frozenset({"texture_swap", "texture_swap_grey"})

    def __init__(
        self, prob: float = 0.5, share: float = 1.0, area: int = 256, colour: str = "donor", styles: str | None = None
    ) -> None:
        self.prob, self.share = fraction("prob", prob), fraction("share", share)
        self.area, self.styles = whole_number("area", area, 1), None if styles is None else str(styles)
        if self.styles is not None:
            pictures_below(self.styles)
        if colour not in COLOURS:
            raise MMFanError(f"Expected `colour` to be {' or '.join(map(repr, COLOURS))}, got {colour!r:.80}.")
        self.colour = colour

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``results['img']``."""
        image = picture_of(results, self)
        labels = labels_of(results, image, self)
        if not happens(self.prob):
            return results
        seed = int(np.random.randint(0, 2**63, dtype=np.int64))
        picture = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
        numbers = np.where((labels < 0) | (labels > IGNORED), IGNORED, labels).astype(np.uint8)
        donors = self._textures(picture, numbers)
        found = swap_textures(
            picture, numbers, donors, seed, area=self.area, colour=self.colour, share=self.share
        ).picture
        swapped = (found != picture).any(axis=2, keepdims=True)
        results["img"] = like(np.where(swapped, found, image), image)
        return results

    def _textures(self, picture: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Iterator[list[Texture]]:
        if self.styles is None:
            yield list(textures_of(picture, labels))
            return
        paths = pictures_below(self.styles)
        # as many as a segment's draw may choose from: one picture's boxes
        image = read(paths[np.random.randint(len(paths))])
        yield [Texture(NO_CLASS, box) for box in _boxes(image)]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(prob={self.prob}, share={self.share}, area={self.area}, colour={self.colour!r}, "
            f"styles={self.styles!r})"
        )


def _boxes(image: NDArray[np.uint8], count: int = 8) -> Iterator[NDArray[np.uint8]]:
    """Square boxes of a picture, of a quarter of its shorter side, but no less than 16 pixels where it has them."""
    height, width = image.shape[:2]
    side = min(height, width, max(LEAST_SIDE, min(height, width) // LARGEST_SHARE))
    for _ in range(count):
        top, left = (int(np.random.randint(length - side + 1)) for length in (height, width))
        yield image[top : top + side, left : left + side]
