"""ImageNet-C's own elastic transform: its parts against SciPy and by hand."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from mmfan.corruptions import IMAGENET_C, IMAGENET_C_PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.elastic import move_and_displace, smoothed

NAME = IMAGENET_C[0]
SIDE = 224


def street(height=SIDE, width=SIDE):
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 255 // width, y * 255 // height, 60 + (x // 12 + y // 9) % 2 * 120], axis=-1)
    return image.astype(np.uint8)


@pytest.mark.parametrize("severity", [1, 2, 3, 5])
def test_the_field_is_smoothed_as_by_scipy(severity):
    """With standard deviations of 171 pixels too, whose kernel is longer than the picture."""
    noise = np.random.default_rng(severity).uniform(-1, 1, (SIDE, SIDE)).astype(np.float32)
    amplitude, sigma, _ = IMAGENET_C_PARAMETERS[NAME][severity - 1]
    theirs = gaussian_filter(noise.astype(float), sigma, mode="reflect", truncate=3)
    np.testing.assert_allclose(smoothed(noise, sigma) * amplitude, theirs * amplitude, atol=2e-3)


def test_displaced_as_by_scipy():
    image = street()
    rng = np.random.default_rng(3)
    moves = rng.uniform(-20, 20, (3, 2)).astype(np.float32)
    field = np.stack([smoothed(rng.uniform(-1, 1, (SIDE, SIDE)).astype(np.float32), 3) * 40 for _ in range(2)], -1)
    # the points of the source: middle and a third of the side, 112 and 74
    points = np.array([[186, 186], [186, 38], [38, 38]], np.float32)
    affine = cv2.getAffineTransform(points, points + moves)
    moved = cv2.warpAffine(image.astype(np.float32) / 255, affine, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
    y, x = np.mgrid[:SIDE, :SIDE]
    places = np.stack([y + field[..., 0], x + field[..., 1]])
    theirs = np.stack([map_coordinates(moved[..., c], places, order=1, mode="reflect") for c in range(3)], -1)
    theirs = (np.clip(theirs, 0, 1) * 255).astype(np.uint8)
    apart = np.abs(move_and_displace(image, moves, field).astype(int) - theirs)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.03


def test_nothing_moved_is_the_picture():
    image = street(64, 90)
    still = move_and_displace(image, np.zeros((3, 2), np.float32), np.zeros((64, 90, 2), np.float32))
    np.testing.assert_array_equal(still, image)


def test_severities_are_not_in_order():
    """The first two move the points far, up to 24 and 49 pixels; the others ripple, by less than they do."""
    x = np.mgrid[:SIDE, :SIDE][1]
    ramp = np.repeat(x[..., None], 3, 2).astype(np.uint8)
    change = [
        np.mean([np.abs(corrupt(ramp, NAME, severity, seed).astype(float) - ramp).mean() for seed in range(12)])
        for severity in SEVERITIES
    ]
    assert change[1] > change[0] > max(change[2:])


def test_larger_pictures_move_as_far_for_their_size():
    """The mean of the change of a smooth picture is about the same at two sizes."""

    def change(picture):
        return np.mean([np.abs(corrupt(picture, NAME, 2, seed).astype(float) - picture).mean() for seed in range(12)])

    y, x = np.mgrid[:SIDE, :SIDE]
    small = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    assert change(cv2.resize(small, (448, 448))) == pytest.approx(change(small), rel=0.1)
