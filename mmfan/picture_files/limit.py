"""The largest picture that is read: a damaged or hostile header may state any size, and decoders allocate it."""

from __future__ import annotations

import os

from mmfan.picture_files.header import PictureFileError

LIMIT_VARIABLE = "MMFAN_MAX_MEGAPIXELS"
# A picture of this size takes 0.6 GB as 8-bit colours, and a judge holds several.
DEFAULT_MEGAPIXELS = 200.0


def pixel_limit() -> int:
    """The largest number of pixels, from the environment variable ``MMFAN_MAX_MEGAPIXELS`` if it is set.

    Raises:
        PictureFileError: The variable is no positive number.
    """
    text = os.environ.get(LIMIT_VARIABLE)
    if text is None:
        return int(DEFAULT_MEGAPIXELS * 1e6)
    try:
        limit = float(text) * 1e6
        if not 0 < limit < 1e15:
            raise ValueError
    except ValueError:
        raise PictureFileError(
            f"Expected the environment variable {LIMIT_VARIABLE} to be a positive number, e.g. 400, got {text!r}."
        ) from None
    return int(limit)


def check_size(width: int, height: int) -> None:
    """Check the size that a header states.

    Raises:
        PictureFileError: A side is zero, or there are more pixels than the limit.
    """
    if width < 1 or height < 1:
        raise PictureFileError(f"its header states {width}x{height} pixels, which is no picture")
    limit = pixel_limit()
    if width * height > limit:
        raise PictureFileError(
            f"its header states {width}x{height} pixels, {width * height / 1e6:.1f} megapixels; the limit is "
            f"{limit / 1e6:g} (if the size is right, set the environment variable {LIMIT_VARIABLE} to a larger number)"
        )
