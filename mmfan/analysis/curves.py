"""Plots that the analyses share: something over depth, a panel a model, bands that say what kind of block it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from mmfan.visualization.plotting import DPI, TEXT, clear_frame, fold, style_of

# what each kind of tap is called and coloured; chosen to be told apart without colour by their markers
KIND_STYLES = {
    "embed": ("subsampling", "0.45", "s"),
    "conv": ("convolution", "#DDCC77", "D"),
    "token": ("token mixing", "#332288", "o"),
    "channel": ("channel processing", "#CC6677", "^"),
    "output": ("output", "#117733", "v"),
    "module": ("module", "0.2", "x"),
}


def depth_figure(
    results: Sequence[dict[str, Any]], labels: Sequence[str], key: str, says: str, log: bool = False
) -> Figure:
    """One panel a model: ``result[key]`` over the taps, marked by their kinds; dashed lines where the stride changes.

    Args:
        results: With ``taps``, ``kinds``, ``strides`` and ``key``, lists of one length.
        labels: Names of the models.
        key: What is drawn.
        says: The name of the axis.
        log: Logarithmic axis.
    """
    figure = Figure(figsize=(max(6.5, 4.6 * len(results)), 3.9), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(results), squeeze=False, sharey=True)[0]
    seen: dict[str, Any] = {}
    for place, (axes, result, label) in enumerate(zip(panels, results, labels, strict=True)):
        values = result[key]
        axes.plot(range(len(values)), values, color="0.75", linewidth=1.2, zorder=1)
        for kind, (spoken, colour, marker) in KIND_STYLES.items():
            at = [index for index, one in enumerate(result["kinds"]) if one == kind]
            if at:
                seen[spoken] = axes.scatter(at, [values[i] for i in at], c=colour, marker=marker, s=26, zorder=2)
        mark_strides(axes, result["strides"])
        if log:
            axes.set_yscale("log")
        clear_frame(axes)
        axes.set_title(fold(label, 40), fontsize=10, color=TEXT, pad=14)
        axes.set_xlabel("tap, from the input on", fontsize=9, color=TEXT)
        if place == 0:
            axes.set_ylabel(says, fontsize=9, color=TEXT)
    figure.legend(
        seen.values(),
        seen.keys(),
        ncol=len(seen),
        loc="outside lower center",
        frameon=False,
        fontsize=9,
        handletextpad=0.2,
    )
    return figure


def mark_strides(axes: Any, strides: Sequence[int]) -> None:
    """Dashed lines between taps of different strides, and the strides above the panel."""
    start = 0
    for index in range(1, len(strides) + 1):
        if index == len(strides) or strides[index] != strides[start]:
            axes.text(
                (start + index - 1) / 2, 1.01, f"1/{strides[start]}", transform=axes.get_xaxis_transform(),
                ha="center", va="bottom", fontsize=8, color="0.45",
            )  # fmt: skip
            if index < len(strides):
                axes.axvline(index - 0.5, color="0.8", linestyle="--", linewidth=0.8, zorder=0)
            start = index


def lines_over_depth(axes: Any, results: Sequence[dict[str, Any]], labels: Sequence[str], key: str) -> list[Any]:
    """One line a model over its relative depth (0 the first tap, 1 the last); returns the lines for a legend."""
    handles = []
    for place, result in enumerate(results):
        style = style_of(place)
        values = result[key]
        depth = [index / max(1, len(values) - 1) for index in range(len(values))]
        handles += axes.plot(
            depth, values, color=style.colour, marker=style.marker, linestyle=style.dash, markersize=4, linewidth=1.5,
            label=labels[place],
        )  # fmt: skip
    clear_frame(axes)
    return handles
