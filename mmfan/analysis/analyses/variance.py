"""Feature-map variance by depth: attention lowers it, convolutions and MLPs raise it (arXiv 2202.06709, figure 9)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from mmfan.analysis.context import AnalysisSpec, Context
from mmfan.analysis.plots.depth import BLOCK_KINDS, depth_figure


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
    numbers = len(context.numbers())
    rows: dict[str, list[tuple[float, float]]] = {tap.name: [] for tap in taps}
    progress = context.progress("variance")
    for done, picture in enumerate(context.pictures(), 1):
        for name, features in context.features(context.inputs(picture), taps).items():
            rows[name].append(map_variance(features.map))
        progress(done, numbers)
    means = {name: np.mean(values, axis=0) for name, values in rows.items()}
    return {
        "taps": [tap.name for tap in taps],
        "kinds": [tap.kind for tap in taps],
        "strides": [tap.stride for tap in taps],
        "variance": [float(means[tap.name][0]) for tap in taps],
        "relative": [float(means[tap.name][1]) for tap in taps],
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Relative variance over depth, a panel a model."""
    return depth_figure(results, labels, "relative", "variance / mean square")


SPEC = AnalysisSpec(
    name="variance",
    help="feature-map variance by depth: which blocks smooth, which roughen?",
    definition=(
        "Unbiased variance over the positions of the map, of each channel of each picture, then the mean over both "
        "(`variance`), and that divided by the mean of the squared features (`relative`), at every tap. Park and Kim, "
        "How Do Vision Transformers Work?, arXiv 2202.06709, figure 9; the relative form is mmfan's."
    ),
    run=run,
    draw=draw,
)
