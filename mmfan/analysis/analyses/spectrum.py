"""Spectrum of the token affinity: into how many groups have the tokens fallen, block by block?

Paper: Zhou et al., Understanding The Robustness in Vision Transformers, arXiv 2204.12451, figure 3. In the view of
spectral clustering, the affinity S with S_ij = <z_i, z_j> of the tokens after a block has as many significant
eigenvalues as there are major groups. The paper gives no threshold, nor whether tokens are centred: both are options.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis import plots
from mmfan.analysis.analyses.noise_decay import disturbance, disturbed, norm_ratio
from mmfan.analysis.catalogue import SpectrumOptions
from mmfan.analysis.context import Context
from mmfan.analysis.taps import describe_taps
from mmfan.corruptions.cell import CLEAN


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


def run(context: Context) -> dict[str, Any]:
    """Counts and shares after every block, clean and disturbed, mean over the pictures."""
    options: SpectrumOptions = context.options
    taps = context.taps(("conv", "channel"))
    count = len(context.numbers())
    sums = {tap.name: np.zeros(5) for tap in taps}
    for picture in context.pictures(cell=CLEAN):
        changed = disturbed(context, picture, options.sigma)
        both = [context.features(context.inputs(picture, image), taps) for image in (picture.image, changed)]
        for name in sums:
            clean, other = (features[name].tokens[0] for features in both)
            counts = [significant(affinity_eigenvalues(z, options.centre), options.tolerance) for z in (clean, other)]
            row = [*counts, *clean.shape, norm_ratio(clean, other)]
            sums[name] += np.array(row) / count
    table = np.array([sums[tap.name] for tap in taps])
    rank = table[:, 2:4].min(axis=1)
    return {
        **describe_taps(taps),
        "disturbance": disturbance(context, options.sigma),
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
    figure, (panels,) = plots.make_panels(1, len(results), (max(6.5, 4.9 * len(results)), 4.0), sharey=True)
    ratios = np.concatenate([result["noise_ratio"] for result in results])
    top = 1.08 * ratios[np.isfinite(ratios)].max(initial=0.1)
    handles: list[Any] = []
    for place, (axes, result, label) in enumerate(zip(panels, results, labels, strict=True)):
        other = axes.twinx()
        for first, last, _ in plots.stretches(result["strides"]):
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
        plots.mark_strides(axes, result["strides"])
        plots.finish_depth(axes)
        axes.set_ylim(0, 1)
        plots.name_axes(axes, "block, from the input on")
        plots.name_panel(axes, label, pad=14)
        other.set_ylim(0, top)
        other.spines[["top", "left"]].set_visible(False)
        other.tick_params(colors="#117733", labelsize=9, labelright=place == len(results) - 1)
    plots.name_axes(panels[0], up="insignificant eigenvalues, share of min(N, C)")
    names = ["clean", results[0]["disturbance"], "change of the features (right axis)"]
    plots.legend_under(figure, handles, names, ncol=3)
    return figure
