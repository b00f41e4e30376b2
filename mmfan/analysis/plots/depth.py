"""Plots that the analyses share: something over depth, a panel a model, marks that say what kind of block it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmfan.visualization.style import DPI, TEXT, clear_frame, fold

# the taps that a walk through the depth of a model visits
BLOCK_KINDS = ("embed", "conv", "token", "channel")
# what each kind of tap is called, its colour and its marker, by which it is known without colour too
KIND_STYLES = {
    "embed": ("subsampling", "0.45", "s"),
    "conv": ("convolution", "#DDCC77", "D"),
    "token": ("token mixing", "#332288", "o"),
    "channel": ("channel processing", "#CC6677", "^"),
    "output": ("output", "#117733", "v"),
    "module": ("module", "0.2", "X"),
}


def stretches(strides: Sequence[int]) -> list[tuple[int, int, int]]:
    """First place, last place and stride of each run of equal strides.

    >>> stretches([4, 4, 8])
    [(0, 1, 4), (2, 2, 8)]
    """
    found, start = [], 0
    for stride, run in groupby(strides):
        count = len(list(run))
        found.append((start, start + count - 1, stride))
        start += count
    return found


def depth_figure(results: Sequence[dict[str, Any]], labels: Sequence[str], key: str, says: str) -> Figure:
    """One panel a model: ``result[key]`` over the taps; see :func:`depth_panels`.

    Args:
        results: With ``taps``, ``kinds``, ``strides`` and ``key``, lists of one length.
        labels: Names of the models.
        key: What is drawn.
        says: The name of the axis.
    """
    figure = Figure(figsize=(max(6.5, 4.6 * len(results)), 3.9), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(results), squeeze=False, sharey=True)[0]
    seen = depth_panels(panels, results, key)
    for axes, label in zip(panels, labels, strict=True):
        axes.set_title(fold(label, 40), fontsize=10, color=TEXT, pad=14)
    panels[0].set_ylabel(says, fontsize=9, color=TEXT)
    legend_of_kinds(figure, seen)
    return figure


def depth_panels(panels: Sequence[Any], results: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    """Draw ``result[key]`` of each model over its taps, marked by kind; lines join taps of one stride only.

    Returns:
        One artist for each kind that was met, for a legend.
    """
    seen: dict[str, Any] = {}
    for axes, result in zip(panels, results, strict=True):
        values = [value if value is not None and np.isfinite(value) else np.nan for value in result[key]]
        for first, last, _ in stretches(result["strides"]):
            axes.plot(range(first, last + 1), values[first : last + 1], color="0.75", linewidth=1.2, zorder=1)
        for kind, (spoken, colour, marker) in KIND_STYLES.items():
            at = [index for index, one in enumerate(result["kinds"]) if one == kind]
            if at:
                seen[spoken] = axes.scatter(at, [values[i] for i in at], c=colour, marker=marker, s=26, zorder=2)
        mark_strides(axes, result["strides"])
        finish_depth(axes)
    return seen


def finish_depth(axes: Any) -> None:
    """Name the axis of depth, with whole numbers."""
    clear_frame(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("tap, from the input on", fontsize=9, color=TEXT)


def mark_strides(axes: Any, strides: Sequence[int]) -> None:
    """Dashed lines between taps of different strides, and the strides above the panel."""
    for first, last, stride in stretches(strides):
        axes.text(
            (first + last) / 2, 1.01, f"1/{stride}", transform=axes.get_xaxis_transform(),
            ha="center", va="bottom", fontsize=8, color="0.45",
        )  # fmt: skip
        if last + 1 < len(strides):
            axes.axvline(last + 0.5, color="0.8", linestyle="--", linewidth=0.8, zorder=0)


def legend_of_kinds(figure: Figure, seen: dict[str, Any]) -> None:
    """Say below the panels which mark is which kind."""
    figure.legend(
        list(seen.values()), list(seen), ncol=len(seen), loc="outside lower center", frameon=False, fontsize=9,
        handletextpad=0.2,
    )  # fmt: skip


def spectral_panel(axes: Any, result: dict[str, Any], label: str) -> None:
    """Curves over frequency of the taps of a model's commonest stride, from dark (early) to bright (late)."""
    strides = result["strides"]
    stride = max(set(strides), key=lambda one: (strides.count(one), one))
    chosen = [index for index, one in enumerate(strides) if one == stride]
    colours = colormaps["viridis"](np.linspace(0.0, 0.92, len(chosen)))
    for place, index in enumerate(chosen):
        axes.plot(result["frequencies"][index], result["curves"][index], color=colours[place], linewidth=1.2)
    clear_frame(axes)
    axes.set_title(f"{fold(label, 40)}\ntaps of stride {stride}, dark to bright by depth", fontsize=9.5, color=TEXT)
    axes.set_xlabel("frequency (pi)", fontsize=9, color=TEXT)
