"""JPEG and pixelation: equal to the reference, to the last value."""

import numpy as np
import PIL
import pytest
from helpers.reference_corruptions import PHOTOGRAPHS, assert_close, levels_apart, photograph, reference
from PIL import Image

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.coding import _average_boxes, _boxes, _nearest
from mmfan.environment import EnvironmentMismatchError

# From Pillow 13 on, pictures much higher than wide are reduced along the columns first.
_ROWS_FIRST = [part for part in PHOTOGRAPHS if part != "tall" or int(PIL.__version__.split(".")[0]) < 13]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_jpeg_is_that_of_the_reference(severity: int) -> None:
    for part in PHOTOGRAPHS:
        image = photograph(part)
        ours = corrupt(image, "jpeg_compression", severity, 0)
        np.testing.assert_array_equal(ours, reference(image, "jpeg_compression", severity))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_jpeg_of_a_grey_picture(severity: int) -> None:
    image = photograph("chelsea")[..., 1].copy()
    # the reference would code two flat channels of colour beside it
    theirs = reference(image, "jpeg_compression", severity)
    assert levels_apart(corrupt(image, "jpeg_compression", severity, 0), theirs[..., 0]).max() <= 1


def test_an_opencv_without_jpeg_is_told_with_its_cure(monkeypatch) -> None:
    monkeypatch.setattr("mmfan.corruptions.coding.cv2.imencode", lambda *_: (False, None))
    with pytest.raises(EnvironmentMismatchError, match=r"it is built without\. Install it with `pip install opencv"):
        corrupt(photograph("chelsea"), "jpeg_compression", 1, 0)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_pixelate_is_that_of_the_reference(severity: int) -> None:
    for part in _ROWS_FIRST:
        image = photograph(part)
        np.testing.assert_array_equal(corrupt(image, "pixelate", severity, 0), reference(image, "pixelate", severity))
    tall = photograph("tall")
    # rounded after the other direction first: a level here and there
    assert_close(corrupt(tall, "pixelate", severity, 0), reference(tall, "pixelate", severity), share=0.2)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_boxes_and_repeats_are_those_of_pillow_at_many_lengths(severity: int) -> None:
    share = PARAMETERS["pixelate"][severity - 1]
    generator = np.random.default_rng(severity)
    for length in (*range(32, 200), *range(200, 2100, 7), 1024, 2048):
        count = int(length * share)
        line = generator.integers(0, 256, (1, length, 1), dtype=np.uint8)
        reduced = np.empty((1, count, 1), np.uint8)
        _average_boxes(line, *_boxes(1, 1), *_boxes(length, count), reduced)
        theirs = Image.fromarray(line[..., 0]).resize((count, 1), Image.Resampling.BOX)
        np.testing.assert_array_equal(reduced[..., 0], np.asarray(theirs))
        numbers = Image.fromarray(np.arange(count, dtype=np.int32)[None])
        repeated = np.asarray(numbers.resize((length, 1), Image.Resampling.NEAREST))[0]
        np.testing.assert_array_equal(_nearest(count, length), repeated)


def test_pixelate_by_hand() -> None:
    image = np.zeros((32, 32), np.uint8)
    image[:2, :2] = [[10, 21], [33, 45]]
    # half the side: means of 2 x 2, rows first with halves rounded up: (10 + 21) / 2 = 15.5 -> 16, 39; then 27.5 -> 28
    result = corrupt(image, "pixelate", 2, 0)
    np.testing.assert_array_equal(result[:2, :2], np.full((2, 2), 28))
    assert result[2:].max() == result[:, 2:].max() == 0
