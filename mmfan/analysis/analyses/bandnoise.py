"""Which frequencies a model's score depends on: noise of one band at a time (arXiv 2202.06709, figure 2b)."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mmfan.analysis.context import AnalysisError, AnalysisSpec, Context
from mmfan.analysis.plots.lines import line_figure
from mmfan.analysis.scoring.alterations import BandNoiseAlteration
from mmfan.analysis.scoring.judge import judge_of, main_metric, without_cell
from mmfan.corruptions.cell import Cell
from mmfan.datasets.transforms.band_noise import ENERGIES, IMAGENET_STD
from mmfan.evaluation.protocol import Protocol


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Bands and strength."""
    parser.add_argument(
        "--frequencies", nargs="+", type=int, default=list(range(10, 100, 10)), metavar="PERCENT",
        help="middles of the bands in percent of pi, the highest frequency (default: 10 20 ... 90)",
    )  # fmt: skip
    parser.add_argument("--width", type=float, default=0.1, help="width of a band in units of pi (default: 0.1)")
    parser.add_argument(
        "--eps", type=float, default=0.7, help="strength of the noise in standard deviations (default: 0.7)"
    )
    parser.add_argument(
        "--energy", choices=ENERGIES, default="raw", help="raw: as published; equal: the same in each band"
    )
    parser.add_argument("--workers", type=int, help="loading processes (default: the config's)")


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
    options = context.options
    without_cell(context, "bandnoise")
    bands = sorted(set(options.frequencies))
    if not 1 <= bands[0] <= bands[-1] <= 100:
        raise AnalysisError(f"Expected --frequencies from 1 to 100 percent of pi, got {options.frequencies}.")
    settings = {"width": options.width, "eps": options.eps, "energy": options.energy, "std": model_std(context.model)}
    kind = f"band_noise_{options.energy}_eps{options.eps:g}_width{options.width:g}"
    protocol = Protocol(kind, tuple(Cell(kind, band) for band in bands), source="bands of noise, arXiv 2202.06709")
    judge = judge_of(context, "bandnoise", workers=options.workers)
    clean, *noisy = judge.run(
        protocol, alteration=BandNoiseAlteration(**settings), settings=settings, progress=context.progress("bandnoise")
    )
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
    return line_figure(
        lines, names, "frequency of the noise, in units of \N{GREEK SMALL LETTER PI}",
        f"change of {results[0]['metric']} (points)", zero=True,
    )  # fmt: skip


SPEC = AnalysisSpec(
    name="bandnoise",
    help="which frequencies does the score depend on?",
    definition=(
        "Score of pictures with noise of one band of frequencies minus that of the clean ones. Random signs of the "
        "strength eps (in standard deviations of the pictures) are cut to a square ring of the spectrum, frequencies "
        "as shares of the highest one, added before normalisation and clamped to 0..255; seeds by file name. "
        "energy=raw keeps the ring's share of the energy, as published; energy=equal gives each band the same. "
        "Park and Kim, How Do Vision Transformers Work?, arXiv 2202.06709, figure 2b."
    ),
    run=run,
    draw=draw,
    add_arguments=add_arguments,
    pictures=16,
    needs_score=True,
)
