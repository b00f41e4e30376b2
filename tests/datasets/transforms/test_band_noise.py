"""mmfan.BandNoise: all of the energy in the band, bands orthogonal, sides of rings, seeds by name."""

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from mmfan.datasets.transforms.band_noise import BandNoise, band_mask, band_noise

SHAPES = [(64, 64), (48, 96), (33, 50)]


def sample(path="a/one.png", shape=(48, 96)):
    return {"img": np.full((*shape, 3), 128, np.uint8), "img_path": path}


@pytest.mark.parametrize("shape", SHAPES)
def test_energy_outside_the_ring_is_nothing(shape):
    noise = band_noise(shape, 0.5, 0.1, seed=1)
    assert noise.dtype == np.float64
    assert noise.shape == (*shape, 3)
    # full spectrum, by a definition of the ring that is not the one under test
    spectrum = np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2
    down, across = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1]), indexing="ij")
    radius = 2 * np.maximum(abs(down), abs(across))
    outside = (radius < 0.45 - 1e-6) | (radius > 0.55 + 1e-6)
    assert spectrum[outside].sum() / spectrum.sum() < 1e-20


@pytest.mark.parametrize("shape", SHAPES)
def test_bands_are_orthogonal_and_add_up_to_the_signs(shape):
    middles = [0.05 + 0.1 * number for number in range(10)]
    parts = [band_noise(shape, middle, 0.1, seed=7) for middle in middles]
    for one in range(10):
        for other in range(one):
            assert abs(np.vdot(parts[one], parts[other])) < 1e-8
    np.testing.assert_allclose(np.abs(sum(parts)), 1.0, atol=1e-9)
    counts = sum(band_mask(shape, middle, 0.1).astype(int) for middle in middles)
    assert (counts == 1).all()


def test_share_of_the_coefficients():
    # rings of figure 2b at 224 pixels: 2.5 % of the coefficients at 0.1 pi, 22 % at 0.9 pi with the width 0.127 pi
    shares = [np.mean(band_noise((224, 224), f, 0.4 / np.pi, seed=0) ** 2) for f in (0.1, 0.9)]
    assert shares == pytest.approx([0.025, 0.225], abs=0.004)


def test_equal_energy():
    for middle in (0.1, 0.5, 0.9):
        assert np.sqrt(np.mean(band_noise((64, 80), middle, 0.1, 0, energy="equal") ** 2)) == pytest.approx(1)


def test_rectangle_and_its_transpose_have_the_same_band():
    wide, high = (
        np.fft.ifftshift(np.abs(np.fft.fft2(band_noise(s, 0.3, 0.1, 2, 1)[..., 0]))) for s in ((32, 64), (64, 32))
    )
    np.testing.assert_array_equal(wide > 1e-9, (high > 1e-9).T)


def test_strength_in_standard_deviations_of_the_channels():
    step = TRANSFORMS.build(
        {"type": "mmfan.BandNoise", "frequency": 0.5, "energy": "equal", "eps": 0.2, "clamp": False}
    )
    out = step.transform(sample(shape=(128, 128)))["img"]
    assert out.dtype == np.float32
    # BGR: blue first
    np.testing.assert_allclose((out - 128.0).std(axis=(0, 1)), 0.2 * np.array([57.375, 57.12, 58.395]), rtol=0.02)


def test_clamped_to_whole_numbers():
    out = BandNoise(0.5, eps=20).transform(sample())["img"]
    assert out.dtype == np.uint8
    assert out.min() == 0
    assert out.max() == 255
    np.testing.assert_array_equal(BandNoise(0.5, eps=0).transform(sample())["img"], sample()["img"])


def test_the_name_decides():
    step = BandNoise(0.5)
    first = step.transform(sample())["img"]
    other = step.transform(sample("a/two.png"))["img"]
    np.testing.assert_array_equal(step.transform(sample())["img"], first)
    assert (other != first).any()
    assert (BandNoise(0.5, seed=1).transform(sample())["img"] != first).any()


def test_grey_pictures():
    out = BandNoise(0.5).transform({"img": np.full((48, 96), 128, np.uint8), "img_path": "x.png"})["img"]
    assert out.shape == (48, 96)
    assert out.std() > 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frequency": 1.2}, "`frequency` to be a number of 0 to 1, got 1.2"),
        ({"frequency": 0.5, "width": 0}, "`width` to be above 0"),
        ({"frequency": 0.5, "eps": -1}, "`eps` to be a number of at least 0"),
        ({"frequency": 0.5, "energy": "loud"}, "raw, equal, got 'loud'"),
        ({"frequency": 0.5, "std": (1, 2)}, "three numbers"),
    ],
)
def test_bad_arguments(settings, message):
    with pytest.raises(ValueError, match=message):
        BandNoise(**settings)


def test_what_a_sample_lacks():
    with pytest.raises(ValueError, match="found no 'img'"):
        BandNoise(0.5).transform({"img_path": "x.png"})
    with pytest.raises(ValueError, match="`img_path`, which this sample lacks"):
        BandNoise(0.5).transform({"img": sample()["img"]})
    with pytest.raises(ValueError, match=r"has no frequency in the band of 0\.05 pi"):
        band_noise((8, 8), 0.05, 0.02, 0)
