"""The ten types of ImageNet-C-bar: against outputs of their authors' code, in distribution, and their properties."""

import numpy as np
import pytest
from helpers.cbar_golden import GOLDEN, SEVERITIES, SIDE, photograph, their_field, with_their_draws
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mmfan.corruptions import CBAR, CBAR_STRENGTHS, CORRUPTIONS, corrupt, corruption_names, get_corruption, spectra
from mmfan.corruptions.angles import angle_of, cosine, sine

Image = NDArray[np.uint8]
_DRAWN_BY_SEED = ("blue_noise_sample", "brownish_noise")


def test_ten_beside_the_nineteen() -> None:
    assert len(CBAR) == 10
    assert not set(CBAR) & set(CORRUPTIONS)
    assert corruption_names()[:29] == CORRUPTIONS + CBAR
    assert set(CBAR_STRENGTHS) == set(CBAR)
    for name in CBAR:
        assert get_corruption(name).group == "cbar"
        strengths = CBAR_STRENGTHS[name]
        assert get_corruption(name).parameters == strengths
        assert list(strengths) == sorted(strengths)
        assert 0 < strengths[0] < strengths[-1] <= 10


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", [name for name in CBAR if name not in ("caustic_refraction", *_DRAWN_BY_SEED)])
def test_with_their_draws_the_pixels_are_theirs(name: str, severity: int) -> None:
    image, known = photograph()
    result = with_their_draws(image, name, GOLDEN[f"{name}/{severity}/parameters"])[::4, ::4]
    apart = np.abs(result.astype(int) - GOLDEN[f"{name}/{severity}/pixels_every_4th"])[known]
    # a value on the edge of a level may fall to either side, as float32 and float64 are mixed otherwise
    assert apart.max() <= 1
    assert (apart > 0).mean() < 2e-3


@pytest.mark.parametrize("severity", SEVERITIES)
def test_noise_drawn_by_its_spectrum_is_used_as_theirs(severity: int) -> None:
    image, known = photograph()
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    seed, threshold = GOLDEN[f"blue_noise_sample/{severity}/parameters"]
    kept = their_field(np.random.RandomState(int(seed)), np.hypot(rows, columns)) > threshold
    stored = GOLDEN[f"blue_noise_sample/{severity}/pixels_every_4th"]
    np.testing.assert_array_equal((image * kept[..., None])[::4, ::4][known], stored[known])
    assert threshold == pytest.approx(0.3 * CBAR_STRENGTHS["blue_noise_sample"][severity - 1] - 2.5)

    seed, sigma = GOLDEN[f"brownish_noise/{severity}/parameters"]
    twister, out = np.random.RandomState(int(seed)), np.empty_like(image)
    for channel in range(3):
        field = their_field(twister, 1 / (rows**2 + columns**2 + 1))
        spectra._add(image, field, sigma, channel, out)
    np.testing.assert_array_equal(out[::4, ::4][known], GOLDEN[f"brownish_noise/{severity}/pixels_every_4th"][known])
    assert sigma == pytest.approx(6.4 * CBAR_STRENGTHS["brownish_noise"][severity - 1])


