"""Curvature of the loss at the weights: the largest Hessian eigenvalues of each batch (arXiv 2202.06709, figure 1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmfan.analysis.catalogue import HessianOptions
from mmfan.analysis.context import Context
from mmfan.analysis.numerics.eigenvalues import (
    Eigenvalues,
    hessian_product,
    lanczos,
    mean_positive,
    negative_share,
    power_iteration,
)
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.plots import make_panels, name_axes
from mmfan.analysis.training_loss import loss_of, training_batches, twice_differentiable, weight_decays
from mmfan.models.layers.ordered_gradients import ordered_gradients
from mmfan.visualization.style import TEXT, clear_frame, fold, style_of


def run(context: Context) -> dict[str, Any]:
    """Eigenvalues of each batch, NEP and APE of all."""
    options: HessianOptions = context.options
    decays = {} if options.no_decay else weight_decays(context.model, context.model.cfg)
    batches = training_batches(context, context.limit, options.batch_size)
    progress = context.progress()
    rows, losses = [], []
    for done, batch in enumerate(batches, 1):
        loss, found = eigenvalues_of(context, batch, decays)
        rows.append(found)
        losses.append(loss)
        progress(done, len(batches))
    values = [value for row in rows for value in row.values]
    return {
        "losses": losses,
        "eigenvalues": [list(row.values) for row in rows],
        "residuals": [list(row.residuals) for row in rows],
        "products": sum(row.products for row in rows),
        "negative_share": negative_share(values),
        "mean_positive": mean_positive(values),
        "decay": max(decays.values(), default=0.0),
    }


def eigenvalues_of(context: Context, batch: Any, decays: dict[str, float]) -> tuple[float, Eigenvalues]:
    """Loss and eigenvalues of one batch.

    Raises:
        AnalysisError: The loss is not a number.
    """
    options: HessianOptions = context.options
    model = context.model
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    with twice_differentiable(), ordered_gradients(model), torch.enable_grad():
        loss = loss_of(model, batch)
        if not torch.isfinite(loss):
            raise AnalysisError(
                f"The loss of {', '.join(batch.names)} is {float(loss.detach())}; there is no curvature to find."
            )
        product = hessian_product(loss, [value for _, value in named], [decays.get(name, 0.0) for name, _ in named])
        generator = torch.Generator().manual_seed(context.seed)
        size = sum(value.numel() for _, value in named)
        if options.method == "power":
            device = batch.inputs.device

            def on_device(vector: torch.Tensor) -> torch.Tensor:
                return product(vector.to(device)).cpu()

            found = power_iteration(on_device, size, options.top, generator, options.products)
        else:
            start = torch.randn(size, generator=generator).to(batch.inputs.device)
            found = lanczos(product, start, max(options.products, options.top), options.top)
    return float(loss.detach()), found


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """The distribution of all eigenvalues, a row a model, with NEP and APE."""
    figure, grid = make_panels(len(results), 1, (7.2, 1.3 + 1.5 * len(results)), sharex=True)
    panels = grid[:, 0]
    pooled = [np.array([value for row in result["eigenvalues"] for value in row]) for result in results]
    low, high = min(values.min() for values in pooled), max(values.max() for values in pooled)
    edges = np.linspace(min(low, 0.0), max(high, 1e-6), 41)
    for place, (axes, values, result, label) in enumerate(zip(panels, pooled, results, labels, strict=True)):
        axes.hist(values, bins=edges, color=style_of(place).colour, alpha=0.55)
        axes.plot(values, np.full(len(values), -0.06), "|", color=style_of(place).colour, clip_on=False,
                  transform=axes.get_xaxis_transform(), markersize=7)  # fmt: skip
        axes.axvline(0, color="0.4", linewidth=1)
        clear_frame(axes)
        negative, positive = result["negative_share"], result["mean_positive"]
        says = f"{100 * negative:.0f} % negative" + (
            "" if positive is None else f", mean of the positive {positive:.3g}"
        )
        axes.set_title(f"{fold(label, 44, 1)}: {says}", fontsize=9.5, color=TEXT, loc="left")
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        name_axes(axes, up="count")
    top = len(results[0]["eigenvalues"][0])
    name_axes(panels[-1], f"the {top} Hessian eigenvalues of largest magnitude, of each batch")
    panels[-1].tick_params(axis="x", pad=8)
    return figure
