"""The small picture whose corruptions are stored in ``tests/data``, and how they are written there.

``python tests/helpers/stored_corruptions.py`` writes them anew; do that only together with a new ``ENGINE_VERSION``.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import BUILT_IN, SEVERITIES, corrupt, picture_seed

DATA = Path(__file__).parents[1] / "data"
HASHES = DATA / "corruption_hashes.json"
OUTPUTS = DATA / "corruption_outputs.npz"

# Integers, tables and plain IEEE arithmetic: the same bytes on every machine.
EXACT = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "zoom_blur",
    "fog",
    "brightness",
    "contrast",
    "saturate",
    "pixelate",
    "checkerboard_cutout",
    "cocentric_sine_waves",
    "perlin_noise",
    "plasma_noise",
    "single_frequency_greyscale",
    "sparkles",
)
# These go through filters and codecs of OpenCV, NumPy's Fourier transform, or the exponential, trigonometric and power
# functions of the system.
NEARLY_EXACT = tuple(name for name in BUILT_IN if name not in EXACT)


def picture() -> NDArray[np.uint8]:
    """(33, 35, 3): ramps, stripes and a flat corner, made of integers."""
    y, x = np.mgrid[:33, :35]
    image = np.stack([(x * 7 + y) % 256, (x * y // 3 + 40) % 256, 255 - (x // 5 * 40 + y // 7 * 9) % 256], axis=-1)
    image[24:, 25:] = (90, 90, 90)
    return image.astype(np.uint8)


def result(name: str, severity: int) -> NDArray[np.uint8]:
    """What is stored, made now."""
    return corrupt(picture(), name, severity, picture_seed(0, "val/stored/picture.png", name, severity))


def sha256(image: NDArray[np.uint8]) -> str:
    """Of the values, row by row."""
    return hashlib.sha256(image.tobytes()).hexdigest()


if __name__ == "__main__":
    hashes = {name: [sha256(result(name, severity)) for severity in SEVERITIES] for name in EXACT}
    HASHES.write_text(json.dumps(hashes, indent=1) + "\n")
    np.savez_compressed(OUTPUTS, **{n: np.stack([result(n, s) for s in SEVERITIES]) for n in NEARLY_EXACT})
