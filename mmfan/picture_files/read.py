"""Reading a picture file: checked, then decoded by OpenCV."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.picture_files.check import check_content
from mmfan.picture_files.header import PictureFileError, format_of
from mmfan.picture_files.jpeg import jpeg_size
from mmfan.picture_files.png import png_size

if TYPE_CHECKING:
    from PIL import Image

_HEAD = 1 << 16  # bytes, in which a header usually lies
_SIZES = {"PNG": png_size, "JPEG": jpeg_size}


def decode(content: bytes) -> NDArray[np.uint8]:
    """The picture that a file shows.

    Args:
        content: The file.

    Returns:
        (H, W, 3), BGR, uint8, as ``cv2.IMREAD_COLOR`` and so ``mmcv.imread`` give it.

    Raises:
        PictureFileError: As :func:`check_content`, or its samples are floating point, or OpenCV cannot decode it.
    """
    header = check_content(content)
    if header.floating:
        raise PictureFileError("its samples are floating point; scale them to 0..255 and save it with 8 bits")
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureFileError(f"OpenCV cannot decode it: {' '.join(str(error).split())}") from error
    if decoded is None:
        raise PictureFileError(
            f"OpenCV {cv2.__version__} cannot decode this {header.format}: it is damaged, or of a rare kind"
        )
    size = decoded.shape[1::-1]
    if decoded.shape[2:] != (3,) or decoded.dtype != np.uint8 or {*size} != {header.width, header.height}:
        raise PictureFileError(f"its header states {header.width}x{header.height} pixels, it holds {size[0]}x{size[1]}")
    return np.asarray(decoded, np.uint8)


def content_of(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture file.

    Raises:
        FileNotFoundError: There is no such file.
        PictureFileError: It is a folder.
        OSError: It cannot be read.
    """
    source = Path(path)
    try:
        return source.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"The picture {source} does not exist (looked for {source.absolute()}).") from None
    except IsADirectoryError:
        raise PictureFileError(f"Expected a picture file, got the folder {source}.") from None


def read(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """The picture that a file shows, as :func:`decode` gives it.

    Raises:
        FileNotFoundError: There is no such file.
        PictureFileError: It cannot be used; the message names the file and says why.
    """
    content = content_of(path)
    try:
        return decode(content)
    except PictureFileError as error:
        raise PictureFileError(f"The picture {path} ({len(content)} bytes) cannot be read: {error}.") from error


def stated_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height that the header of a picture file states, before any turn that EXIF asks for.

    Of a PNG and a JPEG only the begin is read, so that the pictures of a whole set can be asked before work on them
    begins; whether the rest is there is not known then.

    Raises:
        FileNotFoundError: There is no such file.
        PictureFileError: It is no picture, or larger than the limit; the message names the file.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            size_of = _SIZES.get(format_of(head))
            header = (size_of and size_of(head)) or check_content(head + file.read())
    except IsADirectoryError:
        raise PictureFileError(f"Expected a picture file, got the folder {path}.") from None
    except PictureFileError as error:
        raise PictureFileError(f"The picture {path} cannot be read: {error}.") from error
    return header.width, header.height


def open_with_pillow(content: bytes) -> Image.Image:
    """A checked picture as Pillow's object, which keeps palettes and the numbers of label images.

    Pillow's own guard against large pictures is left out: the size was checked against the limit.

    Raises:
        PictureFileError: As :func:`check_content`, or Pillow cannot open it.
    """
    from PIL import Image

    name = check_content(content).format
    Image.init()
    factory = Image.OPEN[name][0]
    try:
        return factory(io.BytesIO(content), "")
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise PictureFileError(f"Pillow cannot open this {name}: {error}") from error
