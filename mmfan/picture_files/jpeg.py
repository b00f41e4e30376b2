"""JPEG and JPEG 2000: the size in the header, and whether the picture is there to its end.

Sources: ITU-T T.81, annex B; ITU-T T.800, annexes A and I.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmfan.picture_files.header import PictureFileError, PictureHeader, cut_short, inflated
from mmfan.picture_files.limit import check_size

_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length
_SCAN = 0xDA


def check_jpeg(content: bytes) -> PictureHeader:
    """What the header of a JPEG states, after its end was found.

    The end marker cannot occur within the compressed picture, whose bytes of 255 are followed by zeros, so that the
    first one after its begin is the picture's own; previews and what cameras append do not matter.
    """
    header = None
    frame = 0
    for marker, at, length in _segments(content):
        if marker in _FRAMES and header is None:
            header, frame = _frame(content, at), marker
        elif marker == _SCAN:
            if header is None:
                raise PictureFileError("the JPEG is damaged: its picture begins before its size is stated")
            start = at + length
            end = len(content) - 2 if content.endswith(_END) else content.find(_END, start)
            if end < 0:
                break
            # each block of 8x8 pixels takes a bit or more in a Huffman code
            if frame in _HUFFMAN and 8 * (end - start) < header.width * header.height // 64:
                raise inflated("JPEG", header.width, header.height, content)
            return header
    raise cut_short("JPEG", content)


def jpeg_size(head: bytes) -> PictureHeader | None:
    """What the header of a JPEG states, from its first bytes; None if they are too few."""
    return next((_frame(head, at) for marker, at, _ in _segments(head) if marker in _FRAMES), None)


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, place and length of the segments that lie in the file whole, up to the end marker."""
    at = 2
    while match := _MARKER.search(content, at):
        marker, at = match[1][0], match.end()
        if marker in _ALONE:
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        if marker == _END[1] or at + max(length, 9) > len(content):
            return
        if length < 2:
            raise PictureFileError(f"the JPEG is damaged: a segment at byte {at} has no length")
        yield marker, at, length
        at += length


def _frame(content: bytes, at: int) -> PictureHeader:
    height, width = int.from_bytes(content[at + 3 : at + 5], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
    check_size(width, height)
    return PictureHeader("JPEG", width, height)


def check_jpeg2000(content: bytes) -> PictureHeader:
    """What the header of a JPEG 2000 file or code stream states, after its end was found."""
    start, end = (0, len(content)) if content.startswith(b"\xff\x4f") else _code_stream(content)
    siz = content[start + 2 : start + 24]
    if len(siz) < 22 or siz[:2] != b"\xff\x51":
        raise cut_short("JPEG 2000", content)
    right, bottom, left, top = (int.from_bytes(siz[at : at + 4], "big") for at in (6, 10, 14, 18))
    check_size(right - left, bottom - top)
    if content[start:end][-2:] != _END:
        raise cut_short("JPEG 2000", content)
    return PictureHeader("JPEG2000", right - left, bottom - top)


def _code_stream(content: bytes) -> tuple[int, int]:
    """Where the code stream of a JPEG 2000 file begins and ends."""
    at = 0
    while at + 8 <= len(content):
        length, kind, head = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        end = at + length if length else len(content)
        if end > len(content) or end < at + head:
            break
        if kind == b"jp2c":
            return at + head, end
        at = end
    raise cut_short("JPEG 2000", content)
