"""The reference package ``imagecorruptions`` as an oracle, and the photographs that it and mmfan are compared on.

Two ways of comparison: with the same random numbers (``reference_with``), where the pictures must agree value by value,
and over many seeds, where they must follow the same distribution (``picture_statistics``).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import pytest
from numba.core.registry import cpu_target
from numpy.typing import NDArray

from mmfan.corruptions.draws import NORMAL_ONE, normals

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    photographs = pytest.importorskip("skimage.data")
    package = pytest.importorskip("imagecorruptions")
    source = pytest.importorskip("imagecorruptions.corruptions")

# numba learns to know numpy's functions when it first compiles: that must not be while one of them is replaced
cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()

Picture = NDArray[np.uint8]
# (photograph, rows, columns): parts of what lies in scikit-image's wheel, so that nothing is downloaded
_PARTS = {
    "astronaut": ("astronaut", slice(0, 512, 2), slice(100, 355)),
    "chelsea": ("chelsea", slice(20, 191), slice(40, 353)),
    "coffee": ("coffee", slice(100, 301), slice(120, 421)),
    "rocket": ("rocket", slice(0, 427, 3), slice(0, 640, 4)),
    "least": ("coffee", slice(150, 182), slice(240, 272)),
    "odd": ("chelsea", slice(90, 123), slice(200, 247)),
    "wide": ("rocket", slice(300, 340), slice(0, 640)),
    "tall": ("astronaut", slice(0, 512), slice(200, 241)),
    "patch": ("chelsea", slice(100, 164), slice(180, 276)),
}
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "least", "odd", "wide", "tall")
SMALL = ("rocket", "least", "odd", "wide", "tall")


@cache
def photograph(name: str) -> Picture:
    """RGB, from 32x32 to 201x301 pixels, not writeable."""
    function, rows, columns = _PARTS[name]
    picture = np.ascontiguousarray(getattr(photographs, function)()[rows, columns])
    picture.flags.writeable = False
    return picture


def reference(image: Picture, name: str, severity: int, seed: int = 0) -> Picture:
    """What the reference makes of a picture; wherever it takes its draws from, they begin with ``seed``.

    Of the six textures of frost it is given only the first five, which are those of the code that published numbers
    were made with.
    """
    seeded = {"seed": seed} if name in ("impulse_noise", "glass_blur") else {}
    draw = np.random.randint

    def five_textures(low: int, high: int | None = None) -> int:
        return draw(5 if high is None else low, high)

    state = np.random.get_state()
    try:
        np.random.seed(seed)
        if name == "frost":
            return reference_with(image, name, severity, randint=five_textures)
        with quiet():
            return np.asarray(package.corrupt(image, severity=severity, corruption_name=name, **seeded))
    finally:
        np.random.set_state(state)


def reference_with(image: Picture, name: str, severity: int, **draws: Callable[..., Any]) -> Picture:
    """What the reference makes of a picture with functions of ``numpy.random`` replaced: ``uniform=...``."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet())
        for function, replacement in draws.items():
            stack.enter_context(mock.patch.object(np.random, function, replacement))
        return np.asarray(package.corrupt(image, severity=severity, corruption_name=name))


def our_normals(seed: int) -> Callable[..., NDArray[np.float64]]:
    """``numpy.random.normal``, with the draws that mmfan makes from the first streams of a seed."""

    def normal(loc: float = 0.0, scale: float = 1.0, size: tuple[int, ...] = ()) -> NDArray[np.float64]:
        return (normals(seed, 0, int(np.prod(size))) / NORMAL_ONE * scale + loc).reshape(size)

    return normal


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Neither prints nor warnings of the reference."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def levels_apart(one: Picture, other: Picture) -> NDArray[np.int64]:
    """By how many grey levels two pictures differ, value by value."""
    assert one.shape == other.shape
    return np.abs(one.astype(np.int64) - other)


def assert_close(one: Picture, other: Picture, share: float) -> None:
    """At most one level apart anywhere, and that in at most a share of the values (plus one value)."""
    apart = levels_apart(one, other)
    assert apart.max() <= 1
    assert (apart > 0).sum() <= share * apart.size + 1
