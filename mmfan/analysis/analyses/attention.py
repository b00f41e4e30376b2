"""Attention of a chosen place, block by block, and the tokens behind the channel gates, drawn over the picture."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis import plots
from mmfan.analysis.catalogue import AttentionOptions
from mmfan.analysis.context import Context, Picture
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.reading.attention import Site, list_attention, read_attention, read_gates

SHOWN = 4
MARK = (80, 255, 80)


def entropy(weights: NDArray[np.float64]) -> float:
    """Entropy of attention relative to that of looking everywhere alike: 0 for one place, 1 for all.

    Args:
        weights: (N,), not negative, summing to 1.
    """
    positive = weights[weights > 0]
    return float(-(positive * np.log(positive)).sum() / math.log(len(weights))) if len(weights) > 1 else 0.0


def distance(weights: NDArray[np.float64], row: float, column: float) -> float:
    """Mean distance of attention from its query, in lengths of the map's diagonal.

    Args:
        weights: (H, W), summing to 1.
        row: Where the query lies, in cells from the upper edge (0.5 is the middle of the first).
        column: In cells from the left edge.
    """
    height, width = weights.shape
    down, right = np.arange(height) + 0.5 - row, np.arange(width) + 0.5 - column
    lengths = np.hypot(down[:, None], right[None])
    return float((weights * lengths).sum() / math.hypot(height, width))


def run(context: Context) -> dict[str, Any]:
    """Attention of the query at every block; numbers are means over the pictures, the first one is drawn."""
    options: AttentionOptions = context.options
    x, y = options.query
    sites = choose_sites(context)
    context.used_taps = [site.tap for site in sites]
    pictures = len(context.numbers())
    table = np.zeros((len(sites), 2))
    panels: list[plots.Panel] = []
    gates: dict[str, Any] = {}
    for number, picture in enumerate(context.pictures()):
        inputs = context.inputs(picture)
        maps = read_attention(context.model, inputs, sites)
        height, width = picture.image.shape[:2]
        place = (y * height, x * width)  # pixels from the top and from the left
        rows, found = [], []
        for site in sites:
            at = maps[site.name]
            spot = [min(int(place[axis] // site.tap.stride), at.size[axis] - 1) for axis in (0, 1)]
            heads = at.rows([spot[0] * at.size[1] + spot[1]])[:, 0]
            row = chosen_head(heads, options.head, site.name)
            rows.append(row)
            cell = site.tap.stride * at.reduction
            found.append((entropy(row.ravel()), distance(row, place[0] / cell, place[1] / cell)))
        table += np.array(found) / pictures
        if number == 0:
            shown = {round(index) for index in np.linspace(0, len(sites) - 1, min(SHOWN, len(sites)))}
            panels = [("query", marked(picture.rgb, x, y))]
            for index in sorted(shown):
                site = sites[index]
                stride = site.tap.stride * maps[site.name].reduction
                panels.append((f"{site.name} attention", _painted(picture, rows[index], stride)))
            panels += _gate_panels(context, picture, inputs, gates)
    return {
        "sites": [site.name for site in sites],
        "strides": [site.tap.stride for site in sites],
        "query": [x, y],
        "entropy": table[:, 0].tolist(),
        "distance": table[:, 1].tolist(),
        "gates": gates,
        "_panels": panels,
    }


def choose_sites(context: Context) -> list[Site]:
    """Where attention can be read: at the taps that were asked for, or everywhere.

    Raises:
        AnalysisError: There is none at a tap that was asked for.
    """
    sites = list_attention(context.model)
    if not context.tap_names:
        return sites
    wanted = [name.removesuffix(".token") for name in context.tap_names]
    known = [site.name for site in sites]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise AnalysisError(f"There is no readable attention at {unknown[0]!r}; there is at {', '.join(known)}.")
    return [site for site in sites if site.name in wanted]


def chosen_head(heads: Tensor, head: int | None, name: str) -> NDArray[np.float64]:
    """One head's map (H, W), or the mean of all.

    Raises:
        AnalysisError: There is no such head.
    """
    if head is None:
        return np.asarray(heads.mean(dim=0).cpu().numpy())
    if not 0 <= head < len(heads):
        raise AnalysisError(f"The attention of {name} has the heads 0 to {len(heads) - 1}, not {head}.")
    return np.asarray(heads[head].cpu().numpy())


def marked(rgb: NDArray[np.uint8], x: float, y: float) -> NDArray[np.uint8]:
    """The picture with a cross at the query."""
    height, width = rgb.shape[:2]
    drawn = rgb.copy()
    for colour, thickness in (((0, 0, 0), max(4, height // 60)), (MARK, max(2, height // 110))):
        cv2.drawMarker(drawn, (int(x * width), int(y * height)), colour, cv2.MARKER_CROSS, height // 9, thickness)
    return drawn


def _painted(picture: Picture, weights: NDArray[np.float64], stride: int) -> NDArray[np.uint8]:
    large = plots.stretched(weights, picture.image.shape[:2], stride)
    # a single bright cell would leave all others dark
    return plots.heated(picture.rgb, large, highest=float(np.quantile(large, 0.995)) or None)


def _gate_panels(context: Context, picture: Picture, inputs: Tensor, gates: dict[str, Any]) -> list[plots.Panel]:
    """Panels of the first and last gated block; ``gates`` gets the numbers of all."""
    found = read_gates(context.model, inputs)
    for gate in found:
        values = gate.values.double()
        gates[gate.name] = {"lowest": float(values.min()), "mean": float(values.mean()), "highest": float(values.max())}
    panels: list[plots.Panel] = []
    taps = {tap.name: tap for tap in context.used_taps}
    for gate in list({gate.name: gate for gate in found[:1] + found[-1:]}.values()):
        one = gate.name
        stride = next((tap.stride for name, tap in taps.items() if name.removesuffix(".token") == one), 16)
        size = (-(-inputs.shape[2] // stride), -(-inputs.shape[3] // stride))
        if size[0] * size[1] == len(gate.tokens):
            weights = gate.tokens.double().cpu().numpy().reshape(size)
            panels.append((f"{one} tokens behind the channel gates", _painted(picture, weights, stride)))
    return panels


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A row a model: the query, its attention at some blocks, and the tokens behind the gates of FAN's blocks."""
    return plots.image_grid([result["_panels"] for result in results], labels)
