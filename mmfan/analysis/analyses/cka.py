"""Similarity of representations: centred kernel alignment between all taps, estimated from mini-batches.

The estimator is the mini-batch one of Nguyen et al. (arXiv 2010.15327) with the unbiased HSIC of Song et al. (2012), as
Park and Kim use it (arXiv 2202.06709, figure D.3). Feature maps of dense models flatten to millions of numbers, so each
map is first averaged over the cells of a small grid; the grid is recorded.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.analysis.context import AnalysisError, AnalysisSpec, Context
from mmfan.analysis.plots.depth import BLOCK_KINDS, depth_panels, legend_of_kinds, stretches
from mmfan.analysis.taps import Features, Tap
from mmfan.corruptions.cell import CLEAN
from mmfan.visualization.style import DPI, TEXT, fold

LEAST = 4  # the unbiased estimator divides by n - 3


def hsic(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unbiased estimate of HSIC for every pair of Gram matrices (Song et al., 2012).

    Args:
        first: (S, n, n), n at least 4.
        second: (T, n, n).

    Returns:
        (S, T).

    Raises:
        AnalysisError: n is below 4.
    """
    n = first.shape[-1]
    if n < LEAST:
        raise AnalysisError(f"HSIC needs batches of at least {LEAST} pictures, got {n}.")
    k, l = (np.where(np.eye(n, dtype=bool), 0.0, grams) for grams in (first, second))  # noqa: E741
    rows_k, rows_l = k.sum(axis=2), l.sum(axis=2)  # (S, n), (T, n)
    trace = np.einsum("sij,tij->st", k, l)  # both are symmetric
    totals = rows_k.sum(axis=1)[:, None] * rows_l.sum(axis=1)[None] / ((n - 1) * (n - 2))
    return np.asarray((trace + totals - 2 / (n - 2) * rows_k @ rows_l.T) / (n * (n - 3)))


def cka(cross: NDArray[np.float64], own_first: NDArray[np.float64], own_second: NDArray[np.float64]) -> list[list[Any]]:
    """CKA from sums over mini-batches of HSIC(K, L), HSIC(K, K) and HSIC(L, L).

    Args:
        cross: (S, T).
        own_first: (S,).
        own_second: (T,).

    Returns:
        S lists of T numbers, at most about 1 (equal up to rotation and scale), about 0 for independent features; None
        where a representation does not vary over the pictures.
    """
    norm = np.sqrt(np.maximum(own_first, 0)[:, None] * np.maximum(own_second, 0)[None])
    # rounding leaves a tiny norm where the features are constant
    return [
        [float(c / m) if m > 1e-12 else None for c, m in zip(*row, strict=True)]
        for row in zip(cross, norm, strict=True)
    ]


