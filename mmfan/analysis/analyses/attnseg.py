"""Segmentation by attention: how well do the places that heads look at outline the classes of a picture?

Paper: Naseer et al., Intriguing Properties of Vision Transformers, arXiv 2105.10497, section 4 (there on VOC 2012 with
the class token of the last block). Decided here: ignored pixels are left out of the index (the published script means
to, and counts them as background; ``void='background'`` does that); and the row is by default the mean of all queries,
which every attention has, since models that were trained for dense prediction never trained a class token.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis import plots
from mmfan.analysis.catalogue import AttnsegOptions
from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.reading.attention import Site, fan_class_row, list_attention, read_attention
from mmfan.analysis.taps import backbone_of, list_taps
from mmfan.visualization.style import clear_frame, entry, fold, style_of

IGNORED = 255


def mass_mask(weights: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """The fewest places that together hold at least a share of the attention.

    Args:
        weights: Not negative, any shape, not all 0.
        share: 0 to 1; 1 takes every place that has any weight.

    Returns:
        Of the shape of ``weights``.
    """
    flat = weights.ravel() / weights.sum()
    order = np.argsort(flat, kind="stable")
    left_out = np.cumsum(flat[order]) <= 1 - share + 1e-12  # the tail that may go
    mask = np.ones(flat.size, bool)
    mask[order[left_out]] = False
    return mask.reshape(weights.shape)


def jaccard(mask: NDArray[np.bool_], target: NDArray[np.bool_], counted: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks (H, W) over the counted pixels; 0 where both are empty there."""
    union = ((mask | target) & counted).sum()
    return float((mask & target & counted).sum() / union) if union else 0.0


def class_scores(masks: NDArray[np.bool_], truth: NDArray[np.uint8], void: str = "exclude") -> dict[int, list[float]]:
    """The Jaccard index of every mask with every class of a picture.

    Args:
        masks: (heads, H, W).
        truth: (H, W) class numbers, 255 where ignored.
        void: ``'exclude'`` ignored pixels, or count them as ``'background'`` of every class.

    Returns:
        For each class that occurs, one index a head.
    """
    counted = (truth != IGNORED) | (void == "background")
    present = [int(number) for number in np.unique(truth) if number != IGNORED]
    return {number: [jaccard(mask, truth == number, counted) for mask in masks] for number in present}


def run(context: Context) -> dict[str, Any]:
    """The Jaccard index, mean over the classes of a picture, then over the pictures; and that of chance."""
    options: AttnsegOptions = context.options
    site = list_attention(context.model)[-1]
    context.used_taps = [site.tap]
    names = context.model.dataset_meta["classes"]
    scores, chances = [], []
    by_class: dict[int, list[float]] = {}
    for picture in context.pictures():
        truth = context.truth(picture)
        if truth is None:
            raise AnalysisError(f"The test set of {context.config} has no label maps, which attnseg compares with.")
        heads, stride = _rows(context, context.inputs(picture), site)
        cells = np.stack([mass_mask(row, options.mass) for row in _chosen(heads, options.heads)])
        found = _best(cells, stride, truth, options.void)
        generator = context.generator(picture.name, "chance")
        random = np.stack([generator.permutation(mask.ravel()).reshape(mask.shape) for mask in cells])
        chance = _best(random, stride, truth, options.void)
        if found:
            scores.append(float(np.mean(list(found.values()))))
            chances.append(float(np.mean(list(chance.values()))))
        for number, value in found.items():
            by_class.setdefault(number, []).append(value)
    if not scores:
        raise AnalysisError("None of the pictures has a pixel that is not ignored.")
    return {
        "site": site.name,
        "jaccard": float(np.mean(scores)),
        "chance": float(np.mean(chances)),
        "by_class": {names[number]: float(np.mean(values)) for number, values in sorted(by_class.items())},
    }


def _best(cells: NDArray[np.bool_], stride: int, truth: NDArray[np.uint8], void: str) -> dict[int, float]:
    """Masks of the map to those of the picture, then :func:`class_scores` of the best of them."""
    large = np.stack([plots.stretched(mask, truth.shape, stride) for mask in cells])
    return {number: max(values) for number, values in class_scores(large, truth, void).items()}


def _rows(context: Context, inputs: Tensor, site: Site) -> tuple[NDArray[np.float64], int]:
    """Attention of the last block over its map, (heads, H, W), and the stride of that map."""
    if context.options.row == "class":
        _, backbone = backbone_of(context.model)
        if hasattr(backbone, "cls_attn_blocks"):
            last = list_taps(context.model, ["channel"])[-1]
            features = context.features(inputs, [last])[last.name]
            size = (features.map.shape[2], features.map.shape[3])
            return np.asarray(fan_class_row(backbone, features.tokens).unflatten(1, size).cpu().numpy()), last.stride
    attention = read_attention(context.model, inputs, [site])[site.name]
    row = attention.class_row() if context.options.row == "class" else attention.mean_row()
    if row is None:
        raise AnalysisError(f"{type(context.model.backbone).__name__} has no class token; take row mean.")
    return np.asarray(row.cpu().numpy()), site.tap.stride * attention.reduction


def _chosen(rows: NDArray[np.float64], heads: str) -> NDArray[np.float64]:
    if heads == "best":
        return rows
    if heads == "mean":
        return np.asarray(rows.mean(axis=0, keepdims=True))
    if int(heads) >= len(rows):
        raise AnalysisError(f"The attention has the heads 0 to {len(rows) - 1}, not {heads}.")
    return rows[int(heads)][None]


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Bars of the index by class and over all; a line where chance is."""
    names = list(dict.fromkeys(name for result in results for name in result["by_class"]))
    rows = ["all classes", *names]
    figure, ((axes,),) = plots.make_panels(1, 1, (7.5, 1.3 + 0.3 * len(rows) + 0.12 * len(rows) * len(results)))
    thick = 0.8 / len(results)
    for place, (result, label) in enumerate(zip(results, labels, strict=True)):
        style = style_of(place)
        values = [result["jaccard"], *(result["by_class"].get(name, 0.0) for name in names)]
        at = np.arange(len(rows)) - 0.4 + (place + 0.5) * thick
        axes.barh(at, values, thick * 0.92, color=style.colour, hatch=style.hatch, label=entry(fold(label, 60, 1)))
        axes.plot([result["chance"]] * 2, [at[0] - thick / 2, at[0] + thick / 2], color="black", linewidth=2.5)
    axes.plot([], [], color="black", linewidth=2.5, label="chance (as many places, drawn at random)")
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    clear_frame(axes)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="0.85")
    plots.name_axes(axes, "Jaccard index of the attention and the class")
    plots.legend_under(figure, *axes.get_legend_handles_labels(), ncol=1)
    return figure
