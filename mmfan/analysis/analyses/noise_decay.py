"""Noise decay: how much of a perturbation of the picture is left in the features, block by block.

Paper: Zhou et al., Understanding The Robustness in Vision Transformers, arXiv 2204.12451, figure 3. The paper gives the
picture, not the numbers behind it: the strength of the noise and the form of the ratio are mmfan's choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.catalogue import NoiseDecayOptions
from mmfan.analysis.context import Context, Picture
from mmfan.analysis.plots import BLOCK_KINDS, depth_figure
from mmfan.analysis.taps import describe_taps
from mmfan.corruptions.cell import CLEAN


def norm_ratio(clean: Tensor, disturbed: Tensor) -> float:
    """Frobenius norm of the difference of two features, relative to that of the clean ones; inf where those are 0."""
    reference = clean.double().norm().item()
    change = (disturbed.double() - clean.double()).norm().item()
    if reference == 0:
        return 0.0 if change == 0 else float("inf")
    return change / reference


def noisy(context: Context, picture: Picture, sigma: float) -> NDArray[np.float64]:
    """A picture with white Gaussian noise, (H, W, 3) BGR in 0 to 255, not clipped: clipping would correlate it.

    Args:
        context: Gives the seed; a picture gets the same noise in every model.
        picture: The picture.
        sigma: Standard deviation, in units of the range of pixels (1 is from black to white).
    """
    drawn = context.generator(picture.name, "noise").standard_normal(picture.image.shape)
    return picture.image + 255 * sigma * drawn


def disturbed(context: Context, picture: Picture, sigma: float) -> NDArray[Any]:
    """A clean picture with noise, or in the context's corruption if there is one; (H, W, 3) BGR."""
    if context.cell == CLEAN:
        return noisy(context, picture, sigma)
    return context.picture(picture.number, context.cell).image


def disturbance(context: Context, sigma: float) -> str:
    """What :func:`disturbed` does, in words."""
    return f"Gaussian noise of {sigma:g}" if context.cell == CLEAN else str(context.cell)


def run(context: Context) -> dict[str, Any]:
    """Ratios at every tap, mean over the pictures: for noise, or for the context's corruption if there is one."""
    options: NoiseDecayOptions = context.options
    taps = context.taps(BLOCK_KINDS)
    count = len(context.numbers())
    sums = dict.fromkeys([tap.name for tap in taps], 0.0)
    for picture in context.pictures(cell=CLEAN):
        clean = context.features(context.inputs(picture), taps)
        after = context.features(context.inputs(picture, disturbed(context, picture, options.sigma)), taps)
        for name in sums:
            sums[name] += norm_ratio(clean[name].value, after[name].value) / count
    ratios = [sums[tap.name] for tap in taps]
    return {
        **describe_taps(taps),
        "disturbance": disturbance(context, options.sigma),
        "ratio": ratios,
        "relative": [ratio / ratios[0] if ratios[0] > 0 else None for ratio in ratios],
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """The ratio over depth, a panel a model."""
    says = f"share of the features changed\nby {results[0]['disturbance']}"
    return depth_figure(results, labels, "ratio", says)
