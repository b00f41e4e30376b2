"""Headers of picture files: the size that one states, and the formats by the bytes they begin with."""

from __future__ import annotations

import re
from typing import NamedTuple

from mmfan.errors import MMFanError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM", "WEBP", "GIF", "JPEG2000")
_SIGNATURES = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("TIFF", re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]")),
    ("BMP", re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL)),  # four reserved bytes; "BM" alone begins many a text
    ("PPM", re.compile(rb"P[1-6][\s#]")),
    ("WEBP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("JPEG2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")),
)


class PictureFileError(MMFanError):
    """A picture file that is none, is not whole, is too large, or is no still picture; the message says which."""


class PictureHeader(NamedTuple):
    """What a file says of its picture.

    Attributes:
        format: One of :data:`FORMATS`.
        width: Columns, before any turn that EXIF asks for.
        height: Rows.
        floating: Whether its samples are floating point, which no rule takes to 8 bits.
    """

    format: str
    width: int
    height: int
    floating: bool = False


def format_of(content: bytes) -> str:
    """The format of a file, by its first bytes; its name says nothing.

    Raises:
        PictureFileError: It is empty, or of none of the formats.
    """
    if not content:
        raise PictureFileError("the file is empty")
    for name, signature in _SIGNATURES:
        if signature.match(content):
            return name
    raise PictureFileError(f"it is not a picture, or none of {', '.join(FORMATS)}")


def cut_short(what: str, content: bytes) -> PictureFileError:
    """The error of a file that lacks its end."""
    return PictureFileError(f"the {what} is truncated: it ends at byte {len(content)}, before its picture does")


def inflated(what: str, width: int, height: int, content: bytes) -> PictureFileError:
    """The error of a header that states more than the file can hold."""
    return PictureFileError(
        f"the {what} is truncated or its header is wrong: {len(content)} bytes cannot hold the {width}x{height} pixels "
        "that it states"
    )
