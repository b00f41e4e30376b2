"""``corrupt``: what goes in, what comes out, and what it must leave alone."""

import random
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mmfan.corruptions import BUILT_IN, CBAR, CORRUPTIONS, IMAGENET_C, SEVERITIES, corrupt

RANDOM = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "glass_blur",
    "motion_blur",
    "snow",
    "frost",
    "fog",
    "spatter",
    "elastic_transform",
    *CBAR,
    *IMAGENET_C,
)
FIXED = tuple(name for name in CORRUPTIONS if name not in RANDOM)


def scene(height: int = 64, width: int = 80) -> NDArray[np.uint8]:
    """Smooth slopes, edges and a little texture."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([40 + 2 * x, 200 - 2 * y, 60 + (x // 12 + y // 9) % 2 * 120], axis=-1)
    image += (x * 7 + y * 13)[..., None] % 11
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", BUILT_IN)
@given(
    height=st.integers(32, 70),
    width=st.integers(32, 70),
    channels=st.sampled_from([(), (1,), (3,)]),
    severity=st.sampled_from(SEVERITIES),
    seed=st.integers(0, 2**64 - 1),
    layout=st.sampled_from(["plain", "fortran", "reversed", "strided"]),
)
@settings(max_examples=12)
def test_a_new_picture_of_the_same_shape_and_the_old_one_untouched(
    name: str, height: int, width: int, channels: tuple[int, ...], severity: int, seed: int, layout: str
) -> None:
    plain = np.random.default_rng(height * width).integers(0, 256, (height, width, *channels), dtype=np.uint8)
    image = {
        "plain": plain.copy(),
        "fortran": np.asfortranarray(plain),
        "reversed": plain[::-1, ::-1].copy()[::-1, ::-1],
        "strided": np.repeat(plain, 2, axis=1)[:, ::2],
    }[layout]
    image.flags.writeable = False
    result = corrupt(image, name, severity, seed)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert result.flags.writeable
    assert not np.shares_memory(result, image)
    np.testing.assert_array_equal(image, plain)
    np.testing.assert_array_equal(corrupt(plain, name, severity, seed), result)


@pytest.mark.parametrize("name", BUILT_IN)
def test_grey_pictures_of_two_and_three_axes_are_the_same(name: str) -> None:
    grey = scene()[..., 0].copy()
    for severity in SEVERITIES:
        flat = corrupt(grey, name, severity, 9)
        np.testing.assert_array_equal(corrupt(grey[..., None], name, severity, 9)[..., 0], flat)


@pytest.mark.parametrize(
    "name",
    [
        "defocus_blur",
        "gaussian_blur",
        "zoom_blur",
        "motion_blur",
        "glass_blur",
        "pixelate",
        "contrast",
        "elastic_transform",
        "fog",
        *(name for name in CBAR if name not in ("brownish_noise", "plasma_noise")),
    ],
)
def test_a_grey_picture_is_a_channel_of_its_coloured_form(name: str) -> None:
    grey = scene()[..., 2].copy()
    coloured = np.repeat(grey[..., None], 3, axis=2)
    for severity in SEVERITIES:
        np.testing.assert_array_equal(corrupt(grey, name, severity, 4), corrupt(coloured, name, severity, 4)[..., 1])


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_is_another_picture(name: str) -> None:
    image = scene()
    for severity in SEVERITIES:
        made = {corrupt(image, name, severity, seed).tobytes() for seed in (0, 1, 2, 2**64 - 1)}
        assert len(made) == 4
    assert corrupt(image, name, 3, np.uint64(7)).tobytes() == corrupt(image, name, np.int8(3), 7).tobytes()


@pytest.mark.parametrize("name", FIXED)
def test_types_without_randomness_ignore_the_seed(name: str) -> None:
    image = scene()
    np.testing.assert_array_equal(corrupt(image, name, 3, 0), corrupt(image, name, 3, 2**64 - 1))


@pytest.mark.parametrize("name", BUILT_IN)
def test_global_generators_are_neither_read_nor_changed(name: str) -> None:
    image = scene()
    np.random.seed(5)
    random.seed(5)
    before, before_python = np.random.get_state(), random.getstate()
    first = corrupt(image, name, 4, 1)
    after = np.random.get_state()
    assert before[0] == after[0]
    assert before[2:] == after[2:]
    np.testing.assert_array_equal(before[1], after[1])
    assert random.getstate() == before_python
    np.random.seed(6)
    np.testing.assert_array_equal(corrupt(image, name, 4, 1), first)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((64, 64, 3), np.float32), TypeError, "uint8 (0 to 255), got float32. Scale and round it first."),
        (np.zeros((64, 64, 3), np.int64), TypeError, "got int64"),
        ([[0] * 64] * 64, TypeError, "as a numpy array, got list"),
        (np.zeros((64, 64, 4), np.uint8), ValueError, "got (64, 64, 4). Leave the alpha channel out (image[..., :3])."),
        (np.zeros((64, 64, 2), np.uint8), ValueError, "of the shape (H, W, 3) or (H, W), got (64, 64, 2)."),
        (np.zeros((1, 64, 64, 3), np.uint8), ValueError, "got (1, 64, 64, 3)"),
        (np.zeros((0, 64, 3), np.uint8), ValueError, "at least 32 pixels, got 0 rows x 64 columns"),
        (np.zeros((64, 31), np.uint8), ValueError, "got 64 rows x 31 columns. Enlarge the picture first."),
    ],
)
def test_what_is_no_picture(image: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        corrupt(image, "fog", 1, 0)


@pytest.mark.parametrize("severity", [0, 6, -1, np.int64(9)])
def test_severities_that_are_out_of_range(severity: int) -> None:
    with pytest.raises(ValueError, match=rf"fog has the severities 1, 2, 3, 4, 5, got {severity}\."):
        corrupt(scene(), "fog", severity, 0)


@pytest.mark.parametrize("value", [2.5, 2.0, "2", None, True, np.float64(1)])
def test_severities_and_seeds_that_are_no_whole_numbers(value: object) -> None:
    with pytest.raises(TypeError, match="Expected `severity` to be a whole number"):
        corrupt(scene(), "fog", value, 0)
    with pytest.raises(TypeError, match="Expected `seed` to be a whole number"):
        corrupt(scene(), "fog", 1, value)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_that_are_out_of_range(seed: int) -> None:
    with pytest.raises(ValueError, match=r"from 0 to 2\*\*64 - 1, got"):
        corrupt(scene(), "fog", 1, seed)


def run(code: str) -> str:
    """Run Python in a fresh process; the last line it prints."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.process
