"""Spectrum of the token affinity: into how many groups have the tokens fallen, block by block?

Paper: Zhou et al., Understanding The Robustness in Vision Transformers, arXiv 2204.12451, figure 3. In the view of
spectral clustering, the affinity S with S_ij = <z_i, z_j> of the tokens after a block has as many significant
eigenvalues as there are major groups. The paper gives no threshold, nor whether tokens are centred: both are options.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.analyses.noise_decay import add_arguments as add_noise_arguments
from mmfan.analysis.analyses.noise_decay import check_sigma, noisy, norm_ratio
from mmfan.analysis.context import AnalysisError, AnalysisSpec, Context
from mmfan.analysis.plots.depth import finish_depth, mark_strides, stretches
from mmfan.corruptions.cell import CLEAN
from mmfan.visualization.style import DPI, TEXT, fold


def affinity_eigenvalues(tokens: Tensor, centre: bool = False) -> NDArray[np.float64]:
    """Eigenvalues of Z Z^T for tokens Z (N, C), by the smaller of the two Gram matrices, in double precision.

    The N x N matrix and the C x C one share their eigenvalues other than zero; of the 4096 tokens of a 1024-pixel crop
    only C can have one.

    Args:
        tokens: (N, C).
        centre: Subtract the mean token first.

    Returns:
        (min(N, C),), falling, not negative.
    """
    z = tokens.double()
    if centre:
        z = z - z.mean(dim=0, keepdim=True)
    gram = z @ z.T if z.shape[0] <= z.shape[1] else z.T @ z
    values = np.linalg.eigvalsh(gram.cpu().numpy())[::-1]
    return np.asarray(np.maximum(values, 0.0))


def significant(eigenvalues: NDArray[np.float64], tolerance: float) -> int:
    """How many are larger than ``tolerance`` times the largest; 0 if that is 0."""
    largest = eigenvalues.max(initial=0.0)
    return int((eigenvalues > tolerance * largest).sum()) if largest > 0 else 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Threshold, centring, and the noise."""
    parser.add_argument(
        "--tolerance", type=float, default=1e-3, metavar="X",
        help="an eigenvalue counts if it is above X times the largest (default: 0.001)",
    )  # fmt: skip
    parser.add_argument("--centre", action="store_true", help="subtract the mean token first")
    add_noise_arguments(parser)


def run(context: Context) -> dict[str, Any]:
    """Counts and shares after every block, clean and disturbed, mean over the pictures."""
    options = context.options
    sigma = check_sigma(options.sigma)
    if not 0 < options.tolerance < 1:
        raise AnalysisError(f"Expected --tolerance between 0 and 1, got {options.tolerance}.")
    taps = context.taps(("conv", "channel"))
    numbers = context.numbers()
    sums = {tap.name: np.zeros(5) for tap in taps}
    progress = context.progress("spectrum")
    for done, picture in enumerate(context.pictures(cell=CLEAN), 1):
        changed: NDArray[Any] = noisy(context, picture, sigma)
        if context.cell != CLEAN:
            changed = context.picture(picture.number, context.cell).image
        both = [context.features(context.inputs(picture, image), taps) for image in (picture.image, changed)]
        for name in sums:
            clean, other = (features[name].tokens[0] for features in both)
            counts = [significant(affinity_eigenvalues(z, options.centre), options.tolerance) for z in (clean, other)]
            row = [*counts, *clean.shape, norm_ratio(clean, other)]
            sums[name] += np.array(row) / len(numbers)
        progress(done, len(numbers))
    table = np.array([sums[tap.name] for tap in taps])
    rank = table[:, 2:4].min(axis=1)
    return {
        "taps": [tap.name for tap in taps],
        "kinds": [tap.kind for tap in taps],
        "strides": [tap.stride for tap in taps],
        "disturbance": f"Gaussian noise of {sigma:g}" if context.cell == CLEAN else str(context.cell),
        "tokens": table[:, 2].tolist(),
        "width": table[:, 3].tolist(),
        "significant": table[:, 0].tolist(),
        "significant_disturbed": table[:, 1].tolist(),
        "insignificant_share": (1 - table[:, 0] / rank).tolist(),
        "insignificant_share_disturbed": (1 - table[:, 1] / rank).tolist(),
        "insignificant_share_of_tokens": (1 - table[:, 0] / table[:, 2]).tolist(),
        "noise_ratio": table[:, 4].tolist(),
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Shares of insignificant eigenvalues over depth, and the decay of the disturbance in green, as in the paper."""
    figure = Figure(figsize=(max(6.5, 4.9 * len(results)), 4.0), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(results), squeeze=False, sharey=True)[0]
    ratios = np.concatenate([result["noise_ratio"] for result in results])
    top = 1.08 * ratios[np.isfinite(ratios)].max(initial=0.1)
    handles: list[Any] = []
    for place, (axes, result, label) in enumerate(zip(panels, results, labels, strict=True)):
        other = axes.twinx()
        for first, last, _ in stretches(result["strides"]):
            at = range(first, last + 1)
            part = slice(first, last + 1)
            handles = [
                *axes.plot(at, result["insignificant_share"][part], color="#332288", marker="o", markersize=4),
                *axes.plot(
                    at, result["insignificant_share_disturbed"][part], color="#CC6677", marker="^", markersize=4,
                    linestyle="--",
                ),
                *other.plot(at, result["noise_ratio"][part], color="#117733", marker="s", markersize=3, linewidth=1),
            ]  # fmt: skip
        mark_strides(axes, result["strides"])
        finish_depth(axes)
        axes.set_ylim(0, 1)
        axes.set_xlabel("block, from the input on", fontsize=9, color=TEXT)
        axes.set_title(fold(label, 40), fontsize=10, color=TEXT, pad=14)
        other.set_ylim(0, top)
        other.spines[["top", "left"]].set_visible(False)
        other.tick_params(colors="#117733", labelsize=9, labelright=place == len(results) - 1)
    panels[0].set_ylabel("insignificant eigenvalues, share of min(N, C)", fontsize=9, color=TEXT)
    names = ["clean", results[0]["disturbance"], "change of the features (right axis)"]
    figure.legend(handles, names, ncol=3, loc="outside lower center", frameon=False, fontsize=9)
    return figure


SPEC = AnalysisSpec(
    name="spectrum",
    help="eigenvalues of the token affinity after each block: do tokens fall into groups, and does noise disturb it?",
    definition=(
        "Eigenvalues of S with S_ij = <z_i, z_j> over the N tokens (positions) after a block, by the smaller Gram "
        "matrix in double precision; one is significant if it exceeds `tolerance` times the largest. Shares of "
        "insignificant ones are of min(N, C), the most that can differ from zero, and of N; `noise_ratio` as in "
        "noise-decay. Means over the pictures. Zhou et al., arXiv 2204.12451, figure 3; threshold and noise are not "
        "stated there."
    ),
    run=run,
    draw=draw,
    add_arguments=add_arguments,
)
