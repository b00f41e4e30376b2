import cv2
import numpy as np
import pytest

pytest.importorskip("mmcv")
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile

from mmfan.datasets import LoadImageFromFile
from mmfan.datasets.transforms import load_image


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "street.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    return path


@pytest.mark.parametrize("arguments", [{}, {"to_float32": True}, {"color_type": "grayscale"}])
def test_same_as_mmcv(picture, arguments):
    ours = LoadImageFromFile(**arguments)({"img_path": str(picture)})
    theirs = MMCVLoadImageFromFile(**arguments)({"img_path": str(picture)})
    assert ours.keys() == theirs.keys()
    np.testing.assert_array_equal(ours["img"], theirs["img"])
    assert (ours["img_shape"], ours["ori_shape"]) == ((40, 60), (40, 60))
    assert ours["img"].dtype == theirs["img"].dtype


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
def test_a_bad_file_is_named(picture, backend, share):
    content = picture.read_bytes()
    picture.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=f"Cannot read the picture {picture} with the backend '{backend}'"):
        LoadImageFromFile(imdecode_backend=backend)({"img_path": str(picture)})
    assert LoadImageFromFile(imdecode_backend=backend, ignore_empty=True).transform({"img_path": str(picture)}) is None


def test_no_picture_at_all(picture):
    picture.write_text("not a picture")
    with pytest.raises(ValueError, match=f"Cannot read the picture {picture}"):
        LoadImageFromFile()({"img_path": str(picture)})
    with pytest.raises(FileNotFoundError, match=str(picture.with_name("none.png"))):
        LoadImageFromFile()({"img_path": str(picture.with_name("none.png"))})


def test_a_missing_file_is_passed_over_on_request(picture):
    missing = {"img_path": str(picture.with_name("none.png"))}
    assert LoadImageFromFile(ignore_empty=True).transform(missing) is None


def test_a_decoder_that_gives_up_without_a_word(picture, monkeypatch):
    """As OpenCV does with pictures whose bytes fit together and whose kind it does not know."""
    monkeypatch.setattr(load_image.mmcv, "imfrombytes", lambda *_, **__: None)
    with pytest.raises(ValueError, match=f"Cannot read the picture {picture} .* What is wrong: the decoder gave up"):
        LoadImageFromFile()({"img_path": str(picture)})


def test_a_file_client_of_old_configs(picture):
    with pytest.warns(DeprecationWarning, match="file_client_args"):
        step = LoadImageFromFile(file_client_args={"backend": "disk"})
    np.testing.assert_array_equal(step({"img_path": str(picture)})["img"], cv2.imread(str(picture)))


def test_unknown_argument():
    with pytest.raises(TypeError, match="to_float"):
        LoadImageFromFile(to_float=True)
