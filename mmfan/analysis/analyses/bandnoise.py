"""Dependence on frequencies: the score under noise of one band at a time (arXiv 2202.06709, figure 2b)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mmfan.analysis import plots
from mmfan.analysis.catalogue import BandNoiseOptions
from mmfan.analysis.context import Context
from mmfan.analysis.scoring.alterations import BandNoiseAlteration
from mmfan.analysis.scoring.judge import Judge, main_metric
from mmfan.corruptions.cell import Cell
from mmfan.datasets.transforms.band_noise import IMAGENET_STD
from mmfan.evaluation.protocol import Protocol


def model_std(model: Any) -> tuple[float, ...]:
    """The standard deviations that a model normalises by, red, green, blue; ImageNet's where it does not."""
    preprocessor = getattr(model, "data_preprocessor", None)
    std = getattr(preprocessor, "std", None)
    if std is None or std.numel() != 3:
        return IMAGENET_STD
    values = tuple(float(value) for value in std.flatten())
    turned = getattr(preprocessor, "channel_conversion", getattr(preprocessor, "_channel_conversion", False))
    return values if turned else values[::-1]


def run(context: Context) -> dict[str, Any]:
    """Scores with noise in each band."""
    options: BandNoiseOptions = context.options
    judge = Judge(context, options.workers, alters=True)
    bands = sorted(set(options.frequencies))
    settings = {"width": options.width, "eps": options.eps, "energy": options.energy, "std": model_std(context.model)}
    kind = f"band_noise_{options.energy}_eps{options.eps:g}_width{options.width:g}"
    protocol = Protocol(kind, tuple(Cell(kind, band) for band in bands), source="bands of noise, arXiv 2202.06709")
    clean, *noisy = judge.run(protocol, alteration=BandNoiseAlteration(**settings), progress=context.progress())
    metric = main_metric([clean])
    scores = [record["metrics"][metric] for record in noisy]
    return {
        "metric": metric,
        "frequencies": [band / 100 for band in bands],
        "cycles_per_pixel": [band / 200 for band in bands],
        "clean": clean["metrics"][metric],
        "scores": scores,
        **changes(clean["metrics"][metric], scores),
        "settings": settings,
    }


def changes(clean: float, scores: list[float]) -> dict[str, list[float | None]]:
    """What is lost, and what is retained of a clean score; None where that is 0."""
    return {
        "change": [float(np.float64(score) - clean) for score in scores],
        "retention": [score / clean if clean else None for score in scores],
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Change of the score over the band."""
    lines = [(result["frequencies"], [100 * value for value in result["change"]]) for result in results]
    names = [f"{label} (clean {100 * result['clean']:.1f})" for label, result in zip(labels, results, strict=True)]
    figure, ((axes,),) = plots.make_panels(1, 1, (6.4, 4.2))
    plots.draw_lines(axes, lines, names)
    axes.axhline(0, color="0.5", linewidth=1)
    across = "frequency of the noise, in units of \N{GREEK SMALL LETTER PI}"
    plots.name_axes(axes, across, f"change of {results[0]['metric']} (points)", size=10)
    plots.legend_under(figure, *axes.get_legend_handles_labels())
    return figure
