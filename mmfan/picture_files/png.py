"""PNG: every chunk's length, checksum and place, without decoding anything.

Source: Portable Network Graphics (PNG) Specification, third edition, W3C, section 5.
"""

from __future__ import annotations

import zlib

from mmfan.picture_files.header import PictureFileError, PictureHeader, cut_short, inflated
from mmfan.picture_files.limit import check_size

_START = 8  # bytes of the signature
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # of each colour type
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_DEFLATE = 1032  # bytes that one byte of deflate can stand for, at most


def check_png(content: bytes) -> PictureHeader:
    """What the header of a PNG states, after every chunk was checked."""
    view, at, end = memoryview(content), _START, len(content)
    header: PictureHeader | None = None
    raw = held = 0
    colour, previous = 0, b""
    seen: set[bytes] = set()
    while at + 12 <= end:
        length = int.from_bytes(view[at : at + 4], "big")
        after = at + 12 + length
        if after > end:
            break
        kind = bytes(view[at + 4 : at + 8])
        if zlib.crc32(view[at + 4 : after - 4]) != int.from_bytes(view[after - 4 : after], "big"):
            raise PictureFileError(
                f"the PNG is damaged: the checksum of its {kind.decode('latin-1')} chunk at byte {at} is wrong"
            )
        if (header is None) != (kind == b"IHDR"):
            raise _misplaced(kind, at)
        if header is None:
            header, raw, colour = _header(bytes(view[at + 8 : after - 4]))
        elif kind == b"IDAT":
            if kind in seen and previous != kind:
                raise _misplaced(kind, at)
            held += length
        elif kind in _ANIMATION:
            raise PictureFileError("it is an animated PNG; save the frame that is meant as a picture of its own")
        elif kind == b"PLTE" and (seen & {b"IDAT", b"PLTE"} or length % 3 or not 3 <= length <= 768):
            raise _misplaced(kind, at)
        elif kind not in _CRITICAL and not kind[0] & 32:
            raise PictureFileError(f"the PNG is damaged: it has an unknown chunk {kind!r} at byte {at}")
        seen.add(kind)
        previous, at = kind, after
        if kind == b"IEND":
            _check_whole(header, colour, seen, raw, held, content)
            return header
    raise cut_short("PNG", content)


def png_size(head: bytes) -> PictureHeader | None:
    """What the header of a PNG states, from its first bytes; None if they are too few."""
    return _header(head[16:29])[0] if len(head) >= 33 and head[12:16] == b"IHDR" else None


def _header(data: bytes) -> tuple[PictureHeader, int, int]:
    """The header, the bytes of the picture before compression, and the colour type."""
    if len(data) != 13:
        raise PictureFileError(f"the PNG is damaged: its header has {len(data)} bytes instead of 13")
    width, height = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
    depth, colour, compression, filtering, interlace = data[8:]
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise PictureFileError(f"the PNG is damaged: its header states a kind that does not exist ({list(data[8:])})")
    check_size(width, height)
    # An interlaced picture takes a little more; this is the least that there must be.
    return PictureHeader("PNG", width, height), height * ((width * depth * _CHANNELS[colour] + 7) // 8), colour


def _misplaced(kind: bytes, at: int) -> PictureFileError:
    return PictureFileError(f"the PNG is damaged: its {kind.decode('latin-1')} chunk at byte {at} is out of place")


def _check_whole(header: PictureHeader, colour: int, seen: set[bytes], raw: int, held: int, content: bytes) -> None:
    if b"IDAT" not in seen or (colour == 3 and b"PLTE" not in seen):
        raise PictureFileError(f"the PNG is damaged: it has no {'picture' if b'IDAT' not in seen else 'palette'}")
    if held * _DEFLATE < raw:
        raise inflated("PNG", header.width, header.height, content)
