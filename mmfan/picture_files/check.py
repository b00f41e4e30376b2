"""The check of a picture file before it is decoded."""

from __future__ import annotations

from collections.abc import Callable

from mmfan.picture_files.header import PictureFileError, PictureHeader, format_of
from mmfan.picture_files.jpeg import check_jpeg, check_jpeg2000
from mmfan.picture_files.plain import check_bmp, check_gif, check_ppm, check_webp
from mmfan.picture_files.png import check_png
from mmfan.picture_files.tiff import check_tiff

_CHECKS: dict[str, Callable[[bytes], PictureHeader]] = {
    "PNG": check_png,
    "JPEG": check_jpeg,
    "TIFF": check_tiff,
    "BMP": check_bmp,
    "PPM": check_ppm,
    "WEBP": check_webp,
    "GIF": check_gif,
    "JPEG2000": check_jpeg2000,
}


def check_content(content: bytes) -> PictureHeader:
    """Check a picture file without decoding it: format, size, whole, one still picture.

    Checksums are compared where the format has them (PNG). A JPEG that was altered in its middle is not found out:
    the format has no means for it.

    Args:
        content: The file.

    Returns:
        What its header states.

    Raises:
        PictureFileError: It is no picture of the formats in :data:`FORMATS`, not whole, an animation, or larger than
            the limit; the message says why, in words that follow a file name and a colon.
    """
    return _CHECKS[format_of(content)](content)


def is_picture(content: bytes) -> bool:
    """Whether a file begins as one of the formats does."""
    try:
        format_of(content)
    except PictureFileError:
        return False
    return True
