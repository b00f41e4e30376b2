"""``corrupt``: one picture in, one corrupted picture out."""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np

from mmfan.corruptions.registry import Corruption, Picture, get_corruption
from mmfan.corruptions.seeding import SEED_LIMIT
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.utils.checks import whole_number

# Below this the lengths in pixels (blurs of 20 and more) have no meaning; the reference package has the same limit.
SMALLEST_SIDE = 32


def corrupt(image: Picture, name: str, severity: SupportsIndex, seed: SupportsIndex) -> Picture:
    """Corrupt a picture.

    The result depends on the arguments alone; no global generator is read or changed. The random draws are the same
    on any machine.

    Args:
        image: RGB picture (H, W, 3) or grey picture (H, W) or (H, W, 1) of uint8, both sides at least 32 pixels. It is
            not changed. Pictures read with OpenCV or by OpenMMLab are BGR: reverse their channels first.
        name: One of :data:`mmfan.corruptions.BUILT_IN`, or a name that was registered.
        severity: 1 (weakest) to 5.
        seed: 0 to 2**64 - 1; :func:`mmfan.corruptions.picture_seed` derives it from the name of a file. Types
            without randomness ignore it.

    Returns:
        A new picture of the same shape and type.

    Raises:
        UnknownCorruptionError: There is no corruption of that name.
        TypeError: ``image`` is no array of uint8, or severity or seed are no whole numbers.
        MMFanError: The shape, severity or seed is out of range, or a registered function returned something else than
            a picture of the same shape.
    """
    corruption = get_corruption(name)
    level = check_severity(corruption, severity)
    key = whole_number("seed", seed)
    if not 0 <= key < SEED_LIMIT:
        raise MMFanError(f"Expected a seed from 0 to 2**64 - 1, got {key}.")
    check_picture(image)

    flat = np.ascontiguousarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)
    source = flat.view()
    source.flags.writeable = False
    result = corruption.function(source, level, key)
    if not isinstance(result, np.ndarray) or result.dtype != np.uint8 or result.shape != flat.shape:
        got = f"{result.dtype} {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        raise MMFanError(f"The corruption {name!r} must return uint8 of the shape {flat.shape}, it returned {got}.")
    if np.shares_memory(result, flat):
        result = result.copy()
    return result.reshape(image.shape)


def check_severity(corruption: Corruption, severity: SupportsIndex) -> int:
    """The severity as an int.

    Raises:
        TypeError: It is no whole number.
        MMFanError: The corruption has no such severity.
    """
    level = whole_number("severity", severity)
    if level not in corruption.severities:
        raise MMFanError(
            f"{corruption.name} has the severities {', '.join(map(str, corruption.severities))}, got {level}."
            + (" The clean picture is the picture itself; it needs no call." if level == 0 else "")
        )
    return level


def check_picture(image: Picture) -> None:
    """Check that ``image`` can be corrupted.

    Raises:
        TypeError: It is no array of uint8.
        MMFanError: It is neither (H, W, 3) nor (H, W) nor (H, W, 1), or smaller than 32x32.
    """
    if not isinstance(image, np.ndarray):
        raise WrongTypeError(f"Expected a picture as a numpy array, got {type(image).__name__}.")
    if image.dtype != np.uint8:
        raise WrongTypeError(f"Expected a picture of uint8 (0 to 255), got {image.dtype}. Scale and round it first.")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        alpha = " Leave the alpha channel out (image[..., :3])." if image.ndim == 3 and image.shape[2] == 4 else ""
        raise MMFanError(f"Expected a picture of the shape (H, W, 3) or (H, W), got {image.shape}.{alpha}")
    if min(image.shape[:2]) < SMALLEST_SIDE:
        raise MMFanError(
            f"Expected both sides to be at least {SMALLEST_SIDE} pixels, got {image.shape[0]} rows x "
            f"{image.shape[1]} columns. Enlarge the picture first."
        )
