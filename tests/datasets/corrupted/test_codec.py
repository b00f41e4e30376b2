import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmfan.datasets.corrupted.codec import decode_picture, encode_picture, is_whole, picture_damage, picture_size

PICTURE = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (40, 56, 3), dtype=np.uint8), (0, 0), 2)
PNG = encode_picture(PICTURE, "png", None)
JPEG = encode_picture(PICTURE, "jpeg", 90)


def test_png_is_read_back_by_another_reader_as_it_was():
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(PNG))), PICTURE)
    np.testing.assert_array_equal(decode_picture(PNG), PICTURE)


def test_jpeg_quality_and_colours():
    read = np.asarray(Image.open(io.BytesIO(JPEG)))
    assert np.abs(read.astype(int) - PICTURE).mean() < 3
    assert len(encode_picture(PICTURE, "jpeg", 30)) < len(JPEG)


def test_grey_and_deep_and_transparent_pictures():
    grey = PICTURE[..., 0]
    content = cv2.imencode(".png", grey)[1].tobytes()
    np.testing.assert_array_equal(decode_picture(content), np.dstack([grey] * 3))
    content = cv2.imencode(".png", grey.astype(np.uint16) * 257)[1].tobytes()
    np.testing.assert_array_equal(decode_picture(content), np.dstack([grey] * 3))
    content = cv2.imencode(".png", np.dstack([PICTURE[..., ::-1], grey]))[1].tobytes()
    np.testing.assert_array_equal(decode_picture(content), PICTURE)


@settings(max_examples=60)
@given(st.integers(0, len(PNG) - 1))
def test_a_png_cut_anywhere_is_refused(length):
    with pytest.raises(ValueError, match=r"truncated|empty|not a picture"):
        decode_picture(PNG[:length])


@settings(max_examples=60)
@given(st.integers(8, len(PNG) - 1), st.integers(1, 255))
def test_a_png_with_any_byte_changed_is_refused(at, change):
    damaged = bytearray(PNG)
    damaged[at] ^= change
    assert picture_damage(bytes(damaged)) is not None


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp", ".tiff"])
def test_other_formats_cut_short_are_refused(suffix):
    content = cv2.imencode(suffix, PICTURE)[1].tobytes()
    assert picture_damage(content) is None
    for length in (len(content) - 20, len(content) // 2, 10):
        assert picture_damage(content[:length]) is not None


def test_whole_files(tmp_path):
    for name, content, kind in (("a.png", PNG, "png"), ("a.jpg", JPEG, "jpeg")):
        path = tmp_path / name
        assert not is_whole(path, kind)
        path.write_bytes(content)
        assert is_whole(path, kind)
        assert picture_size(path) == (56, 40)
        path.write_bytes(content[:-1])
        assert not is_whole(path, kind)
        path.write_bytes(b"")
        assert not is_whole(path, kind)
        assert picture_size(path) is None
