"""Label images without OpenMMLab: palettes, 16 bits, ids that are none."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmfan.datasets.label_files import as_bytes, read_label_image, refuse_outside

LABEL = np.array([[0, 1, 18], [5, 255, 7]], np.uint8)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_numbers_as_they_are(tmp_path, kind):
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, LABEL.astype(kind))
    read = read_label_image(path)
    assert (read == LABEL).all()
    label = as_bytes(read, path, 19)
    assert label.dtype == np.uint8
    assert (label == LABEL).all()


def test_of_a_palette_the_numbers(tmp_path):
    image = Image.fromarray(LABEL, mode="P")
    image.putpalette([7] * 768)
    image.save(tmp_path / "a.png")
    assert (read_label_image(str(tmp_path / "a.png")) == LABEL).all()


def test_two_levels_are_the_classes_0_and_1(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read_label_image(str(tmp_path / "a.png")).tolist() == [[1, 0]]


def test_refuses(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.png does not exist"):
        read_label_image(str(tmp_path / "none.png"))
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ValueError, match=r"Cannot read the label image .*cut\.png \(8 bytes\)"):
        read_label_image(str(tmp_path / "cut.png"))
    cv2.imwrite(str(tmp_path / "rgb.png"), np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match=r"rgb\.png has the shape \(2, 3, 3\)"):
        read_label_image(str(tmp_path / "rgb.png"))
    with pytest.raises(ValueError, match=r"a\.png holds ids outside 0\.\.18 and 255 \(ignored\): 26001"):
        as_bytes(np.array([[26001]], np.uint16), "a.png", 19)
    with pytest.raises(ValueError, match=r"a\.png holds ids outside 0\.\.4 .*: 5, 7, 18"):
        refuse_outside(LABEL, "a.png", 5)
