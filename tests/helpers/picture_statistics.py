"""Do two makers of random pictures draw from the same distribution? Many seeds each, and tests for two samples."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.reference_corruptions import photograph, reference
from mmfan.corruptions import corrupt

SEEDS = 48
# Thirteen features at 50 cells are some 650 comparisons with two tests each. At these bounds the chance of a false
# alarm in any of them is a tenth; seeds are fixed, so what passes once passes always.
LEAST_P = 1e-4
LARGEST_Z = 4.0
_BANDS = (0.0, 0.06, 0.14, 0.3, 0.8)  # cycles a pixel
_BINS = (1, 32, 64, 128, 192, 255)


def features(clean: NDArray[np.uint8], picture: NDArray[np.uint8]) -> dict[str, float]:
    """What a corruption did to a picture, in numbers that do not depend on where it did it.

    Args:
        clean: (H, W, 3) RGB.
        picture: The same, corrupted.
    """
    residual = picture.astype(np.float64) - clean
    result = {"psnr": -10 * np.log10(np.mean(residual**2) / 255**2 + 1e-9)}
    for channel, name in enumerate("rgb"):
        result[f"mean {name}"] = residual[..., channel].mean()
    grey = residual.mean(axis=2)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2 / grey.size
    radius = np.hypot(np.fft.fftfreq(grey.shape[0])[:, None], np.fft.fftfreq(grey.shape[1]))
    for low, high in pairwise(_BANDS):
        result[f"power {low}-{high}"] = np.log(power[(radius > low) & (radius <= high)].mean() + 1e-9)
    # what runs along rows against what runs along columns
    across, down = np.abs(np.diff(grey, axis=1)).mean(), np.abs(np.diff(grey, axis=0)).mean()
    result["direction"] = np.log((across + 1e-3) / (down + 1e-3))
    for low, high in pairwise(_BINS):
        result[f"levels {low}-{high}"] = np.mean((picture >= low) & (picture < high))
    return result


def assert_same_distribution(name: str, severity: int) -> None:
    """Compare mmfan with the reference over many seeds, feature by feature."""
    stats = pytest.importorskip("scipy.stats")
    clean = photograph("patch")
    ours = [features(clean, corrupt(clean, name, severity, seed)) for seed in range(SEEDS)]
    theirs = [features(clean, reference(clean, name, severity, seed)) for seed in range(SEEDS)]
    different = {}
    for feature in ours[0]:
        one, other = (np.array([sample[feature] for sample in samples]) for samples in (ours, theirs))
        spread = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / SEEDS)
        z = (one.mean() - other.mean()) / max(spread, 1e-9)
        p = stats.ks_2samp(one, other, method="asymp").pvalue
        if p < LEAST_P or abs(z) > LARGEST_Z:
            different[feature] = f"{one.mean():.4g} and {other.mean():.4g} (reference), z = {z:.1f}, p = {p:.1e}"
    assert not different, f"{name} at severity {severity}: {different}"
