"""The picture that a file shows: the same as mmcv gives a model, or an error that names the file."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.kinds_of_pictures import COLUMNS, GREY, KINDS, ROWS, SCENE, inflated_png, saved, scene, turned
from PIL import Image

from mmfan.picture_files import LIMIT_VARIABLE, PictureFileError, decode, open_with_pillow, read, stated_size

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(("name", "mode"), KINDS)
def test_the_picture_that_mmcv_gives(name, mode):
    mmcv = pytest.importorskip("mmcv")
    content = scene(name, mode)
    picture = decode(content)
    assert (picture.shape, picture.dtype) == ((ROWS, COLUMNS, 3), np.uint8)
    np.testing.assert_array_equal(picture, mmcv.imfrombytes(content))


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (scene("PNG"), SCENE),
        (scene("PNG", "RGBA"), SCENE),  # alpha is left out, not blended
        (scene("PNG", "I;16"), np.dstack([GREY] * 3)),  # 257 times the grey
        (scene("PNG", "L"), np.asarray(Image.fromarray(SCENE).convert("L").convert("RGB"))),
        (scene("PNG", "P"), np.asarray(Image.fromarray(SCENE).convert("P").convert("RGB"))),
        (scene("PNG", "1"), np.asarray(Image.fromarray(SCENE).convert("1").convert("RGB"))),
        (scene("BMP"), SCENE),
        (scene("PPM"), SCENE),
        (scene("TIFF"), SCENE),
        (scene("WEBP", lossless=True), SCENE),
        (turned("PNG"), np.rot90(SCENE, -1)),
        (turned("TIFF"), np.rot90(SCENE, -1)),
        (turned("PNG", 3), SCENE[::-1, ::-1]),
    ],
)
def test_one_rule_for_depths_palettes_alpha_and_turns(content, shown):
    np.testing.assert_array_equal(decode(content)[..., ::-1], shown)


def test_a_turned_jpeg_is_the_turned_picture():
    np.testing.assert_array_equal(decode(turned("JPEG")), np.rot90(decode(scene("JPEG")), -1))


def test_one_row_one_pixel_and_large_pictures():
    assert decode(cv2.imencode(".png", np.zeros((1, 500, 3), np.uint8))[1].tobytes()).shape == (1, 500, 3)
    assert decode(cv2.imencode(".jpg", np.zeros((1, 1, 3), np.uint8))[1].tobytes()).shape == (1, 1, 3)


@pytest.mark.slow
def test_a_large_picture_is_whole_for_both_decoders():
    content = cv2.imencode(".jpg", np.zeros((9500, 19000), np.uint8))[1].tobytes()  # beyond Pillow's own guard
    assert decode(content).shape == (9500, 19000, 3)
    assert open_with_pillow(content).size == (19000, 9500)


def test_the_limit_can_be_moved(monkeypatch):
    content = scene("PNG")
    monkeypatch.setenv(LIMIT_VARIABLE, "0.006")
    with pytest.raises(PictureFileError, match=r"96x64 pixels, 0\.0 megapixels; the limit is 0\.006"):
        decode(content)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.0062")
    assert decode(content).shape == (ROWS, COLUMNS, 3)
    for wrong in ("many", "-1", "nan", ""):
        monkeypatch.setenv(LIMIT_VARIABLE, wrong)
        with pytest.raises(PictureFileError, match=f"Expected the environment variable {LIMIT_VARIABLE}"):
            decode(content)


def test_floating_point_is_refused():
    numbers = SCENE.astype(np.float32) / 255
    for options in ([], [cv2.IMWRITE_TIFF_COMPRESSION, 1], [cv2.IMWRITE_TIFF_COMPRESSION, 5]):
        check_floats(cv2.imencode(".tiff", numbers, options)[1].tobytes())
    check_floats(saved(Image.fromarray(numbers[..., 0]), "TIFF"))


def check_floats(content):
    with pytest.raises(PictureFileError, match="floating point; scale them to"):
        decode(content)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.touch(), r"bad\.png \(0 bytes\) cannot be read: the file is empty"),
        (lambda path: path.write_text("text"), r"bad\.png \(4 bytes\) cannot be read: it is not a picture"),
        (lambda path: path.write_bytes(scene("TIFF")[:3000]), r"bad\.png .*: the TIFF is truncated"),
        (lambda path: path.mkdir(), r"Expected a picture file, got the folder .*bad\.png"),
    ],
)
def test_bad_files_are_named(tmp_path, write, message):
    write(tmp_path / "bad.png")
    with pytest.raises(PictureFileError, match=message):
        read(tmp_path / "bad.png")


@pytest.mark.parametrize(("name", "mode"), KINDS)
def test_the_stated_size(tmp_path, name, mode):
    (tmp_path / "a").write_bytes(scene(name, mode))
    assert stated_size(tmp_path / "a") == (COLUMNS, ROWS)


def test_the_stated_size_is_read_from_the_begin_if_it_is_there(tmp_path):
    picture = scene("JPEG")
    long = picture[:2] + (b"\xff\xe1" + (65000).to_bytes(2, "big") + bytes(64998)) * 2 + picture[2:]
    for content in (picture[:-50], scene("PNG")[:60], long):
        (tmp_path / "a").write_bytes(content)
        assert stated_size(tmp_path / "a") == (COLUMNS, ROWS)
    for content in (picture[:20], scene("PNG")[:30], b"", b"text", inflated_png(scene("PNG"), 60000, 60000)):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(PictureFileError, match=f"The picture {tmp_path / 'a'} cannot be read"):
            stated_size(tmp_path / "a")
    with pytest.raises(PictureFileError, match="got the folder"):
        stated_size(tmp_path)
    with pytest.raises(FileNotFoundError):
        stated_size(tmp_path / "none")


def test_a_missing_file_and_a_wrong_suffix(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.png does not exist"):
        read(tmp_path / "none.png")
    (tmp_path / "a.png").write_bytes(scene("BMP"))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), SCENE[..., ::-1])


@pytest.mark.process
def test_an_inflated_header_takes_no_memory():
    code = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from helpers.kinds_of_pictures import inflated_jpeg, inflated_png, scene
from mmfan.picture_files import PictureFileError, decode
for content in (inflated_png(scene("PNG"), 60000, 60000), inflated_jpeg(scene("JPEG"), 14000, 14000)):
    try:
        decode(content)
    except PictureFileError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS, check=True)
    assert done.stdout.count("\n") == 2


def refuse(*_, **__):
    raise cv2.error("OpenCV(9.9) somewhere.cpp:1: error: \n (-215) in function 'x'")


@pytest.mark.parametrize(
    ("imdecode", "message"),
    [
        (refuse, r"^OpenCV cannot decode it: OpenCV\(9\.9\) somewhere\.cpp:1: error: \(-215\) in function 'x'$"),
        (lambda *_: None, r"^OpenCV .* cannot decode this PNG: it is damaged, or of a rare kind$"),
        (lambda *_: SCENE[:-1], rf"^its header states {COLUMNS}x{ROWS} pixels, it holds {COLUMNS}x{ROWS - 1}$"),
        (lambda *_: SCENE[..., 0], rf"^its header states {COLUMNS}x{ROWS} pixels, it holds {COLUMNS}x{ROWS}$"),
    ],
)
def test_a_decoder_that_does_otherwise_than_the_header_says(monkeypatch, imdecode, message):
    """As old and new releases of OpenCV do with rare kinds of pictures."""
    content = scene("PNG")
    monkeypatch.setattr(cv2, "imdecode", imdecode)
    with pytest.raises(PictureFileError, match=message):
        decode(content)


def test_a_kind_of_picture_that_pillow_does_not_know():
    """A bitmap of seven bits a pixel: its parts fit together, and nobody writes such."""
    content = bytearray(scene("BMP"))
    content[28] = 7
    with pytest.raises(PictureFileError, match=r"^Pillow cannot open this BMP: .*\(7\)"):
        open_with_pillow(bytes(content))
