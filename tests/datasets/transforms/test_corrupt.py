"""mmfan.Corrupt: the bytes of the file, in the order of channels that OpenMMLab has."""

from collections import Counter

import cv2
import numpy as np
import pytest

pytest.importorskip("mmcv")
from mmcv.transforms.utils import cache_random_params

from mmfan.corruptions import COMMON, corrupt, picture_seed, register_corruption, unregister_corruption
from mmfan.datasets import Corrupt
from mmfan.datasets.transforms.corrupt import CORRUPTION_META_KEYS, corrupt_bgr, named_draws
from mmfan.registry import TRANSFORMS

NAME = "val/ulm/ulm_000000_000000_leftImg8bit.png"
PATH = f"data/cityscapes/leftImg8bit/{NAME}"


def picture(height=40, width=56, seed=0, channels=3):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def sample(image=None, path=PATH, **more):
    return {"img": picture() if image is None else image, "img_path": path, **more}


def no_red(image, severity, seed):
    """Takes the first channel away, which is red in RGB; grey pictures are inverted."""
    result = 255 - image if image.ndim == 2 else image.copy()
    if image.ndim == 3:
        result[..., 0] = 0
    return result


def stamp(image, severity, seed):
    """Writes severity and seed into the first pixels."""
    result = image.copy()
    result.reshape(-1)[:9] = [severity, *seed.to_bytes(8, "little")]
    return result


@pytest.fixture(autouse=True)
def _registered():
    register_corruption("no_red", no_red, severities=(1, 2))
    register_corruption("stamp", stamp)
    yield
    unregister_corruption("no_red")
    unregister_corruption("stamp")


def test_bgr_in_and_out():
    image = picture()
    before = image.copy()
    result = Corrupt("no_red", 1)(sample(image))["img"]
    assert not result[..., 2].any()  # red is last in BGR
    np.testing.assert_array_equal(result[..., :2], image[..., :2])
    np.testing.assert_array_equal(image, before)
    assert result.flags.c_contiguous


def test_the_colour_of_mud_is_brown_not_blue():
    image = np.full((64, 96, 3), 255, np.uint8)
    change = 255.0 - Corrupt("spatter", 5)(sample(image))["img"].mean(axis=(0, 1))
    assert change[0] > change[2] + 1  # mud takes more blue than red away from white


@pytest.mark.parametrize("corruption", ["gaussian_noise", "motion_blur", "spatter", "saturate", "jpeg_compression"])
def test_same_bytes_as_the_file(tmp_path, corruption):
    image = picture(48, 64)
    rgb = np.ascontiguousarray(image[..., ::-1])
    file = tmp_path / "made.png"
    cv2.imwrite(str(file), corrupt(rgb, corruption, 3, picture_seed(7, NAME, corruption, 3))[..., ::-1])
    done = Corrupt(corruption, 3, seed=7)(sample(image))
    np.testing.assert_array_equal(done["img"], cv2.imread(str(file)))
    assert {key: done[key] for key in CORRUPTION_META_KEYS} == {
        "corruption": corruption,
        "severity": 3,
        "corruption_seed": picture_seed(7, NAME, corruption, 3),
    }


@pytest.mark.parametrize(
    ("path", "root", "in_sample", "name"),
    [
        (PATH, None, None, NAME),
        ("coco/val2017/000000000139.jpg", None, None, "val2017/000000000139.jpg"),
        ("photos/a/b.jpg", None, None, "b.jpg"),
        ("photos/a/b.jpg", "photos", None, "a/b.jpg"),
        ("photos/a/b.jpg", None, "photos/a", "b.jpg"),
        ("photos/a/b.jpg", "photos", "photos/a", "a/b.jpg"),
    ],
)
def test_name_that_the_seed_is_derived_from(path, root, in_sample, name):
    more = {} if in_sample is None else {"corruption_name_root": in_sample}
    done = Corrupt("stamp", 2, seed=5, root=root)(sample(path=path, **more))
    assert done["corruption_seed"] == picture_seed(5, name, "stamp", 2)
    written = np.ascontiguousarray(done["img"][..., ::-1]).reshape(-1)[:9].tolist()
    assert written == [2, *done["corruption_seed"].to_bytes(8, "little")]


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1)])
def test_grey_pictures(shape):
    image = picture(40, 50, channels=0).reshape(shape)
    np.testing.assert_array_equal(Corrupt("no_red", 1)(sample(image))["img"], 255 - image)
    assert Corrupt("gaussian_noise", 1)(sample(image))["img"].shape == shape


def test_a_view_that_is_not_contiguous():
    image = picture(40, 100)[:, ::2]
    expected = corrupt_bgr(np.ascontiguousarray(image), "contrast", 2, 0)
    np.testing.assert_array_equal(corrupt_bgr(image, "contrast", 2, 0), expected)


def test_clean_is_the_identity():
    image = picture()
    done = Corrupt("clean", 0)(sample(image))
    assert done["img"] is image
    assert [done[key] for key in CORRUPTION_META_KEYS] == ["clean", 0, None]


def test_the_sample_may_say_what_it_gets():
    transform = Corrupt(seed=3)
    done = transform(sample(corruption="stamp", severity=4))
    assert done["corruption_seed"] == picture_seed(3, NAME, "stamp", 4)
    assert transform(sample(corruption="clean", severity=0))["corruption"] == "clean"
    with pytest.raises(ValueError, match=f"the sample of {PATH} names none"):
        transform(sample())
    with pytest.raises(ValueError, match="Did you mean 'fog'"):
        transform(sample(corruption="fogg", severity=1))


def cells(transform, count, path=lambda number: PATH):
    image = picture(32, 32)
    return [
        (done["corruption"], done["severity"], done["corruption_seed"])
        for done in (transform(sample(image, path(number))) for number in range(count))
    ]


