"""Looking corruptions up by name, and adding one's own."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from mmfan.corruptions import (
    BUILT_IN,
    CBAR,
    CBAR_STRENGTHS,
    ENGINE_VERSION,
    GROUPS,
    IMAGENET_C,
    IMAGENET_C_PARAMETERS,
    PARAMETERS,
    UnknownCorruptionError,
    corrupt,
    corruption_names,
    get_corruption,
    register_corruption,
    unregister_corruption,
)

IMAGE = np.full((32, 40, 3), 100, np.uint8)


def invert(image: NDArray[np.uint8], severity: int, seed: int) -> NDArray[np.uint8]:
    return 255 - image


@pytest.fixture
def _added() -> Iterator[None]:
    register_corruption("inverted", invert, severities=(1, 2), group="tone", version="b")
    yield
    if "inverted" in corruption_names():
        unregister_corruption("inverted")


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_corruptions_know_what_they_are(name: str) -> None:
    corruption = get_corruption(name)
    assert corruption.function.__name__ == corruption.name == name
    if name in CBAR:
        assert corruption.group == "cbar"
        assert corruption.parameters == CBAR_STRENGTHS[name]
    elif name in IMAGENET_C:
        assert corruption.group == "digital"
        assert corruption.parameters == IMAGENET_C_PARAMETERS[name]
    else:
        assert name in GROUPS[corruption.group]
        assert corruption.parameters == PARAMETERS[name]
    assert corruption.version == ENGINE_VERSION


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("gausian_noise", "gaussian_noise"), ("Motion Blur", "motion_blur"), ("jpeg-compression", "jpeg_compression")],
)
def test_an_unknown_name_suggests_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(UnknownCorruptionError, match=re.escape(f"no corruption {wrong!r}. Did you mean {meant!r}?")):
        corrupt(IMAGE, wrong, 1, 0)


def test_an_unknown_name_like_none_lists_them_all() -> None:
    with pytest.raises(KeyError) as caught:
        get_corruption("zzzzzz")
    assert "Did you mean" not in str(caught.value)
    assert ", ".join(BUILT_IN) in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.usefixtures("_added")
def test_an_added_corruption_is_used_like_a_built_in_one() -> None:
    assert corruption_names() == (*BUILT_IN, "inverted")
    np.testing.assert_array_equal(corrupt(IMAGE, "inverted", 2, 0), 255 - IMAGE)
    assert get_corruption("inverted").group == "tone"
    assert get_corruption("inverted").version == "b"
    with pytest.raises(ValueError, match="inverted has the severities 1, 2, got 3"):
        corrupt(IMAGE, "inverted", 3, 0)
    with pytest.raises(UnknownCorruptionError, match="mean 'inverted'"):
        get_corruption("invertd")
    # a module that registers may be run twice
    register_corruption("inverted", invert)
    unregister_corruption("inverted")
    with pytest.raises(UnknownCorruptionError):
        corrupt(IMAGE, "inverted", 1, 0)


@pytest.mark.usefixtures("_added")
@pytest.mark.parametrize("name", ["fog", "clean", "inverted"])
def test_a_name_is_given_once(name: str) -> None:
    with pytest.raises(ValueError, match="is taken"):
        register_corruption(name, lambda image, severity, seed: image)


@pytest.mark.parametrize("name", ["", "two words", "a/b", "../x", "größer", 3])
def test_names_that_cannot_be_folders(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        register_corruption(name, invert)


@pytest.mark.parametrize("severities", [(), (0, 1), (2, 1), (1, 1), (1.0,), (True, 2)])
def test_severities_that_are_none(severities: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rising whole numbers from 1 on"):
        register_corruption("own", invert, severities=severities)


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="Expected a function"):
        register_corruption("own", 3)


def test_built_in_corruptions_stay() -> None:
    with pytest.raises(UnknownCorruptionError, match="'fog' has been added"):
        unregister_corruption("fog")


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (IMAGE.astype(float), "float64 (32, 40, 3)"),
        (IMAGE[:31], "uint8 (31, 40, 3)"),
        (IMAGE[..., 0], "uint8 (32, 40)"),
        (None, "NoneType"),
    ],
)
def test_a_function_that_returns_no_picture_of_the_same_shape(returned: object, got: str) -> None:
    register_corruption("own", lambda image, severity, seed: returned)
    try:
        with pytest.raises(ValueError, match=re.escape(f"it returned {got}")):
            corrupt(IMAGE, "own", 1, 0)
    finally:
        unregister_corruption("own")


def test_a_function_cannot_change_its_picture_nor_hand_it_back() -> None:
    def scribble(image: NDArray[np.uint8], severity: int, seed: int) -> NDArray[np.uint8]:
        image[:] = 0
        return image

    register_corruption("own", scribble)
    try:
        with pytest.raises(ValueError, match="read-only"):
            corrupt(IMAGE.copy(), "own", 1, 0)
    finally:
        unregister_corruption("own")
    register_corruption("own", lambda image, severity, seed: image)
    try:
        image = IMAGE.copy()
        result = corrupt(image, "own", 1, 0)
        assert not np.shares_memory(result, image)
        assert result.flags.writeable
    finally:
        unregister_corruption("own")
