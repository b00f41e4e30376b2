"""Correlation of the features of a clean and of an altered picture, by depth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.analysis import plots
from mmfan.analysis.catalogue import CorrelationOptions
from mmfan.analysis.context import Context, Picture
from mmfan.analysis.taps import describe_taps
from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import CLEAN
from mmfan.datasets.transforms.cell_grid import patch_grid, random_cells
from mmfan.visualization.style import TEXT


def pearson(one: Tensor, other: Tensor) -> Tensor:
    """Pearson correlation over the channels at every position.

    Args:
        one: (B, C, H, W).
        other: Of the same shape.

    Returns:
        (B, H, W), -1 to 1; 0 where the channels of one of them are all equal.
    """
    one, other = (value.double() - value.double().mean(dim=1, keepdim=True) for value in (one, other))
    product = (one * other).sum(dim=1)
    norms = one.square().sum(dim=1).sqrt() * other.square().sum(dim=1).sqrt()
    # a spread of rounding errors is none
    return torch.where(norms > 1e-20, product / norms.clamp_min(1e-20), torch.zeros_like(product)).clamp(-1, 1)


def share_hidden(hidden: NDArray[np.bool_], size: tuple[int, int], padded: tuple[int, int]) -> Tensor:
    """Share of hidden pixels at each position of a map.

    Args:
        hidden: (H, W), of the picture.
        size: Height and width of the map.
        padded: Height and width of what the model computes with, at least (H, W); padding is visible.

    Returns:
        (h, w), 0 to 1.
    """
    whole = torch.zeros(padded)
    whole[: hidden.shape[0], : hidden.shape[1]] = torch.from_numpy(hidden.astype(np.float32))
    return F.adaptive_avg_pool2d(whole[None, None], size)[0, 0]


def run(context: Context) -> dict[str, Any]:
    """Correlations at every tap: with hidden cells by ratio, or with one corruption."""
    options: CorrelationOptions = context.options
    taps = context.taps(plots.BLOCK_KINDS)
    ratios = sorted(set(options.ratios))
    names = [f"hidden {ratio}" for ratio in ratios] if context.cell == CLEAN else [str(context.cell)]
    rows: dict[str, dict[str, list[list[float]]]] = {name: {tap.name: [] for tap in taps} for name in names}
    for picture in context.pictures(cell=CLEAN):
        clean = context.features(context.inputs(picture), taps)
        for name, ratio in zip(names, ratios if context.cell == CLEAN else [None], strict=True):
            image, hidden = _altered(context, picture, ratio)
            inputs = context.inputs(picture, image)
            for tap, features in context.features(inputs, taps).items():
                found = pearson(clean[tap].map, features.map)[0].cpu()
                size, padded = (found.shape[0], found.shape[1]), (inputs.shape[2], inputs.shape[3])
                share = share_hidden(hidden, size, padded)
                rows[name][tap].append(_means(found, share))
    result: dict[str, Any] = {**describe_taps(taps), "altered": {}}
    for name, by_tap in rows.items():
        values = np.array([by_tap[tap.name] for tap in taps])  # (taps, pictures, all / visible / hidden)
        result["altered"][name] = {
            part: _over_pictures(values[..., place]) for place, part in enumerate(("all", "visible", "hidden"))
        }
    return result


def _altered(context: Context, picture: Picture, ratio: int | None) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture with cells hidden, or corrupted; and which pixels are hidden."""
    if ratio is None:
        return context.picture(picture.number, context.cell).image, np.zeros(picture.image.shape[:2], bool)
    height, width = picture.image.shape[:2]
    grid = patch_grid((height, width), context.options.patch)
    cells = random_cells(grid, ratio / 100, picture_seed(context.seed, picture.name, "correlation", ratio))
    hidden = grid.to_pixels(cells)
    image = picture.image.copy()
    image[hidden] = 0
    return image, hidden


def _means(correlation: Tensor, share: Tensor) -> list[float]:
    """Mean over all, visible and hidden positions; NaN where there is none. Those partly hidden are neither."""
    parts = (torch.ones_like(share, dtype=torch.bool), share < 1e-6, share > 1 - 1e-6)
    return [float(correlation[part].mean()) if part.any() else float("nan") for part in parts]


def _over_pictures(values: NDArray[np.float64]) -> dict[str, list[float | None]]:
    """(taps, pictures) to mean and standard deviation of each tap; None where no picture has such a position."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of taps without a number
        found = {"mean": np.nanmean(values, axis=1), "std": np.nanstd(values, axis=1)}
    return {key: [None if np.isnan(one) else float(one) for one in row] for key, row in found.items()}


def _over_depth(values: list[float | None]) -> plots.Line:
    """Values over relative depth: 0 the first tap, 1 the last."""
    return [place / max(1, len(values) - 1) for place in range(len(values))], values


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A row for what was altered, a column for the positions; over relative depth."""
    names = list(results[0]["altered"])
    parts = ("all", "visible", "hidden") if names[0].startswith("hidden") else ("all",)
    size = (max(6.4, 3.2 * len(parts)), 2.4 * len(names) + 1.0)
    figure, grid = plots.make_panels(len(names), len(parts), size, sharex=True, sharey=True)
    for row, name in enumerate(names):
        for column, part in enumerate(parts):
            axes = grid[row][column]
            plots.draw_lines(axes, [_over_depth(result["altered"][name][part]["mean"]) for result in results], labels)
            axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
            says = f"{name} %" if name.startswith("hidden") else name
            axes.set_title(f"{says}: {part} positions", fontsize=10, color=TEXT)
            last = row == len(names) - 1
            plots.name_axes(axes, "depth: first to last tap" if last else None, None if column else "correlation")
    plots.legend_under(figure, *grid[0][0].get_legend_handles_labels())
    return figure
