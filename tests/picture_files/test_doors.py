"""Every door through which a picture enters: bad files are refused with their name, and no decoder sees them."""

import ast
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.kinds_of_pictures import SCENE, chunk, inflated_jpeg, inflated_png, saved, scene
from PIL import Image

from mmfan.datasets.corrupted.codec import decode_picture, picture_damage
from mmfan.datasets.prepare.camvid import SEGNET11, convert_pair
from mmfan.errors import MMFanError
from mmfan.evaluation.results.pictures import read_picture, read_shown
from mmfan.picture_files import read

PACKAGE = Path(__file__).parents[2] / "mmfan"
# Where a decoder may be called: in the reader, after its check, and on bytes that were encoded in the same function.
DECODERS = {"imdecode", "imread", "imreadmulti", "imdecodemulti", "imfrombytes", "imread_from_url", "VideoCapture"}
MAY_DECODE = {
    "picture_files/read.py",
    "corruptions/coding.py",
    "datasets/transforms/load_image.py",
    "datasets/transforms/load_labels.py",
    "datasets/transforms/loading.py",
    "picture_files/film.py",  # films have no other reader, and say so
    "datasets/classes/picture_form.py",  # what it encoded itself
}


def calls_of(path):
    """Names of the functions and methods that a module calls, ``Image.open`` as one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            yield "Image.open" if (owner, node.func.attr) == ("Image", "open") else node.func.attr


def test_no_other_module_decodes_files():
    decoding = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if not {*DECODERS, "Image.open"}.isdisjoint(calls_of(path))
    }
    assert decoding == MAY_DECODE


def damaged_animation():
    """An animated PNG with a changed byte in its last frame; OpenCV reads frames before it compares checksums."""
    pages = [Image.fromarray(np.roll(SCENE, shift, 1)) for shift in (0, 5)]
    content = bytearray(saved(pages[0], "PNG", save_all=True, append_images=pages[1:]))
    content[-200] ^= 255
    return bytes(content)


PNG = scene("PNG")
BAD = {
    "empty": b"",
    "text": b"not a picture",
    "cut.png": PNG[: len(PNG) // 2],
    "changed.png": PNG[:900] + bytes([PNG[900] ^ 1]) + PNG[901:],
    "moving.png": damaged_animation(),
    "without order.png": PNG[:33] + chunk(b"fdAT", bytes(40)) + PNG[33:],
    "inflated.png": inflated_png(PNG, 60000, 60000),
    "inflated.jpg": inflated_jpeg(scene("JPEG"), 60000, 60000),
    "little.jpg": inflated_jpeg(scene("JPEG"), 13000, 13000),
    "cut.jpg": scene("JPEG")[:-300],
    "cut.tif": scene("TIFF")[:-3000],
    "cut.bmp": scene("BMP")[:-300],
    "cut.ppm": scene("PPM")[:-300],
    "cut.webp": scene("WEBP")[:-300],
    "cut.jp2": scene("JPEG2000")[:-300],
}


def load_image(path):
    load_image = pytest.importorskip("mmfan.datasets.transforms.load_image")
    return load_image.LoadImageFromFile()({"img_path": str(path)})


def load_label(path):
    return pytest.importorskip("mmfan.datasets.transforms.load_labels").read_label(str(path))


def load_label_with_opencv(path):
    return pytest.importorskip("mmfan.datasets.transforms.load_labels").read_label(str(path), "cv2")


def for_inference(path):
    return pytest.importorskip("mmfan.apis.inference").read_picture(path)


def judged(path):
    """mmcv's own step, in a pipeline that is judged."""
    loading = pytest.importorskip("mmfan.datasets.transforms.loading")
    step = pytest.importorskip("mmcv.transforms").LoadImageFromFile()
    return loading.loading_of(step).clean({"img_path": str(path)})


def prepared(path):
    return convert_pair(path, path, path.with_name("image.png"), path.with_name("label.png"), SEGNET11)


def in_set_maker(path):
    try:
        return decode_picture(path.read_bytes())
    except MMFanError as error:
        raise MMFanError(f"{path}: {error}") from error  # as the maker does


DOORS = [
    read, load_image, load_label, load_label_with_opencv, for_inference, judged, prepared, in_set_maker, read_picture,
    read_shown,
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_bad_files_at_every_door(door, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("a decoder saw it"))
    for name, content in BAD.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(MMFanError, match=name):
            door(path)
        assert picture_damage(content) is not None
