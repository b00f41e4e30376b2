"""Grouping of tokens: clusters of the tokens after each block, drawn over the picture.

Paper: Zhou et al., Understanding The Robustness in Vision Transformers, arXiv 2204.12451, figure 4. The paper does not
say how tokens were clustered. Here it is k-means on tokens of unit length, that is by the angle that the affinity
<z_i, z_j> is about, from seeded starts; a cluster keeps its colour from block to block by overlap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis import plots
from mmfan.analysis.catalogue import GroupingOptions
from mmfan.analysis.context import Context, Picture
from mmfan.analysis.numerics.clusters import kmeans, matched
from mmfan.analysis.taps import describe_taps

SHOWN = 6


def group_tokens(tokens: Tensor, count: int, generator: np.random.Generator) -> tuple[NDArray[np.int_], float]:
    """Clusters of tokens by direction.

    Args:
        tokens: (N, C).
        count: Number of clusters.
        generator: Draws the starts.

    Returns:
        The cluster of each token, (N,); and the share of the variance of the unit tokens that the clusters explain, 0
        to 1 (1 also where all tokens are alike).
    """
    z = tokens.double().cpu().numpy()
    z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    labels, within = kmeans(z, count, generator)
    total = float(np.square(z - z.mean(axis=0)).sum(axis=1).mean())
    return labels, 1 - within / total if total > 1e-12 else 1.0


def run(context: Context) -> dict[str, Any]:
    """Clusters after every block, on every picture; the first picture is drawn."""
    options: GroupingOptions = context.options
    count = options.clusters
    taps = context.taps(("conv", "channel"))
    pictures = len(context.numbers())
    explained = np.zeros(len(taps))
    sizes = np.zeros((len(taps), count))
    shown = {round(place) for place in np.linspace(0, len(taps) - 1, min(SHOWN, len(taps)))}
    panels: list[plots.Panel] = []
    for number, picture in enumerate(context.pictures()):
        features = context.features(context.inputs(picture), taps)
        before: NDArray[np.int_] | None = None
        if number == 0:
            panels.append(("picture", picture.rgb))
        for place, tap in enumerate(taps):
            at = features[tap.name]
            labels, share = group_tokens(at.tokens[0], count, context.generator(picture.name, tap.name))
            explained[place] += share / pictures
            if before is not None and len(before) == len(labels):
                labels = matched(labels, before, count)
            before = labels
            sizes[place] += np.bincount(labels, minlength=count) / len(labels) / pictures
            if number == 0 and place in shown:
                panels.append((tap.name, draw_groups(picture, labels.reshape(at.map.shape[2:]), tap.stride)))
    return {
        **describe_taps(taps),
        "explained": explained.tolist(),
        "largest": sizes.max(axis=1).tolist(),
        "_panels": panels,
    }


def draw_groups(picture: Picture, labels: NDArray[np.int_], stride: int) -> NDArray[np.uint8]:
    """Paint clusters (H, W) over the picture; what the model padded is cut off."""
    return plots.tinted(picture.rgb, plots.stretched(labels, picture.image.shape[:2], stride))


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A row a model: the picture, then the clusters of some blocks from first to last."""
    return plots.image_grid([result["_panels"] for result in results], labels)