def test_sampled_cells_are_equally_likely():
    """2000 draws: each count within five standard deviations of the binomial distribution."""
    np.random.seed(0)
    found = cells(Corrupt(["stamp", "no_red"], [1, 2], seed=None, prob=0.6), 2000)
    counts = Counter((corruption, severity) for corruption, severity, _ in found)
    assert set(counts) == {("clean", 0), ("stamp", 1), ("stamp", 2), ("no_red", 1), ("no_red", 2)}
    for cell, count in counts.items():
        share = 0.4 if cell[0] == "clean" else 0.15
        assert abs(count - 2000 * share) < 5 * (2000 * share * (1 - share)) ** 0.5, cell
    seeds = [seed for _, _, seed in found if seed is not None]
    assert len(set(seeds)) == len(seeds)
    assert 0 <= min(seeds) < 2**60
    assert 2**63 < max(seeds) < 2**64


def test_sampling_follows_numpys_generator_and_takes_equal_steps():
    runs = []
    for prob in (0.5, 0.5, 0.0):
        np.random.seed(11)
        found = cells(Corrupt("stamp", [1, 2, 3], seed=None, prob=prob), 20)
        runs.append((found, np.random.random()))
    assert runs[0] == runs[1]
    assert runs[0][1] == runs[2][1]  # what comes after does not depend on what was chosen
    assert len({cell for cell in runs[0][0] if cell[0] != "clean"}) > 5


def test_sampling_with_a_seed_depends_on_the_name_alone():
    transform = Corrupt(["stamp", "no_red"], [1, 2], seed=4, prob=0.5)

    def path(number):
        return f"leftImg8bit/val/a/{number}.png"

    first = cells(transform, 200, path)
    np.random.seed(5)
    backwards = cells(transform, 200, lambda number: path(199 - number))
    assert first == backwards[::-1]
    assert len({cell[:2] for cell in first}) == 5
    assert first != cells(Corrupt(["stamp", "no_red"], [1, 2], seed=5, prob=0.5), 200, path)


def test_named_draws_are_uniform():
    draws = np.array([named_draws(0, f"{number}.png") for number in range(2000)])
    assert ((draws >= 0) & (draws < 1)).all()
    assert np.abs(draws.mean(axis=0) - 0.5).max() < 5 / (12 * 2000) ** 0.5
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.1


def test_randomness_can_be_shared_as_mmcv_does():
    transform = Corrupt("common", [1, 2, 3, 4, 5], seed=None)
    with cache_random_params(transform):
        first, second = (transform._fresh_draws() for _ in range(2))
    assert first == second
    assert first != transform._fresh_draws()


def test_a_group_for_training():
    transform = TRANSFORMS.build({"type": "Corrupt", "corruption": "common", "severity": [1, 2, 3], "seed": None})
    assert transform.choices.corruptions == COMMON
    done = transform({"img": picture()})  # no path needed
    assert done["corruption"] in COMMON
    np.testing.assert_array_equal(
        corrupt_bgr(picture(), done["corruption"], done["severity"], done["corruption_seed"]), done["img"]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"corruption": "fogg", "severity": 1}, "Did you mean 'fog'"),
        ({"corruption": "fog", "severity": 6}, "fog has the severities 1, 2, 3, 4, 5, got 6"),
        ({"corruption": "fog", "severity": 0}, "it goes with corruption='clean'"),
        ({"corruption": "fog"}, "Expected corruption and severity together"),
        ({"severity": 1}, "Expected corruption and severity together"),
        ({"prob": 0.5}, "`prob` is for a corruption of the transform's own"),
        ({"corruption": "fog", "severity": 1, "seed": -1}, "Expected `seed`"),
        ({"corruption": "fog", "severity": 1, "prob": 2}, "Expected `prob`"),
    ],
)
def test_bad_arguments(arguments, said):
    with pytest.raises(ValueError, match=said):
        Corrupt(**arguments)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_that_are_whole_numbers_are_corrupted_as_bytes(kind):
    image = picture()
    seen = {"img": image.astype(kind), "img_path": PATH}
    done = Corrupt("fog", 3)(seen)["img"]
    assert done.dtype == kind
    np.testing.assert_array_equal(done, Corrupt("fog", 3)({"img": image, "img_path": PATH})["img"])


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (picture().astype(np.float32) / 2, r"uint8.*, got float32.*Place it directly after"),
        (np.where(picture() < 2, np.nan, 300), r"uint8.*, got float64"),
        (picture(channels=4), r"got \(40, 56, 4\)"),
        (picture(8, 56), "at least 32 pixels, got 8 rows"),
        (None, "as a numpy array, got list"),
    ],
)
@pytest.mark.parametrize("cell", [("fog", 1), ("clean", 0)])
def test_bad_pictures_are_named(image, said, cell):
    with pytest.raises(ValueError, match=f"cannot corrupt the picture {PATH}: .*{said}"):
        Corrupt(*cell)({"img": [1] if image is None else image, "img_path": PATH})


def test_no_picture_and_no_path():
    with pytest.raises(ValueError, match=f"no 'img' in the sample of {PATH}: place it after the step"):
        Corrupt("fog", 1)({"img_path": PATH})
    for missing in ({}, {"img_path": None}):
        with pytest.raises(ValueError, match="from `img_path`, which this sample lacks"):
            Corrupt("fog", 1)({"img": picture(), **missing})
    with pytest.raises(ValueError, match="is not inside"):
        Corrupt("fog", 1, root="elsewhere")(sample())


def test_repr_says_all():
    assert (
        repr(Corrupt("noise", [1, 2], seed=None, prob=0.5))
        == "Corrupt(corruption='noise', severity=[1, 2], seed=None, root=None, prob=0.5)"
    )
