"""What is refused before a decoder sees it, and what is not."""

import io
import random
import struct
import zlib

import cv2
import numpy as np
import pytest
from helpers.kinds_of_pictures import COLUMNS, KINDS, ROWS, SCENE, chunk, inflated_jpeg, inflated_png, saved, scene
from PIL import Image

from mmfan.picture_files import PictureFileError, PictureHeader, check_content, decode

PNG = scene("PNG")
JPEG = scene("JPEG", quality=90)


@pytest.mark.parametrize(("name", "mode"), KINDS)
def test_whole_pictures_pass_and_cut_ones_do_not(name, mode):
    content = scene(name, mode)
    assert check_content(content) == PictureHeader(name, COLUMNS, ROWS)
    last = len(content)
    for length in {*range(0, min(last, 150)), last // 3, last // 2, last * 9 // 10, *range(last - 20, last)}:
        with pytest.raises(PictureFileError):
            check_content(content[:length])


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}])
def test_jpegs_of_several_scans_and_with_restarts(options):
    content = scene("JPEG", **options)
    check_content(content)
    for length in range(len(content)):
        with pytest.raises(PictureFileError):
            check_content(content[:length])


def test_the_end_of_a_preview_is_not_the_end_of_the_picture():
    preview = saved(Image.fromarray(SCENE[:16, :16]), "JPEG")
    segment = b"\xff\xe1" + (len(preview) + 8).to_bytes(2, "big") + b"Exif\0\0" + preview
    content = JPEG[:2] + segment + JPEG[2:]
    assert check_content(content) == PictureHeader("JPEG", COLUMNS, ROWS)
    with pytest.raises(PictureFileError, match="truncated"):
        check_content(content[: len(content) // 2])
    assert check_content(content + b"what a camera appends")[1:3] == (COLUMNS, ROWS)


@pytest.mark.parametrize("compression", ["tiff_deflate", "tiff_lzw", "packbits", "jpeg", "raw"])
def test_tiff_compressions(compression):
    content = scene("TIFF", compression=compression)
    assert check_content(content) == PictureHeader("TIFF", COLUMNS, ROWS)
    if compression == "tiff_deflate":
        draw = random.Random(0)
        for _ in range(40):
            damaged = bytearray(content)
            damaged[draw.randrange(20, len(content) - 300)] ^= 1 << draw.randrange(8)
            with pytest.raises(PictureFileError, match="the TIFF is damaged"):
                check_content(bytes(damaged))


def test_big_endian_tiff_and_strips_that_lie_beyond_the_end():
    content = scene("TIFF", big_tiff=True)
    assert check_content(content) == PictureHeader("TIFF", COLUMNS, ROWS)
    tags = [
        (256, 3, 1, 4),
        (257, 3, 1, 2),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 8),
    ]
    entries = b"".join(
        struct.pack(">HHI", *tag[:3])
        + struct.pack(">HH" if tag[1] == 3 else ">I", *([tag[3], 0] if tag[1] == 3 else [tag[3]]))
        for tag in tags
    )
    pixels = bytes(range(8))
    whole = b"MM\0\x2a" + struct.pack(">I", 16) + pixels + struct.pack(">H", len(tags)) + entries + bytes(4)
    assert check_content(whole) == PictureHeader("TIFF", 4, 2)
    assert decode(whole)[..., 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    beyond = whole.replace(struct.pack(">HHII", 273, 4, 1, 8), struct.pack(">HHII", 273, 4, 1, len(whole) - 4))
    with pytest.raises(PictureFileError, match="the TIFF is truncated"):
        check_content(beyond)
    less = whole.replace(struct.pack(">HHII", 279, 4, 1, 8), struct.pack(">HHII", 279, 4, 1, 7))
    with pytest.raises(PictureFileError, match=r"cannot hold the 4x2 pixels"):
        check_content(less)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a text, not a picture", "it is not a picture, or none of PNG, JPEG, TIFF"),
        (b"BMW and other words that begin like a bitmap", "it is not a picture"),
        (PNG[:8], "the PNG is truncated: it ends at byte 8"),
        (PNG[:33] + chunk(b"IEND", b""), "it has no picture"),
        (PNG[:8] + PNG[33:], r"its \w+ chunk at byte 8 is out of place"),
        (PNG[:33] + PNG[8:], "its IHDR chunk at byte 33 is out of place"),
        (PNG[:-12] + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", b"x") + PNG[-12:], "its IDAT chunk at .* out of place"),
        (PNG[:33] + chunk(b"ABCD", b"") + PNG[33:], "an unknown chunk"),
        (PNG[:33] + chunk(b"PLTE", b"ab") + PNG[33:], "its PLTE chunk at byte 33 is out of place"),
        (PNG[:8] + chunk(b"IHDR", PNG[16:24] + bytes([3, 2, 0, 0, 0])) + PNG[33:], "a kind that does not exist"),
        (PNG[:8] + chunk(b"IHDR", PNG[16:24] + bytes([8, 3, 0, 0, 0])) + PNG[33:], "it has no palette"),
        (PNG[:33] + chunk(b"fcTL", bytes(26)) + PNG[33:], "it is an animated PNG"),
        (inflated_png(PNG, 14000, 14000), r"cannot hold the 14000x14000 pixels"),
        (inflated_png(PNG, 0, 7), "states 0x7 pixels, which is no picture"),
        (inflated_jpeg(JPEG, 14000, 14000), r"cannot hold the 14000x14000 pixels"),
        (inflated_jpeg(JPEG, 60000, 60000), r"3600\.0 megapixels; the limit is 200 .*MMFAN_MAX_MEGAPIXELS"),
        (b"P6 2 2\n255\n" + bytes(11), "the PPM is truncated"),
        (b"P2 2 2 255 1 2 3", "the PPM is truncated"),
        (b"P5 2 2 0 " + bytes(4), "no largest value from 1 to 65535"),
        (b"P5 2 2 31 " + bytes(4), "the PPM has values up to 31; save it with values up to 255 or 65535"),
        (b"P6 2 2 1023 " + bytes(24), "the PPM has values up to 1023"),
    ],
)  # fmt: skip
def test_refused_with_the_reason(content, message):
    with pytest.raises(PictureFileError, match=message):
        check_content(content)


def test_every_changed_byte_of_a_png_is_found():
    draw = random.Random(0)
    for _ in range(300):
        damaged = bytearray(PNG)
        damaged[draw.randrange(len(PNG))] ^= 1 << draw.randrange(8)
        with pytest.raises(PictureFileError):
            check_content(bytes(damaged))


def test_an_inflated_header_is_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("the decoder saw it"))
    for content in (
        inflated_png(PNG, 60000, 60000),
        inflated_png(PNG, 14000, 14000),
        inflated_jpeg(JPEG, 14000, 14000),
    ):
        with pytest.raises(PictureFileError):
            decode(content)


