"""Feature-map variance by depth: attention lowers it, convolutions and MLPs raise it (arXiv 2202.06709, figure 9)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from mmfan.analysis.context import Context
from mmfan.analysis.plots import BLOCK_KINDS, depth_figure
from mmfan.analysis.taps import describe_taps


def map_variance(features: Tensor) -> tuple[float, float]:
    """Variance over space, and the same relative to the mean square.

    The relative one does not change when the features are scaled, which matters where a learned scale (FAN's gammas)
    weights every branch.

    Args:
        features: (B, C, H, W).

    Returns:
        The unbiased variance over (H, W) of each channel of each picture, averaged over both; and that divided by the
        mean of the squares (0 for features that are all zero). A map of one position has no variance: 0.
    """
    values = features.double().flatten(2)  # (B, C, H * W)
    variance = values.var(dim=2).mean().item() if values.shape[2] > 1 else 0.0
    square = values.square().mean().item()
    return variance, variance / square if square > 0 else 0.0


def run(context: Context) -> dict[str, Any]:
    """Variances at every tap, mean over the pictures."""
    taps = context.taps(BLOCK_KINDS)
    rows: dict[str, list[tuple[float, float]]] = {tap.name: [] for tap in taps}
    for picture in context.pictures():
        for name, features in context.features(context.inputs(picture), taps).items():
            rows[name].append(map_variance(features.map))
    means = {name: np.mean(values, axis=0) for name, values in rows.items()}
    return {
        **describe_taps(taps),
        "variance": [float(means[tap.name][0]) for tap in taps],
        "relative": [float(means[tap.name][1]) for tap in taps],
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Relative variance over depth, a panel a model."""
    return depth_figure(results, labels, "relative", "variance / mean square")
