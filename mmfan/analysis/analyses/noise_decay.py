"""Noise decay: how much of a perturbation of the picture is left in the features, block by block.

Paper: Zhou et al., Understanding The Robustness in Vision Transformers, arXiv 2204.12451, figure 3. The paper gives the
picture, not the numbers behind it: the strength of the noise and the form of the ratio are mmfan's choice.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.context import AnalysisError, AnalysisSpec, Context, Picture
from mmfan.analysis.plots.depth import BLOCK_KINDS, depth_figure
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The strength of the noise."""
    parser.add_argument(
        "--sigma", type=float, default=0.1, metavar="X", help="noise, 1 is from black to white (default: 0.1)"
    )


def check_sigma(sigma: float) -> float:
    """Refuse noise that is none.

    Raises:
        AnalysisError: It is not a positive number.
    """
    if not 0 < sigma < float("inf"):
        raise AnalysisError(f"Expected --sigma to be a positive number, got {sigma}.")
    return sigma


def run(context: Context) -> dict[str, Any]:
    """Ratios at every tap, mean over the pictures: for noise, or for the context's corruption if there is one."""
    sigma = check_sigma(context.options.sigma)
    taps = context.taps(BLOCK_KINDS)
    numbers = context.numbers()
    sums = dict.fromkeys([tap.name for tap in taps], 0.0)
    progress = context.progress("noise-decay")
    for done, picture in enumerate(context.pictures(cell=CLEAN), 1):
        clean = context.features(context.inputs(picture), taps)
        if context.cell == CLEAN:
            changed: NDArray[Any] = noisy(context, picture, sigma)
        else:
            changed = context.picture(picture.number, context.cell).image
        after = context.features(context.inputs(picture, changed), taps)
        for name in sums:
            sums[name] += norm_ratio(clean[name].value, after[name].value) / len(numbers)
        progress(done, len(numbers))
    ratios = [sums[tap.name] for tap in taps]
    return {
        "taps": [tap.name for tap in taps],
        "kinds": [tap.kind for tap in taps],
        "strides": [tap.stride for tap in taps],
        "disturbance": f"Gaussian noise of {sigma:g}" if context.cell == CLEAN else str(context.cell),
        "ratio": ratios,
        "relative": [ratio / ratios[0] if ratios[0] > 0 else None for ratio in ratios],
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """The ratio over depth, a panel a model."""
    says = f"share of the features changed\nby {results[0]['disturbance']}"
    return depth_figure(results, labels, "ratio", says)


SPEC = AnalysisSpec(
    name="noise-decay",
    help="how much of a disturbance of the picture is left in the features, by depth",
    definition=(
        "ratio = |z(x + n) - z(x)| / |z(x)| (Frobenius norms) at every tap, mean over the pictures; n is Gaussian "
        "noise of standard deviation `sigma` (1 is from black to white), added to the pixels before normalisation, "
        "not clipped; with a cell, x + n is the corrupted picture. `relative` is the ratio over that of the first "
        "tap. Zhou et al., arXiv 2204.12451, figure 3; the paper does not state sigma."
    ),
    run=run,
    draw=draw,
    add_arguments=add_arguments,
)