def _water(image: Image, time: float, period: float, depth: float, light: float) -> Image:
    """Caustic refraction by vectors and angles, without any of our closed forms."""
    from scipy.ndimage import gaussian_filter

    height, width = image.shape[:2]
    place = np.moveaxis(np.mgrid[:height, :width], 0, -1) / period % 1 * 6.28318530718 - 250
    moved, total = place.copy(), np.ones((height, width))
    for n in range(5):
        t = time * (1 - 3.5 / (n + 1))
        y, x = moved[..., 0], moved[..., 1]
        moved = place + np.stack([np.cos(t - y) + np.sin(t + x), np.sin(t - x) + np.cos(t + y)], axis=-1)
        parts = place / (np.stack([np.sin(moved[..., 0] + t), np.cos(moved[..., 1] + t)], axis=-1) / 0.005)
        total += 1 / np.linalg.norm(parts, axis=-1)
    heights = gaussian_filter(np.clip(np.abs(1.17 - (total / 5) ** 1.4) ** 8, 0, 1), sigma=1)
    around = np.pad(heights, 1)
    down, right = around[2:, 1:-1] - around[:-2, 1:-1], around[1:-1, 2:] - around[1:-1, :-2]
    normal = np.stack([down, right, np.ones_like(down)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    incident = np.array([0.0, 0.0, 1.0])
    picture, out = np.pad(image / 255, ((99, 99), (99, 99), (0, 0))), np.empty(image.shape)
    for y in range(height):
        for x in range(width):
            ray = incident
            if normal[y, x, 2] < 0.999:
                angle = np.arccos(normal[y, x, 2])
                side = np.cross(incident, normal[y, x])
                across = np.cross(normal[y, x], side / np.linalg.norm(side))
                bent = np.arcsin(np.sin(angle) / 4)
                ray = np.cos(bent) * normal[y, x] + np.sin(bent) * across
            v, w = np.round(ray[:2] * depth, 3) + (y, x) + 99
            v, w = np.clip([v, w], 0, [height + 196, width + 196])
            top, left = int(v), int(w)
            over, under = (
                picture[row, left] * (left + 1 - w) + picture[row, left + 1] * (w - left) for row in (top, top + 1)
            )
            out[y, x] = over * (top + 1 - v) + under * (v - top) + (down[y, x] - right[y, x]) * light
    return (np.clip(out, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("severity", [1, 5])
def test_refraction_by_vectors_and_angles(severity: int) -> None:
    image, _ = photograph()
    numbers = GOLDEN[f"caustic_refraction/{severity}/parameters"]
    assert numbers[3:5] == pytest.approx(
        np.array([0.05 * SIDE, 0.2]) * CBAR_STRENGTHS["caustic_refraction"][severity - 1]
    )
    ours = with_their_draws(image, "caustic_refraction", numbers).astype(int)
    apart = np.abs(ours - _water(image, numbers[0], numbers[1], numbers[3], numbers[4]))
    assert (apart > 1).mean() < 1e-4  # where the slope is on the threshold, or the place on a thousandth
    assert (apart > 0).mean() < 2e-3


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", [name for name in CBAR if name != "caustic_refraction"])
def test_our_draws_are_as_strong_as_theirs(name: str, severity: int) -> None:
    """The signal-to-noise ratio over seeds; theirs is over six draws."""
    image, known = photograph()
    source = image[::4, ::4][known].astype(float)
    ratios = []
    for seed in range(24):
        result = corrupt(image, name, severity, seed)[::4, ::4][known]
        ratios.append(10 * np.log10(255**2 / np.mean((result - source) ** 2)))
    mean, deviation = GOLDEN[f"{name}/{severity}/psnr"]
    error = np.hypot(max(deviation, np.std(ratios)) / np.sqrt(6), np.std(ratios) / np.sqrt(24))
    # 0.3: a 16th of the pixels stands for all
    assert np.mean(ratios) == pytest.approx(mean, abs=3 * error + 0.3)


@given(height=st.integers(32, 90), width=st.integers(32, 90), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=25, deadline=None)
def test_fields_have_unit_deviation_and_the_slope_of_their_name(height: int, width: int, seed: int) -> None:
    blue, brown = spectra.blue_noise(height, width, seed), spectra.brownish_field(height, width, seed, 0)
    assert blue.shape == brown.shape == (height, width)
    assert (blue.std(), brown.std()) == pytest.approx((1, 1))
    assert blue.mean() == pytest.approx(0, abs=1e-12)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))

    def power(field: NDArray[np.float64], low: float, high: float) -> float:
        return float((np.abs(np.fft.fft2(field)) ** 2)[(frequency >= low) & (frequency < high)].mean())

    # amplitude of blue noise: proportional to the frequency; mean squares of the rings 0.1-0.2 and 0.3-0.4 are 1 : 5.3
    assert 3 < power(blue, 0.3, 0.4) / power(blue, 0.1, 0.2) < 9
    assert power(brown, 0, 0.1) > 100 * power(brown, 0.3, 0.4)


@given(height=st.integers(32, 200), width=st.integers(32, 200), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=20, deadline=None)
def test_what_each_does_to_a_flat_picture(height: int, width: int, seed: int) -> None:
    flat = np.full((height, width, 3), 100, np.uint8)
    lost = corrupt(flat, "blue_noise_sample", 3, seed)
    assert set(np.unique(lost)) <= {0, 100}
    assert (lost == lost[..., :1]).all()
    board = corrupt(flat, "checkerboard_cutout", 5, seed)
    assert set(np.unique(board)) <= {100, 128}
    for name in ("sparkles", "inverse_sparkles"):  # white is laid on, nothing is darkened
        assert corrupt(flat, name, 3, seed).min() >= 99
    perlin = corrupt(flat, "perlin_noise", 1, seed)  # the noise is between 1/2 and 1
    assert perlin.min() >= int(0.77 * 100 + 0.23 * 127)
    assert perlin.max() <= 0.77 * 100 + 0.23 * 255
    wave = corrupt(flat, "single_frequency_greyscale", 1, seed).astype(int)
    assert 100 - 20 <= wave.min() <= wave.max() <= 100 + 20
    ring = corrupt(flat, "cocentric_sine_waves", 1, seed).astype(int)
    assert 100 - 20 <= ring.min() <= ring.max() <= 100 + 20


def test_a_larger_picture_is_corrupted_alike() -> None:
    """The types with lengths follow the side: the mean square of the change is that of the small picture."""
    image, _ = photograph()
    large = image.repeat(3, 0).repeat(3, 1)
    for name in ("caustic_refraction", "perlin_noise", "plasma_noise", "inverse_sparkles", "brownish_noise"):
        change = [
            np.mean([np.mean((corrupt(picture, name, 3, seed).astype(float) - picture) ** 2) for seed in range(8)])
            for picture in (image, large)
        ]
        assert change[1] == pytest.approx(change[0], rel=0.35), name


@given(st.floats(-1e5, 1e5))
def test_sine_and_cosine(x: float) -> None:
    assert sine(x) == pytest.approx(np.sin(x), abs=1e-10)
    assert cosine(x) == pytest.approx(np.cos(x), abs=1e-10)


_LENGTHS = st.floats(-1e4, 1e4).filter(lambda length: length == 0 or abs(length) > 1e-200)


@given(_LENGTHS, _LENGTHS)
def test_angles(y: float, x: float) -> None:
    y, x = y + 0.0, x + 0.0  # of minus zero too
    assert angle_of(y, x) == pytest.approx(np.arctan2(abs(y) if y == 0 else y, x), abs=1e-8)
