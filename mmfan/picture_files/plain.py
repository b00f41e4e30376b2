"""BMP, PPM and their kin: formats whose length follows from their header; and WebP and GIF, which are made of blocks.

Sources: Microsoft, Bitmap storage; netpbm(5), ppm, pgm, pbm; Google, WebP container specification; CompuServe, GIF89a.
"""

from __future__ import annotations

import re

from mmfan.picture_files.header import PictureFileError, PictureHeader, cut_short
from mmfan.picture_files.limit import check_size

_PPM_HEADER = re.compile(
    rb"P([1-6])(?:\s*#[^\n]*\n|\s)+(\d{1,10})(?:\s*#[^\n]*\n|\s)+(\d{1,10})(?:(?:\s*#[^\n]*\n|\s)+(\d{1,5}))?"
)
_WORD = re.compile(rb"[^\s]+")
_ANIMATED = "it is an animated {}; save the frame that is meant as a picture of its own"


def _little(content: bytes, at: int, size: int, *, signed: bool = False) -> int:
    return int.from_bytes(content[at : at + size], "little", signed=signed)


def check_bmp(content: bytes) -> PictureHeader:
    """What the header of a BMP states, after its length was checked."""
    if len(content) < 26:
        raise cut_short("BMP", content)
    start, head = _little(content, 10, 4), _little(content, 14, 4)
    if head == 12:
        width, height, bits, packed, stated = (
            _little(content, 18, 2),
            _little(content, 20, 2),
            _little(content, 24, 2),
            0,
            0,
        )
    else:
        if len(content) < 54:
            raise cut_short("BMP", content)
        width, height = _little(content, 18, 4, signed=True), abs(_little(content, 22, 4, signed=True))
        bits, packed, stated = _little(content, 28, 2), _little(content, 30, 4), _little(content, 34, 4)
    check_size(width, height)
    needed = stated if packed in (1, 2) else height * ((width * bits + 31) // 32 * 4)
    if start + needed > len(content):
        raise cut_short("BMP", content)
    return PictureHeader("BMP", width, height)


def check_ppm(content: bytes) -> PictureHeader:
    """What the header of a PBM, PGM or PPM states, after its length was checked."""
    match = _PPM_HEADER.match(content)
    if match is None:
        raise PictureFileError("the PPM is damaged: its header has no size")
    kind, width, height = int(match[1]), int(match[2]), int(match[3])
    check_size(width, height)
    bitmap = kind in (1, 4)
    if not bitmap and (match[4] is None or not 0 < int(match[4]) < 65536):
        raise PictureFileError("the PPM is damaged: its header states no largest value from 1 to 65535")
    if not bitmap and int(match[4]) not in (255, 65535):  # OpenCV shows 31 as nearly black, and of 1023 the low byte
        raise PictureFileError(f"the PPM has values up to {int(match[4])}; save it with values up to 255 or 65535")
    start = match.end(3 if bitmap else 4)
    samples = width * height * (3 if kind in (3, 6) else 1)
    if kind == 4:
        held, needed = len(content) - start - 1, height * ((width + 7) // 8)
    elif kind > 3:
        held, needed = len(content) - start - 1, samples * (1 if int(match[4]) < 256 else 2)
    elif kind == 1:  # the digits need no spaces between them
        held, needed = content.count(b"0", start) + content.count(b"1", start), samples
    else:
        held, needed = sum(1 for _ in _WORD.finditer(content, start)), samples
    if held < needed:
        raise cut_short("PPM", content)
    return PictureHeader("PPM", width, height)


def check_webp(content: bytes) -> PictureHeader:
    """What the header of a WebP states, after its blocks were checked."""
    at, end = 12, 8 + _little(content, 4, 4)
    if end > len(content):
        raise cut_short("WebP", content)
    canvas = size = None
    while at + 8 <= end:
        kind, length = content[at : at + 4], _little(content, at + 4, 4)
        data = at + 8
        if data + length > end:
            raise cut_short("WebP", content)
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and content[data : data + 1] and content[data] & 2):
            raise PictureFileError(_ANIMATED.format("WebP"))
        if kind == b"VP8X":
            canvas = _little(content, data + 4, 3) + 1, _little(content, data + 7, 3) + 1
        elif kind == b"VP8 " and length >= 10:
            size = _little(content, data + 6, 2) & 0x3FFF, _little(content, data + 8, 2) & 0x3FFF
        elif kind == b"VP8L" and length >= 5:
            packed = _little(content, data + 1, 4)
            size = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        at = data + length + length % 2
    if size is None:
        raise cut_short("WebP", content)
    check_size(*size)
    if canvas is not None and canvas != size:
        raise PictureFileError(f"the WebP is damaged: its header states {canvas} pixels, its picture {size}")
    return PictureHeader("WEBP", *size)


def check_gif(content: bytes) -> PictureHeader:
    """What the header of a GIF states, after its blocks were walked to the last one."""
    width, height = _little(content, 6, 2), _little(content, 8, 2)
    if len(content) < 13:
        raise cut_short("GIF", content)
    check_size(width, height)
    at, frames = 13 + _palette(content[10]), 0
    while at < len(content) and content[at] in (0x21, 0x2C):
        if content[at] == 0x2C:
            frames += 1
            if frames > 1:
                raise PictureFileError(_ANIMATED.format("GIF"))
            if at + 10 > len(content):
                break
            at += 11 + _palette(content[at + 9])
        else:
            at += 2
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    if at >= len(content) or content[at] != 0x3B or not frames:
        raise cut_short("GIF", content)
    return PictureHeader("GIF", width, height)


def _palette(flags: int) -> int:
    """Bytes of the palette that a block's flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
