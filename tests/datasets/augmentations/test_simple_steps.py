"""Waves, paint, masks, filters and maps of colour: identities, known answers, shares, what is refused."""

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from mmfan.datasets.augmentations import (
    AmplitudeMix,
    FourierWave,
    MaskBlocks,
    PaintByNumbers,
    RandomFilter,
    SmoothColour,
    SwapTextures,
    planar_wave,
)
from mmfan.datasets.augmentations.overlaps import OF_FAN_RECIPE
from mmfan.errors import MMFanError
from mmfan.training import AmplitudeMixHook


def picture(shape=(48, 64, 3)):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def sample():
    labels = np.repeat(np.array([0, 3, 255], np.uint8), 16)[:, None].repeat(64, 1)
    return {"img": picture(), "gt_seg_map": labels, "img_path": "a.png"}


NEVER = [
    FourierWave(prob=0), FourierWave(strength=0.0, prob=1), PaintByNumbers(prob=0), PaintByNumbers(alpha=0, prob=1),
    MaskBlocks(prob=0), MaskBlocks(ratio=0, prob=1), RandomFilter(prob=0), RandomFilter(sigma=0),
    SmoothColour(prob=0), SmoothColour(temperature=0),
    SwapTextures(prob=0), SwapTextures(prob=1, share=0), SwapTextures(prob=1, area=48 * 64),
]  # fmt: skip


@pytest.mark.parametrize("step", NEVER, ids=repr)
def test_nothing_to_do_is_the_identity(step):
    assert np.array_equal(step.transform(sample())["img"], picture())
    floats = {**sample(), "img": picture().astype(np.float32)}
    np.testing.assert_allclose(step.transform(floats)["img"], picture(), atol=1e-3)


@pytest.mark.parametrize(
    "kind", ["FourierWave", "PaintByNumbers", "MaskBlocks", "RandomFilter", "SmoothColour", "SwapTextures"]
)
def test_draws_are_those_of_numpy(kind):
    more = {"MaskBlocks": {"block": 8}, "SwapTextures": {"share": 0.5}}.get(kind, {})
    step = TRANSFORMS.build({"type": f"mmfan.{kind}", "prob": 1.0, **more})
    made = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        results = step.transform(sample())
        assert results["img"].dtype == np.uint8
        assert np.array_equal(results["gt_seg_map"], sample()["gt_seg_map"])
        made.append(results["img"])
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert eval(repr(step), {kind: type(step)}).__dict__.keys() == step.__dict__.keys()


def test_a_wave_is_of_length_one_and_one_frequency():
    wave = planar_wave((32, 32), 5, 0.0, 0.3)
    assert np.linalg.norm(wave) == pytest.approx(1)
    energy = np.abs(np.fft.fft2(wave)) ** 2
    assert energy[0, 5] + energy[0, -5] == pytest.approx(energy.sum())
    down = planar_wave((32, 64), 3, np.pi / 2, 0.0)  # cycles over the shorter side
    assert np.allclose(down, down[:, :1])
    assert np.argmax(np.abs(np.fft.rfft(down[:, 0]))) == 3


def test_the_strength_of_waves_is_that_of_the_paper():
    """Root mean square = strength / 32 of the full range, for any size; the mean of an exponential is its parameter."""
    step = FourierWave(strength=10)
    for shape in ((32, 32), (48, 200)):
        sizes = [np.sqrt(np.mean(step._wave(shape) ** 2)) for _ in range(3000)]
        assert np.mean(sizes) == pytest.approx(10 / 32, rel=0.06)


@pytest.mark.parametrize("kind", [PaintByNumbers, SwapTextures])
def test_labels_are_whole_numbers(kind):
    given = {**sample(), "gt_seg_map": sample()["gt_seg_map"].astype(np.float32)}
    with pytest.raises(
        MMFanError, match=r"needs whole numbers in the label map .gt_seg_map., got float32 in .* a\.png"
    ):
        kind(prob=1).transform(given)


def test_paint_is_the_colour_of_the_label():
    step = PaintByNumbers(alpha=1.0, least=1.0, prob=1)
    image = step.transform(sample())["img"]
    assert np.array_equal(image[:16], np.broadcast_to(step.colours[0], (16, 64, 3)))
    assert np.array_equal(image[16:32], np.broadcast_to(step.colours[3], (16, 64, 3)))
    assert np.array_equal(image[32:], picture()[32:])  # no label, no paint
    half = PaintByNumbers(alpha=0.5, least=0.5, prob=1).transform(sample())["img"]
    assert np.abs(half[:16] - (picture()[:16] / 2 + step.colours[0] / 2)).max() <= 0.5
    assert not np.array_equal(step.colours, PaintByNumbers(seed=1).colours)
    assert len(np.unique(step.colours[:19], axis=0)) == 19


def test_the_share_of_blocks_is_exact():
    step = MaskBlocks(ratio=0.7, block=16, prob=1, mean=(1.0, 2.0, 3.0))
    for _ in range(10):
        hidden = (step.transform({"img": np.full((48, 64, 3), 200, np.uint8)})["img"] == (3, 2, 1)).all(axis=2)
        blocks = hidden.reshape(3, 16, 4, 16).transpose(0, 2, 1, 3).reshape(12, -1)
        assert set(blocks.mean(axis=1)) <= {0.0, 1.0}
        assert blocks.all(axis=1).sum() == 8  # floor(0.7 * 12)


