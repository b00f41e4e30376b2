"""Frost: a photograph of ice over the picture.

The textures are read from the files of the installed package ``imagecorruptions`` (``imagecorruptions-imaug`` is its
maintained form); its code is not imported.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan import picture_files
from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import below
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

# The package has a sixth, which the code that published numbers were made with never chooses.
TEXTURES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
# the larger scaled ones of a street scene take 11 MB each
_KEPT = len(TEXTURES)


def frost(image: Picture, severity: int, seed: int) -> Picture:
    """Add a random cut of one of five photographs of frost.

    The photograph is enlarged to cover the picture, if it must be, and by a tenth in any case. Of the six textures only
    five are used, as by the code that published numbers were made with. A grey picture gets the grey form of the
    texture.

    Source: ImageNet-C, ``clip(a * x + b * texture)``.

    Raises:
        FileNotFoundError: The textures are not installed.
    """
    weight, texture_weight = PARAMETERS["frost"][severity - 1]
    height, width = image.shape[:2]
    texture = _scaled(below(seed, 0, len(TEXTURES)), height, width)
    top = below(seed, 1, texture.shape[0] - height)
    left = below(seed, 2, texture.shape[1] - width)
    cut = texture[top : top + height, left : left + width]
    if image.ndim == 2:
        # the reference weighs the channels in the order they have in OpenCV: blue as red, red as blue
        covered = weight * image + texture_weight * (cut[..., ::-1] @ np.array([0.2989, 0.5870, 0.1140]))
        return np.asarray(np.minimum(covered, 255).astype(np.uint8))
    out = np.empty_like(image)
    _blend(image, cut, float(weight), texture_weight, out)
    return out


def texture_folder() -> Path:
    """The folder of the frost textures.

    Raises:
        FileNotFoundError: The package that brings them is not installed, or lacks them.
    """
    spec = find_spec("imagecorruptions")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        if all((Path(folder) / "frost" / name).is_file() for name in TEXTURES):
            return Path(folder) / "frost"
    where = f"The package in {folders[0]} lacks some of them" if folders else "That package is not installed"
    raise FileNotFoundError(
        "Frost needs the textures that the package imagecorruptions brings, its pictures alone: what it depends on is "
        f"not needed. {where}: run `pip install --no-deps imagecorruptions-imaug`."
    )


@lru_cache(maxsize=_KEPT)
def _texture(index: int) -> Picture:
    path = texture_folder() / TEXTURES[index]
    try:
        return picture_files.read(path)
    except picture_files.PictureFileError as error:
        raise OSError(f"Reinstall the package that brings the textures of frost. {error}") from error


def _scaled(index: int, height: int, width: int) -> Picture:
    """A texture, RGB, somewhat larger than the picture."""
    rows, columns = _texture(index).shape[:2]
    # the side that lacks more decides
    factor = 1.1 * max(1.0, height / rows, width / columns)
    return _resized(index, math.ceil(rows * factor), math.ceil(columns * factor))


@lru_cache(maxsize=_KEPT)
def _resized(index: int, rows: int, columns: int) -> Picture:
    # most sets have pictures of few sizes
    resized = cv2.resize(_texture(index), (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), np.uint8)


@compiled
def _blend(image: Picture, texture: NDArray[np.uint8], weight: float, texture_weight: float, out: Picture) -> None:
    for y in range(image.shape[0]):
        line, ice, row = image[y].reshape(-1), texture[y], out[y].reshape(-1)
        for x in range(image.shape[1]):
            for c in range(3):
                row[3 * x + c] = min(weight * line[3 * x + c] + texture_weight * ice[x, c], 255.0)
