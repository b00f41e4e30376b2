"""TIFF and BigTIFF: the size in the first directory, and whether every strip or tile lies in the file.

Sources: TIFF revision 6.0, Adobe, sections 2 and 15; the BigTIFF design of libtiff.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.picture_files.header import PictureFileError, PictureHeader, cut_short, inflated
from mmfan.picture_files.limit import check_size

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
OFFSETS, COUNTS, TILE_OFFSETS, TILE_COUNTS, SAMPLE_FORMAT = 273, 279, 324, 325, 339
_SUBSAMPLED = 6  # YCbCr may hold fewer colours than pixels
_LOG = (32844, 32845)  # logarithms of luminance and colour
_FLOAT = 3
_TYPES = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}  # unsigned whole numbers
# Bytes that one byte can stand for, at most: PackBits, LZW, Deflate.
_RATIO = {1: 1, 32773: 64, 5: 4096, 8: 1032, 32946: 1032}
_DEFLATED = (8, 32946)
_PIECE = 1 << 20  # bytes that are unpacked at a time


def check_tiff(content: bytes) -> PictureHeader:
    """What the first directory of a TIFF states, after the places of its strips or tiles were checked."""
    tags = _first_directory(content)

    def first(tag: int, default: int) -> int:
        return int(tags[tag][0]) if tag in tags else default

    if WIDTH not in tags or HEIGHT not in tags:
        raise PictureFileError("the TIFF is damaged: its first directory states no size")
    width, height = first(WIDTH, 0), first(HEIGHT, 0)
    check_size(width, height)
    compression, photometric = first(COMPRESSION, 1), first(PHOTOMETRIC, 1)
    raw = height * ((width * first(BITS, 1) * first(SAMPLES, 1) + 7) // 8)
    offsets, counts = _strips(tags, compression, raw)
    if not counts.all() or (offsets.astype(np.float64) + counts > len(content)).any():
        raise cut_short("TIFF", content)
    if photometric != _SUBSAMPLED and counts.sum(dtype=np.float64) * _RATIO.get(compression, np.inf) < raw:
        raise inflated("TIFF", width, height, content)
    if compression in _DEFLATED:
        for offset, count in zip(offsets.tolist(), counts.tolist(), strict=True):
            _check_deflated(content, offset, count)
    floating = photometric in _LOG or _FLOAT in tags.get(SAMPLE_FORMAT, ())
    return PictureHeader("TIFF", width, height, floating=floating)


def _strips(tags: dict[int, NDArray[Any]], compression: int, raw: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where the strips or tiles begin and how long they are, in bytes."""
    tiled = TILE_OFFSETS in tags
    offsets, counts = tags.get(TILE_OFFSETS if tiled else OFFSETS), tags.get(TILE_COUNTS if tiled else COUNTS)
    if offsets is None:
        raise PictureFileError("the TIFF is damaged: it does not say where its picture is")
    if counts is None:  # old writers left them out of uncompressed files
        if compression != 1 or len(offsets) != 1:
            raise PictureFileError("the TIFF is damaged: it does not say how long its strips are")
        counts = np.array([raw], np.uint64)
    if len(offsets) != len(counts):
        raise PictureFileError(f"the TIFF is damaged: {len(offsets)} strips have {len(counts)} lengths")
    return offsets, counts


def _check_deflated(content: bytes, offset: int, count: int) -> None:
    """Unpack a strip and let its checksum be compared; OpenCV shows what comes before the damage, and says nothing."""
    unpacker, ahead = zlib.decompressobj(), content[offset : offset + count]
    try:
        while ahead and not unpacker.eof:
            unpacker.decompress(ahead, _PIECE)
            ahead = unpacker.unconsumed_tail
    except zlib.error as error:
        raise PictureFileError(
            f"the TIFF is damaged: the strip at byte {offset} cannot be unpacked: {error}"
        ) from error
    if not unpacker.eof:
        raise PictureFileError(f"the TIFF is damaged: the strip at byte {offset} has no end")


def _first_directory(content: bytes) -> dict[int, NDArray[Any]]:
    """Tag -> its whole numbers; tags of other types are left out."""
    order = "<" if content[:1] == b"I" else ">"
    big = content[2:4] in (b"\x2b\0", b"\0\x2b")
    word, entry = (8, 20) if big else (4, 12)

    def number(at: int, size: int) -> int:
        if at + size > len(content):
            raise cut_short("TIFF", content)
        return int.from_bytes(content[at : at + size], "little" if order == "<" else "big")

    at = number(8, 8) if big else number(4, 4)
    length = number(at, 8 if big else 2)
    at += 8 if big else 2
    if at + length * entry > len(content):
        raise cut_short("TIFF", content)
    tags = {}
    for start in range(at, at + length * entry, entry):
        tag, kind, count = number(start, 2), number(start + 2, 2), number(start + 4, word)
        if kind not in _TYPES or not count:
            continue
        size = count * np.dtype(_TYPES[kind]).itemsize
        place = start + 4 + word if size <= word else number(start + 4 + word, word)
        if place + size > len(content):
            raise cut_short("TIFF", content)
        tags[tag] = np.frombuffer(content, np.dtype(order + _TYPES[kind]), count, place)
    return tags
