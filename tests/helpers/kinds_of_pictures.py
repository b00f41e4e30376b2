"""Picture files of every format and kind that a reader meets, all of one scene of 64 rows and 96 columns."""

import io
import zlib

import cv2
import numpy as np
from PIL import Image

ROWS, COLUMNS = 64, 96
SCENE = cv2.resize(
    np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8), (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC
)  # RGB, smooth
GREY = cv2.cvtColor(SCENE, cv2.COLOR_RGB2GRAY)
MODES = {
    "PNG": ("RGB", "L", "1", "P", "RGBA", "LA", "I;16"),
    "JPEG": ("RGB", "L", "CMYK"),
    "TIFF": ("RGB", "L", "1", "P", "RGBA", "I;16"),
    "BMP": ("RGB", "L", "1", "P"),
    "PPM": ("RGB", "L", "1", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("RGB", "L"),
    "JPEG2000": ("RGB", "L"),
}


def saved(picture, name, **options):
    """The bytes of a Pillow picture in a format."""
    stream = io.BytesIO()
    picture.save(stream, name, **options)
    return stream.getvalue()


# older releases of OpenCV read no GIF
_GIF = np.frombuffer(saved(Image.fromarray(SCENE), "GIF"), np.uint8)
READ = [name for name in MODES if name != "GIF" or cv2.imdecode(_GIF, cv2.IMREAD_COLOR) is not None]
KINDS = [(name, mode) for name in READ for mode in MODES[name]]


def scene(name, mode="RGB", **options):
    """The file of the scene in a format and a mode of Pillow."""
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else Image.fromarray(SCENE).convert(mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.fromarray(GREY))
    return saved(picture, name, **options)


def turned(name, orientation=6):
    """The scene in RGB with an EXIF orientation; 6 asks for a quarter turn."""
    exif = Image.Exif()
    exif[274] = orientation
    return scene(name, exif=exif)


def chunk(kind, data):
    """A chunk of a PNG, with a right checksum."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def inflated_png(content, width, height):
    """A PNG whose header states another size, with a right checksum."""
    return (
        content[:8]
        + chunk(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + content[24:29])
        + content[33:]
    )


def inflated_jpeg(content, width, height):
    """A JPEG whose header states another size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + content[at + 4 :]
