"""Amplitudes and phases: whose they are, identities, donors of the set and of a folder."""

import warnings

import cv2
import numpy as np
import pytest

from mmfan.datasets.augmentations import AmplitudeMix, mix_amplitudes
from mmfan.datasets.augmentations.amplitude import least_side
from mmfan.errors import MMFanError


def picture(seed, shape=(32, 40, 3)):
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.integers(0, 256, shape).astype(np.float64), (0, 0), 1.5)


def spectrum(image):
    return np.fft.fft2(image, axes=(0, 1))


def test_apr_has_the_amplitude_of_the_donor_and_the_phase_of_the_owner():
    own, donor = picture(0), picture(1)
    mixed = spectrum(mix_amplitudes(own, donor))
    np.testing.assert_allclose(np.abs(mixed), np.abs(spectrum(donor)), rtol=1e-5, atol=1e-5)
    turned = np.angle(mixed / spectrum(own))
    np.testing.assert_allclose(turned, 0, atol=1e-5)


def test_oneself_as_donor_changes_nothing():
    own = picture(0)
    for beta in (None, 0.0, 0.1, 0.5):
        np.testing.assert_allclose(mix_amplitudes(own, own, beta), own, atol=1e-9)


def test_beta_zero_changes_nothing():
    own = picture(0)
    np.testing.assert_allclose(mix_amplitudes(own, picture(1), 0.0), own, atol=1e-9)


def test_fda_swaps_a_square_about_the_zero_frequency():
    own, donor = picture(0), picture(1)
    mixed = np.abs(spectrum(mix_amplitudes(own, donor, 0.1)))  # half width floor(3.2) = 3
    rows, columns = np.abs(np.rint(np.fft.fftfreq(32) * 32)), np.abs(np.rint(np.fft.fftfreq(40) * 40))
    inside = (rows[:, None] <= 3) & (columns[None] <= 3)
    assert inside.sum() == 49
    np.testing.assert_allclose(mixed[inside], np.abs(spectrum(donor))[inside], rtol=1e-6)
    np.testing.assert_allclose(mixed[~inside], np.abs(spectrum(own))[~inside], rtol=1e-6)


def test_channels_do_not_mix():
    own, donor = picture(0), picture(1)
    other = donor.copy()
    other[..., 0] = 0
    np.testing.assert_allclose(mix_amplitudes(own, donor)[..., 1:], mix_amplitudes(own, other)[..., 1:], atol=1e-9)


def write(path, colour, size=(20, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), colour, np.uint8))
    return str(path)


def test_the_style_of_a_folder(tmp_path):
    write(tmp_path / "styles" / "below" / "a.png", (200, 100, 50))  # blue, green, red
    image = picture(0).astype(np.uint8)
    labels = np.zeros(image.shape[:2], np.uint8)
    step = AmplitudeMix(beta=0.04, styles=str(tmp_path / "styles"), prob=1)  # half width 1: means and slopes
    results = step.transform({"img": image, "gt_seg_map": labels})
    assert results["img"].dtype == np.uint8
    assert results["gt_seg_map"] is labels
    np.testing.assert_allclose(results["img"].mean((0, 1)), (200, 100, 50), atol=4)  # cut at 0 and 255


def test_the_style_of_the_set_is_another_picture(tmp_path):
    own = write(tmp_path / "town" / "own.png", 10)
    write(tmp_path / "city" / "other.png", 240)
    image = cv2.imread(own)
    step = AmplitudeMix(mode="apr", prob=1)
    changed = step.transform({"img": image, "img_path": own, "corruption_name_root": str(tmp_path)})["img"]
    assert np.abs(changed.astype(int) - 240).max() <= 1
    alone = step.transform({"img": image, "img_path": own})["img"]  # its folder holds no other
    assert np.array_equal(alone, image)


@pytest.mark.parametrize(("beta", "side"), [(0.01, 100), (0.09, 12), (0.07, 15), (0.05, 20), (0.5, 2)])
def test_from_which_side_on_fda_acts(beta, side):
    assert least_side(beta) == side
    rng = np.random.default_rng(2)
    for length, changes in ((side - 1, False), (side, True)):
        own, donor = rng.uniform(0, 255, (2, length, length + 3, 3))
        assert (np.abs(mix_amplitudes(own, donor, beta) - own).max() > 1) == changes


def test_pictures_that_are_too_small_are_told_of_once(tmp_path):
    write(tmp_path / "a.png", 200)
    step = AmplitudeMix(styles=str(tmp_path), prob=1)
    with pytest.warns(
        UserWarning, match=r"beta=0\.01\) leaves .* less than 100 pixels, and got one of 32: give a beta"
    ):
        step({"img": picture(0).astype(np.uint8)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step({"img": picture(0).astype(np.uint8)})
        for quiet in (AmplitudeMix(beta=0, prob=0), AmplitudeMix(mode="apr", prob=0), AmplitudeMix(beta=0.04, prob=0)):
            quiet({"img": picture(0).astype(np.uint8)})


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(MMFanError, match="`mode` to be one of fda, apr, got 'apx'"):
        AmplitudeMix(mode="apx")
    with pytest.raises(MMFanError, match=r"`beta` to be a number of 0 to 0\.5, got 0\.6"):
        AmplitudeMix(beta=0.6)
    with pytest.raises(FileNotFoundError, match="no folder of donors"):
        AmplitudeMix(styles=str(tmp_path / "none"))
    with pytest.raises(MMFanError, match="holds no picture"):
        AmplitudeMix(styles=str(tmp_path))
    with pytest.raises(MMFanError, match="by `img_path`, which this sample lacks"):
        AmplitudeMix(prob=1).transform({"img": picture(0)})
    with pytest.raises(MMFanError, match="donor of the picture's shape"):
        mix_amplitudes(picture(0), picture(0)[:4])
