"""Picture files, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmfan.errors import MMFanError
from mmfan.utils.files import write_whole


def save_picture(path: str | Path, picture: np.ndarray) -> Path:
    """Write a PNG under a temporary name and rename it, so that no half-written file is left.

    Args:
        path: Where to; must end in ``.png``. Its folder is made.
        picture: (H, W, 3) uint8 in the order RGB, or (H, W) uint8.

    Returns:
        ``path``.

    Raises:
        MMFanError: The name or the array is not of that kind.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise MMFanError(f"Expected the name of a picture to end in .png, got {target}.")
    if picture.dtype != np.uint8 or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)):
        raise MMFanError(f"Expected (H, W, 3) or (H, W) uint8 for {target}, got {picture.shape} {picture.dtype}.")
    written, content = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])
    if not written:
        raise MMFanError(f"OpenCV cannot encode {target} from {picture.shape} {picture.dtype}.")
    write_whole(target, content.tobytes())
    return target