@pytest.mark.slow
def test_the_names_alone_load_nothing() -> None:
    loaded = run("""
        import sys, mmfan.corruptions
        mmfan.corruptions.picture_seed(0, "a.png", "fog", 1)
        print([name for name in ("numba", "cv2", "torch", "mmengine", "PIL") if name in sys.modules])
    """)
    assert loaded == "[]"


@pytest.mark.process
@pytest.mark.slow
def test_works_without_torch_openmmlab_and_the_reference_and_a_second_process_compiles_nothing() -> None:
    # Blocked: importing any of them fails. Frost reads the textures of the reference without importing it.
    code = """
        import sys
        blocked = ("torch", "mmengine", "mmcv", "mmseg", "mmdet", "imagecorruptions", "scipy", "skimage", "PIL")
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in blocked and sys._getframe(2).f_code.co_name != "find_spec":
                    raise ImportError(f"{name} is blocked")
        sys.meta_path.insert(0, Blocker())
        import numpy as np
        from mmfan.corruptions import BUILT_IN, corrupt
        image = np.full((40, 48, 3), 120, np.uint8)
        for name in BUILT_IN:
            for picture in (image, image[..., 0]):
                corrupt(picture, name, 2, 1)
        from numba.core.dispatcher import Dispatcher
        loops = {id(loop): loop for key, module in sys.modules.items() if key.startswith("mmfan.corruptions.")
                 for loop in vars(module).values() if isinstance(loop, Dispatcher)}
        compiled = [loop.__name__ for loop in loops.values() if loop.stats.cache_misses]
        assert len(loops) > 15
        assert not any(name in sys.modules for name in blocked), "one of them was imported"
        print(compiled)
    """
    run(code)
    # the first process has left its machine code behind for the second
    assert run(code) == "[]"


def test_threads_give_the_same_pictures() -> None:
    from concurrent.futures import ThreadPoolExecutor

    jobs = [(name, severity) for name in BUILT_IN for severity in (1, 5)]
    alone = [corrupt(scene(), name, severity, 3) for name, severity in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: corrupt(scene(), job[0], job[1], 3), jobs))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_room_is_where_it_should_be() -> None:
    import mmfan.corruptions

    folder = Path(mmfan.corruptions.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    assert not re.search(r"^\s*(import|from) (torch|mm(engine|cv|seg|det))\b", code, re.MULTILINE)