@pytest.mark.parametrize("name", ["PNG", "GIF", "WEBP"])
def test_animations_are_refused(name):
    frames = [Image.fromarray(np.roll(SCENE, shift, 1)) for shift in (0, 9, 18)]
    content = saved(frames[0], name, save_all=True, append_images=frames[1:], duration=40)
    with pytest.raises(PictureFileError, match=r"it is an animated \w+; save the frame that is meant"):
        check_content(content)


def test_the_first_page_of_several():
    pages = [Image.fromarray(SCENE), Image.fromarray(SCENE[:32])]
    content = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(decode(content), SCENE[..., ::-1])


def test_plain_text_ppms():
    np.testing.assert_array_equal(decode(b"P2\n# grey\n3 1 # three\n255\n0 128 255\n")[..., 0], [[0, 128, 255]])
    np.testing.assert_array_equal(decode(b"P1\n3 1\n101\n")[..., 0], [[0, 255, 0]])
    with pytest.raises(PictureFileError, match="truncated"):
        check_content(b"P1\n3 1\n10\n")


def test_a_still_of_a_video_in_a_foreign_suffix_is_known_by_its_content(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(SCENE).save(stream, "PNG")
    assert check_content(stream.getvalue()).format == "PNG"
    assert zlib.crc32(b"IEND") == int.from_bytes(PNG[-4:], "big")
