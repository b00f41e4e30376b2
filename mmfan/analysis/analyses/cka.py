"""Similarity of representations: centred kernel alignment between all taps, estimated from mini-batches.

The estimator is the mini-batch one of Nguyen et al. (arXiv 2010.15327) with the unbiased HSIC of Song et al. (2012), as
Park and Kim use it (arXiv 2202.06709, figure D.3). Feature maps of dense models flatten to millions of numbers, so each
map is first averaged over the cells of a small grid; the grid is recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.analysis import plots
from mmfan.analysis.catalogue import CKAOptions
from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.taps import Features, Tap, describe_taps
from mmfan.corruptions.cell import CLEAN
from mmfan.visualization.style import TEXT

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


def run(context: Context) -> dict[str, Any]:
    """The matrix of all taps, on the clean pictures; with a cell, the similarity of each tap to itself on that cell."""
    options: CKAOptions = context.options
    size, grid = options.batch, options.grid
    taps = context.taps(plots.BLOCK_KINDS)
    whole = len(context.numbers(least=size)) // size * size
    count = len(taps)
    cross: NDArray[np.float64] = np.zeros((count, count))
    own: NDArray[np.float64] = np.zeros(count)
    against, own_other = np.zeros(count), np.zeros(count)
    batch: list[list[NDArray[np.float32]]] = []
    other: list[list[NDArray[np.float32]]] = []
    for picture in context.pictures(whole, CLEAN):
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
    result: dict[str, Any] = {
        **describe_taps(taps),
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
        raise AnalysisError("CKA compares features of one size, and the pictures are of several: take a crop.")
    return linear_grams([np.stack(values) for values in by_tap])


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """The matrices; below them, with a cell, how like the clean features those of corrupted pictures are, by depth."""
    corrupted = all("corrupted" in result for result in results)
    size = (4.6 * len(results) + 0.9, 7.0 if corrupted else 4.7)
    heights = [2, 1] if corrupted else [1]
    figure, panels = plots.make_panels(len(heights), len(results), size, height_ratios=heights)
    matrices = [np.array([plots.nan_for_none(row) for row in result["matrix"]]) for result in results]
    # most taps of one model are much alike: the colours are for the range that occurs
    lowest = float(np.clip(np.floor(10 * min(np.nanmin(values) for values in matrices)) / 10, 0.0, 0.9))
    image: Any = None
    for axes, result, values, label in zip(panels[0], results, matrices, labels, strict=True):
        image = axes.imshow(values, vmin=lowest, vmax=1, origin="lower", cmap="magma")
        spans = plots.stretches(result["strides"])
        for _, last, _ in spans[:-1]:
            axes.axhline(last + 0.5, color="white", linewidth=0.7)
            axes.axvline(last + 0.5, color="white", linewidth=0.7)
        for ticks in (axes.set_xticks, axes.set_yticks):
            ticks([(first + last) / 2 for first, last, _ in spans], [f"1/{stride}" for *_, stride in spans])
        axes.tick_params(length=0, labelsize=9, labelcolor=TEXT)
        plots.name_panel(axes, label)
        plots.name_axes(axes, "tap, from the input on, by stride")
    figure.colorbar(image, ax=list(panels[0]), label="CKA", shrink=0.85)
    if corrupted:
        plots.legend_of_kinds(figure, _corrupted_panels(panels[1], results))
    return figure


def _corrupted_panels(panels: Any, results: list[dict[str, Any]]) -> dict[str, Any]:
    seen = plots.depth_panels(panels, results, "corrupted")
    for axes in panels:
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
    plots.name_axes(panels[0], up=f"CKA, clean and\n{results[0]['cell']}")
    return seen
