"""``BandNoise``, a pipeline step: noise in one band of spatial frequencies.

Park and Kim, "How Do Vision Transformers Work?", ICLR 2022 (arXiv 2202.06709), figure 2b, for pictures of any shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from numpy.typing import NDArray

from mmfan.corruptions import picture_seed
from mmfan.corruptions.draws import random_bytes, stream_key
from mmfan.datasets.transforms.choices import check_seed
from mmfan.datasets.transforms.corrupt import name_of_sample
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS

# standard deviations of ImageNet's pictures, red, green, blue, by which nearly all models normalise
IMAGENET_STD = (58.395, 57.12, 57.375)
ENERGIES = ("raw", "equal")


def band_mask(shape: tuple[int, int], frequency: float, width: float) -> NDArray[np.bool_]:
    """Which coefficients of ``numpy.fft.rfft2`` are in a band.

    The band is a square ring in normalised frequency: the larger of the horizontal and the vertical frequency, as a
    share of the highest one (pi), is in ``[frequency - width / 2, frequency + width / 2)``. It is the same band
    whatever the picture's size and shape. A band that reaches 1 holds the highest frequency too; two bands that only
    touch share no coefficient.

    Args:
        shape: Height and width of the picture.
        frequency: Middle of the band, 0 to 1 (in units of pi).
        width: Its width, in the same unit.

    Returns:
        (H, W // 2 + 1) bool.
    """
    height, wide = shape
    down = 2 * np.abs(np.fft.fftfreq(height))
    across = 2 * np.fft.rfftfreq(wide)
    radius = np.maximum(down[:, None], across[None, :])
    # the frequencies are fractions k / n; a billionth keeps those that lie on an edge on the same side everywhere
    low, high = frequency - width / 2 - 1e-9, frequency + width / 2 - 1e-9
    return (radius >= low) & ((radius < high) | (high > 1 - 1e-6))


def band_noise(
    shape: tuple[int, int], frequency: float, width: float, seed: int, channels: int = 3, energy: str = "raw"
) -> NDArray[np.float64]:
    """Random signs, of which only one band of frequencies is kept.

    Args:
        shape: Height and width.
        frequency: Middle of the band, 0 to 1 (in units of pi).
        width: Its width, in the same unit.
        seed: 0 to 2**64 - 1.
        channels: Each gets noise of its own.
        energy: ``'raw'`` as published: the band's share of the signs' energy, so that a band of higher frequencies,
            which is larger, gets more noise. ``'equal'``: every band has a root mean square of 1.

    Returns:
        (H, W, channels).

    Raises:
        MMFanError: The band holds no coefficient of a picture this small, or ``energy`` is unknown.
    """
    if energy not in ENERGIES:
        raise MMFanError(f"Expected `energy` to be one of {', '.join(ENERGIES)}, got {energy!r}.")
    mask = band_mask(shape, frequency, width)
    if not mask.any():
        raise MMFanError(
            f"A picture of {shape[0]} x {shape[1]} pixels (H x W) has no frequency in the band of {frequency:g} pi and "
            f"width {width:g} pi; take a wider band or larger pictures."
        )
    count = shape[0] * shape[1] * channels
    bits = np.unpackbits(random_bytes(stream_key(seed, 0), (count + 7) // 8), count=count)
    signs = 2.0 * bits.reshape(*shape, channels) - 1.0
    noise = np.fft.irfft2(np.fft.rfft2(signs, axes=(0, 1)) * mask[..., None], s=shape, axes=(0, 1))
    if energy == "equal":
        noise /= np.sqrt(np.mean(noise**2))
    return noise


@TRANSFORMS.register_module()
class BandNoise(BaseTransform):
    """Add noise of one band of frequencies, after the step that loads the picture.

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR or (H, W) grey, uint8.
    - img_path (str): Not needed with ``seed=None``.

    Modified Keys:

    - img (np.ndarray): Of the same shape; uint8, or float32 without clamping.

    Args:
        frequency: Middle of the band, 0 to 1 (in units of pi).
        width: Its width, in the same unit.
        eps: Strength of the random signs before the band is cut out, in standard deviations of the pictures. With
            ``energy='equal'`` the root mean square of what is added.
        energy: ``'raw'`` or ``'equal'``, see :func:`band_noise`.
        std: Standard deviations of the channels, red, green, blue, 0 to 255: those the model normalises by.
        clamp: Round to whole numbers from 0 to 255. Otherwise the picture becomes float32 and keeps the exact band;
            later steps have to take it (mmsegmentation's and mmdetection's do).
        seed: Base seed; ``None`` draws anew each time.
        root: The folder that names of pictures are relative to, as in :class:`mmfan.Corrupt`.

    Raises:
        MMFanError: An argument is out of range; or, at work, the picture is missing or too small for the band.
    """

    def __init__(
        self,
        frequency: float,
        width: float = 0.1,
        eps: float = 0.7,
        energy: str = "raw",
        std: Sequence[float] = IMAGENET_STD,
        clamp: bool = True,
        seed: int | None = 0,
        root: str | None = None,
    ) -> None:
        for what, value, most in (("frequency", frequency, 1.0), ("width", width, 1.0), ("eps", eps, float("inf"))):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                limit = f"0 to {most:g}" if most < float("inf") else "at least 0"
                raise MMFanError(f"Expected `{what}` to be a number of {limit}, got {value!r}.")
        if not width:
            raise MMFanError("Expected `width` to be above 0: a band without width holds no frequency.")
        if energy not in ENERGIES:
            raise MMFanError(f"Expected `energy` to be one of {', '.join(ENERGIES)}, got {energy!r}.")
        if len(std) != 3:
            raise MMFanError(f"Expected `std` to be three numbers (red, green, blue), got {std!r}.")
        self.frequency, self.width, self.eps, self.energy = float(frequency), float(width), float(eps), energy
        self.std, self.clamp = tuple(map(float, std)), bool(clamp)
        self.seed, self.root = check_seed(seed), root

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the noise to ``results['img']``."""
        image = results.get("img")
        if image is None:
            raise MMFanError(
                f"mmfan.BandNoise found no 'img' in the sample of {results.get('img_path')}: place it after the step "
                "that loads the picture (LoadImageFromFile)."
            )
        grey = image.ndim == 2 or image.shape[2] == 1
        noise = band_noise(
            image.shape[:2], self.frequency, self.width, self._seed(results), 1 if grey else 3, self.energy
        )
        # pictures are BGR, `std` is RGB
        scale = np.mean(self.std) if grey else np.asarray(self.std[::-1])
        noisy = image.reshape(*image.shape[:2], -1) + self.eps * scale * noise
        noisy = noisy.reshape(image.shape)
        results["img"] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8) if self.clamp else noisy.astype(np.float32)
        return results

    def _seed(self, results: dict[str, Any]) -> int:
        if self.seed is None:
            return self._fresh_seed()
        name = name_of_sample(results, self.root)
        return picture_seed(self.seed, name, "band_noise", round(1000 * self.frequency))

    @cache_randomness
    def _fresh_seed(self) -> int:
        return int(np.random.randint(0, 2**64, dtype=np.uint64))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(frequency={self.frequency}, width={self.width}, eps={self.eps}, "
            f"energy={self.energy!r}, std={self.std}, clamp={self.clamp}, seed={self.seed}, root={self.root!r})"
        )