def linear_grams(rows: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """(n, D) features of each tap to their (taps, n, n) Gram matrices, each scaled to a mean square of 1.

    The scale cancels in CKA; it keeps the test for constant features independent of the taps' units.
    """
    grams = []
    for values in rows:
        flat = values.astype(np.float64)
        flat = flat / (np.sqrt(np.square(flat).mean() * flat.shape[1]) or 1.0)
        grams.append(flat @ flat.T)
    return np.stack(grams)


def pooled(features: Features, grid: int) -> NDArray[np.float32]:
    """A map averaged over the cells of a grid of at most ``grid`` x ``grid``, flattened."""
    rows, columns = (min(grid, side) for side in features.map.shape[2:])
    return np.asarray(F.adaptive_avg_pool2d(features.map.float(), (rows, columns)).flatten().cpu().numpy())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Batches and grid."""
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="pictures a mini-batch (default: 8)")
    parser.add_argument("--grid", type=int, default=8, metavar="N", help="maps are averaged to N x N (default: 8)")


def run(context: Context) -> dict[str, Any]:
    """The matrix of all taps, on the clean pictures; with a cell, the similarity of each tap to itself on that cell."""
    size, grid = context.options.batch, context.options.grid
    if size < LEAST or grid < 1:
        raise AnalysisError(f"Expected --batch from {LEAST} on and --grid from 1 on, got {size} and {grid}.")
    taps = context.taps(BLOCK_KINDS)
    whole = len(context.numbers(least=size)) // size * size
    count = len(taps)
    cross: NDArray[np.float64] = np.zeros((count, count))
    own: NDArray[np.float64] = np.zeros(count)
    against, own_other = np.zeros(count), np.zeros(count)
    batch: list[list[NDArray[np.float32]]] = []
    other: list[list[NDArray[np.float32]]] = []
    progress = context.progress("cka")
    for done, picture in enumerate(context.pictures(whole, CLEAN), 1):
        batch.append(_rows(context, context.inputs(picture), taps, grid))
        if context.cell != CLEAN:
            changed = context.picture(picture.number, context.cell)
            other.append(_rows(context, context.inputs(changed), taps, grid))
        if len(batch) == size:
            grams = _grams(batch)
            matrix = hsic(grams, grams)
            cross, own = cross + matrix, own + matrix.diagonal()
            if other:
                changed_grams = _grams(other)
                against += hsic(grams, changed_grams).diagonal()
                own_other += hsic(changed_grams, changed_grams).diagonal()
            batch, other = [], []
        progress(done, whole)
    result: dict[str, Any] = {
        "taps": [tap.name for tap in taps],
        "kinds": [tap.kind for tap in taps],
        "strides": [tap.stride for tap in taps],
        "batches": whole // size,
        "matrix": cka(cross, own, own),
    }
    if context.cell != CLEAN:
        pairs = zip(against, own, own_other, strict=True)
        result["corrupted"] = [cka(np.array([[c]]), np.array([k]), np.array([m]))[0][0] for c, k, m in pairs]
        result["cell"] = str(context.cell)
    return result


def _rows(context: Context, inputs: Tensor, taps: list[Tap], grid: int) -> list[NDArray[np.float32]]:
    features = context.features(inputs, taps)
    return [pooled(features[tap.name], grid) for tap in taps]


def _grams(batch: list[list[NDArray[np.float32]]]) -> NDArray[np.float64]:
    """A batch of pictures, each with the features of all taps, to the Gram matrices of the taps."""
    by_tap = list(zip(*batch, strict=True))
    lengths = {len(values) for values in by_tap[0]}
    if len(lengths) > 1:
        raise AnalysisError("CKA compares features of one size, and the pictures are of several: take --crop N.")
    return linear_grams([np.stack(values) for values in by_tap])


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """The matrices; below them, with a cell, how like the clean features those of corrupted pictures are, by depth."""
    corrupted = all("corrupted" in result for result in results)
    size = (4.6 * len(results) + 0.9, 7.0 if corrupted else 4.7)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(
        2 if corrupted else 1, len(results), squeeze=False, height_ratios=[2, 1] if corrupted else [1]
    )
    matrices = [np.array([[np.nan if v is None else v for v in row] for row in result["matrix"]]) for result in results]
    # most taps of one model are much alike: the colours are for the range that occurs
    lowest = float(np.clip(np.floor(10 * min(np.nanmin(values) for values in matrices)) / 10, 0.0, 0.9))
    image: Any = None
    for axes, result, values, label in zip(panels[0], results, matrices, labels, strict=True):
        image = axes.imshow(values, vmin=lowest, vmax=1, origin="lower", cmap="magma")
        for _, last, _ in stretches(result["strides"])[:-1]:
            axes.axhline(last + 0.5, color="white", linewidth=0.7)
            axes.axvline(last + 0.5, color="white", linewidth=0.7)
        spans = stretches(result["strides"])
        axes.set_xticks([(first + last) / 2 for first, last, _ in spans], [f"1/{stride}" for *_, stride in spans])
        axes.set_yticks([(first + last) / 2 for first, last, _ in spans], [f"1/{stride}" for *_, stride in spans])
        axes.tick_params(length=0, labelsize=9, labelcolor=TEXT)
        axes.set_title(fold(label, 40), fontsize=10, color=TEXT)
        axes.set_xlabel("tap, from the input on, by stride", fontsize=9, color=TEXT)
    figure.colorbar(image, ax=list(panels[0]), label="CKA", shrink=0.85)
    if corrupted:
        legend_of_kinds(figure, _corrupted_panels(panels[1], results))
    return figure


def _corrupted_panels(panels: Any, results: list[dict[str, Any]]) -> dict[str, Any]:
    seen = depth_panels(panels, results, "corrupted")
    for axes in panels:
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
    panels[0].set_ylabel(f"CKA, clean and\n{results[0]['cell']}", fontsize=9, color=TEXT)
    return seen


SPEC = AnalysisSpec(
    name="cka",
    help="similarity of the representations of all taps: one block of alike layers, or one a stage?",
    definition=(
        "Linear CKA of Kornblith et al. between all taps, HSIC estimated without bias (Song et al., 2012) on "
        "mini-batches of `batch` pictures and summed over them before the ratio (Nguyen et al., arXiv 2010.15327); "
        "maps are averaged to `grid` x `grid` first; pictures beyond the last whole batch are left out. With a cell, "
        "`corrupted` is the CKA of each tap with itself on the corrupted pictures. Park and Kim, arXiv 2202.06709, "
        "figure D.3."
    ),
    run=run,
    draw=draw,
    add_arguments=add_arguments,
    pictures=32,
)
