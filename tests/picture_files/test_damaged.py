"""Files whose parts contradict each other, written byte by byte: each is refused with what is wrong with it."""

import struct
import zlib

import numpy as np
import pytest
from helpers.kinds_of_pictures import COLUMNS, ROWS, scene

from mmfan.picture_files import PictureFileError, PictureHeader, check_content, decode

JPEG = scene("JPEG", quality=90)
PIXELS = bytes(range(8))
# width, height, bits, compression, photometric, place of the strip, its length: a grey TIFF of 4x2 pixels
TAGS = {256: 4, 257: 2, 258: 8, 259: 1, 262: 1, 273: 8, 279: 8}


def tiff(tags, pixels=PIXELS):
    """A big-endian TIFF: its pixels begin at byte 8; a value may be two words of two bytes each."""
    entries = b"".join(
        struct.pack(">HHIHH", tag, 3, 2, *value) if isinstance(value, tuple) else struct.pack(">HHII", tag, 4, 1, value)
        for tag, value in tags.items()
    )
    return b"MM\0\x2a" + struct.pack(">I", 8 + len(pixels)) + pixels + struct.pack(">H", len(tags)) + entries + bytes(4)


def without(*tags):
    return {tag: value for tag, value in TAGS.items() if tag not in tags}


def webp(*chunks):
    """A WebP of chunks: kind and content."""
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def canvas(width, height):
    return b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


LOSSLESS = scene("WEBP", lossless=True)
PICTURE = LOSSLESS[12:16], LOSSLESS[20 : 20 + int.from_bytes(LOSSLESS[16:20], "little")]
DEFLATED = zlib.compress(PIXELS)


def test_the_files_that_are_changed_below_are_whole():
    assert decode(tiff(TAGS))[..., 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    packed = tiff(TAGS | {259: 8, 279: len(DEFLATED)}, DEFLATED + bytes(len(DEFLATED) % 2))
    assert check_content(packed) == PictureHeader("TIFF", 4, 2)
    assert check_content(webp(PICTURE)) == PictureHeader("WEBP", COLUMNS, ROWS)
    assert check_content(webp(canvas(COLUMNS, ROWS), PICTURE)) == PictureHeader("WEBP", COLUMNS, ROWS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tiff(without(256)), "the TIFF is damaged: its first directory states no size"),
        (tiff(without(257)), "the TIFF is damaged: its first directory states no size"),
        (tiff(without(273)), "the TIFF is damaged: it does not say where its picture is"),
        (tiff(without(279) | {259: 8}), "the TIFF is damaged: it does not say how long its strips are"),
        (tiff(without(279) | {273: (8, 12)}), "the TIFF is damaged: it does not say how long its strips are"),
        (tiff(TAGS | {273: (8, 12)}), "the TIFF is damaged: 2 strips have 1 lengths"),
        (tiff(TAGS | {259: 8, 279: len(DEFLATED) - 2}, DEFLATED), "the strip at byte 8 has no end"),
        (tiff(TAGS | {259: 8}, b"\xff" * 8), "the TIFF is damaged: the strip at byte 8 cannot be unpacked"),
        (tiff(TAGS | {279: 0}), "the TIFF is truncated"),
        (JPEG[:2] + b"\xff\xda\0\x0c" + bytes(10) + JPEG[2:], "its picture begins before its size is stated"),
        (JPEG[:2] + b"\xff\xe0\0\x01" + bytes(20), "the JPEG is damaged: a segment at byte 4 has no length"),
        (webp((PICTURE[0], PICTURE[1][:4])), "the WebP is truncated"),
        (webp((b"EXIF", b"abc")), "the WebP is truncated"),
        (LOSSLESS[:16] + struct.pack("<I", len(LOSSLESS)) + LOSSLESS[20:], "the WebP is truncated"),
        (webp(canvas(COLUMNS, ROWS + 1), PICTURE), r"header states \(96, 65\) pixels, its picture \(96, 64\)"),
        (webp((b"VP8X", b"\x02" + bytes(9)), PICTURE), "it is an animated WebP"),
        (b"\xff\x4f\xff\x51" + bytes(8), "the JPEG 2000 is truncated"),
        (b"P6 words", "the PPM is damaged: its header has no size"),
    ],
)  # fmt: skip
def test_refused_with_the_reason(content, message):
    with pytest.raises(PictureFileError, match=message):
        check_content(content)


def test_old_tiffs_without_the_length_of_their_strip():
    assert check_content(tiff(without(279))) == PictureHeader("TIFF", 4, 2)
    assert decode(tiff(without(279)))[..., 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_markers_without_a_length_are_passed_over():
    assert check_content(JPEG[:2] + b"\xff\x01" + JPEG[2:]) == PictureHeader("JPEG", COLUMNS, ROWS)


def test_bitmaps_of_the_first_kind_of_header():
    """12 bytes: width and height of two bytes each; rows from the bottom, BGR, of a multiple of four bytes."""
    rows = bytes([1, 2, 3, 4, 5, 6, 0, 0]), bytes([7, 8, 9, 10, 11, 12, 0, 0])
    content = b"BM" + struct.pack("<IHHI", 42, 0, 0, 26) + struct.pack("<IHHHH", 12, 2, 2, 1, 24) + b"".join(rows)
    assert check_content(content) == PictureHeader("BMP", 2, 2)
    assert np.asarray(decode(content)).tolist() == [[[7, 8, 9], [10, 11, 12]], [[1, 2, 3], [4, 5, 6]]]
    with pytest.raises(PictureFileError, match="the BMP is truncated"):
        check_content(content[:-1])
    with pytest.raises(PictureFileError, match="the BMP is truncated"):
        check_content(content[:14] + struct.pack("<I", 40) + content[18:])


def test_boxes_of_jpeg_2000_with_a_length_of_eight_bytes():
    content = scene("JPEG2000")
    start = content.index(b"jp2c") - 4
    length = int.from_bytes(content[start : start + 4], "big")
    stream = content[start + 8 :]
    assert length in (0, len(stream) + 8)
    longer = content[:start] + struct.pack(">I", 1) + b"jp2c" + struct.pack(">Q", len(stream) + 16) + stream
    assert check_content(longer)[1:3] == (COLUMNS, ROWS)
    with pytest.raises(PictureFileError, match="the JPEG 2000 is truncated"):
        check_content(longer[:-1])
