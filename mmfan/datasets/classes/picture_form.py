"""The form that pictures are brought into before they are corrupted, and how they are stored afterwards.

ImageNet-C was made of pictures that were first resized and cropped to 224 x 224, and stored as JPEG of quality 85. What
is corrupted in another form is another set.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number


@dataclass(frozen=True)
class PictureForm:
    """What is done to a picture before and after it is corrupted.

    ``PictureForm(resize=256, crop=224, quality=85)`` is how ImageNet-C was made.

    Attributes:
        resize: Length of the shorter side, bilinear with a filter as wide as the reduction (Pillow's, and so that of
            torchvision on pictures of Pillow); None leaves the size.
        crop: Side of the square cut from the middle; None cuts nothing.
        quality: Corrupted pictures are written as JPEG of this quality and read again; None leaves them.

    Raises:
        MMFanError: A number is out of range, or the crop is larger than the resized picture.
    """

    resize: int | None = None
    crop: int | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        for what, value in asdict(self).items():
            if value is not None:
                whole_number(what, value, 1)
        if self.quality is not None and self.quality > 100:
            raise MMFanError(f"Expected `quality` from 1 to 100, got {self.quality}.")
        if self.resize is not None and self.crop is not None and self.crop > self.resize:
            raise MMFanError(f"Expected `crop` to be at most `resize`, {self.resize}, got {self.crop}.")

    def clean(self, picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        """A picture, (H, W, 3) RGB uint8, resized and cropped.

        Raises:
            MMFanError: It is smaller than the crop.
        """
        made = picture
        if self.resize is not None and min(made.shape[:2]) != self.resize:
            made = _resized(made, self.resize)
        if self.crop is not None:
            made = _cropped(made, self.crop, name)
        return np.ascontiguousarray(made)

    def corrupted(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A corrupted picture as it comes back from the file that it would be stored in."""
        if self.quality is None:
            return picture
        from PIL import Image

        content = io.BytesIO()
        Image.fromarray(picture).save(content, "JPEG", quality=self.quality, optimize=True)
        return np.array(Image.open(content).convert("RGB"))

    def to_dict(self) -> dict[str, Any]:
        """What is done, for records; what is not is left out."""
        return {what: value for what, value in asdict(self).items() if value is not None}


def _resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = picture.shape[:2]
    # as torchvision rounds: down
    longer = int(side * max(height, width) / min(height, width))
    size = (longer, side) if width > height else (side, longer)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _cropped(picture: NDArray[np.uint8], side: int, name: str) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if min(height, width) < side:
        raise MMFanError(f"The picture {name} is {width}x{height} (width x height), smaller than the crop of {side}.")
    top, left = round((height - side) / 2), round((width - side) / 2)
    return picture[top : top + side, left : left + side]