def test_a_filter_moves_nothing():
    """The kernel of a single bright pixel is centred on it: identity in the middle, the noise about it."""
    image = np.zeros((9, 9, 3), np.float32)
    image[4, 4] = 100
    total = np.zeros((9, 9))
    np.random.seed(0)
    for _ in range(400):
        total += RandomFilter(sigma=0.2).transform({"img": image.copy()})["img"].mean(axis=2)
    assert np.unravel_index(total.argmax(), total.shape) == (4, 4)
    assert total[4, 4] / 400 == pytest.approx(100, rel=0.05)
    assert total[:3].sum() == total[6:].sum() == 0


def test_the_filter_is_the_correlation_with_its_kernel(monkeypatch):
    noise = np.random.default_rng(1).standard_normal((3, 3, 3))
    monkeypatch.setattr(np.random, "uniform", lambda low, high: 0.01)
    monkeypatch.setattr(np.random, "standard_normal", lambda shape: noise)
    image = picture().astype(np.float32) / 2 + 50
    result = RandomFilter().transform({"img": image})["img"]
    for channel in range(3):
        kernel = 0.01 * noise[channel]
        kernel[1, 1] += 1
        assert result[20, 30, channel] == pytest.approx((image[19:22, 29:32, channel] * kernel).sum(), abs=1e-3)


def test_colours_are_mapped_alike_everywhere():
    step = SmoothColour()
    image = step.transform({"img": picture()})["img"]
    for channel in range(3):
        pairs = np.unique(np.stack((picture()[..., channel].ravel(), image[..., channel].ravel())), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1]  # one result a value
    curves = np.stack([step._curve() for _ in range(2000)])
    np.testing.assert_allclose(curves[:, [0, -1]], [[0, 1]] * 2000, atol=1e-9)  # ends stay
    # at x = 1/2 every odd k counts in full: 10 of 20, of variance 0.05 each; 127.5/255 lies between two levels
    assert np.var(curves[:, 128]) == pytest.approx(0.5, rel=0.25)


def test_what_is_wrong_is_named():
    with pytest.raises(MMFanError, match="`size` to be odd"):
        RandomFilter(size=4)
    with pytest.raises(MMFanError, match="`bandwidth` to be at most `cut`"):
        SmoothColour(cut=5)
    with pytest.raises(MMFanError, match="`least` to be at most `alpha`"):
        PaintByNumbers(alpha=0.2, least=0.5)
    with pytest.raises(MMFanError, match=r"label map of the picture, \(48, 64\) in 'gt_seg_map', got none"):
        PaintByNumbers().transform({"img": picture(), "img_path": "a.png"})
    with pytest.raises(MMFanError, match="`ratio` to be a number of 0 to 1"):
        MaskBlocks(ratio=1.5)
    with pytest.raises(MMFanError, match="`mean` to be three numbers"):
        MaskBlocks(mean=(1, 2))
    for mean in ((1, 2, float("nan")), (1, 2, 256), (1, 2, True), ("a", "b", "c"), 5, None):
        with pytest.raises(MMFanError, match="`mean` to be"):
            MaskBlocks(mean=mean)
    for make in (lambda: FourierWave(strength=float("inf")), lambda: SmoothColour(temperature=float("inf"))):
        with pytest.raises(MMFanError, match="to be a number of at least 0, got inf"):
            make()
    with pytest.raises(FileNotFoundError, match="no folder of donors nowhere"):
        SwapTextures(styles="nowhere")
    with pytest.raises(MMFanError, match="A wave needs 4 pixels"):
        FourierWave(prob=1).transform({"img": picture((3, 8, 3))})


@pytest.mark.parametrize(
    "step", [RandomFilter(), SmoothColour(), MaskBlocks(prob=1.0), FourierWave(prob=1.0)], ids=repr
)
def test_pictures_of_other_types_are_refused(step):
    """Of uint16 all above 255 would be cut off in silence."""
    for image in (picture().astype(np.uint16), picture() > 9, np.zeros((0, 3, 3), np.uint8)):
        with pytest.raises(
            MMFanError, match=rf"needs a picture of uint8 or of floats .* got {image.dtype} of {len(image)} x"
        ):
            step.transform({"img": image, "img_path": "a.png"})


def test_labels_of_no_class_are_not_painted():
    labels = np.full((48, 64), 3, np.int64)
    labels[0, :4] = -1, 255, 256, 300
    painted = PaintByNumbers(alpha=1, least=1, prob=1).transform({"img": picture(), "gt_seg_map": labels})["img"]
    assert (painted[0, :4] == picture()[0, :4]).all()
    assert (painted[1:] == painted[1, 1]).all()


def test_what_they_overlap():
    assert PaintByNumbers().overlaps == set()
    assert SwapTextures().overlaps == {"texture_swap", "texture_swap_grey"}
    assert FourierWave().overlaps == {"single_frequency_greyscale"}
    assert MaskBlocks().overlaps == {"checkerboard_cutout"}
    blurs, colours = {"defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"}, set(OF_FAN_RECIPE)
    assert RandomFilter().overlaps == blurs | colours
    assert SmoothColour().overlaps == AmplitudeMix().overlaps == AmplitudeMixHook().overlaps == colours
