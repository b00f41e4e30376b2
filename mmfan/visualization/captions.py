"""A picture above a strip with a text: what a classifier said of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def captioned(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """A picture, (H, W, 3) RGB uint8, above a strip with a name, an eighth of its height and at least 12 pixels."""
    height, width = picture.shape[:2]
    strip = np.zeros((max(12, height // 8), width, 3), np.uint8)
    scale = len(strip) / 32
    (long, _), _ = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale *= min(1.0, 0.95 * width / max(1, long))
    start = 2, len(strip) - len(strip) // 4
    cv2.putText(strip, name, start, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate([picture, strip])
