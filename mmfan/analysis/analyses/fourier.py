"""Fourier spectrum of feature maps: attention passes low frequencies, convolutions and MLPs high ones.

Paper: Park and Kim, How Do Vision Transformers Work?, arXiv 2202.06709, figures 2a and 8. Three things differ from the
published notebook: the model is in eval mode and has its own preprocessing; each point of a curve is drawn at its true
frequency, the Nyquist frequency included (the notebook's last point, labelled 1.0 pi, is the one before it); and on
maps that are not square the curve follows equal *normalised* frequencies of both axes through the zero frequency, where
the diagonal of the matrix would miss it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis import plots
from mmfan.analysis.context import Context
from mmfan.analysis.taps import describe_taps
from mmfan.visualization.style import TEXT, clear_frame, fold

FLOOR = 1e-6  # added to amplitudes before the logarithm, as published


def log_amplitude(features: Tensor) -> NDArray[np.float64]:
    """Mean over pictures and channels of the logarithm of the amplitude spectrum.

    Args:
        features: (B, C, H, W).

    Returns:
        (H, W), natural logarithm, zero frequency at [0, 0].
    """
    spectrum = torch.fft.fft2(features.double()).abs()
    return np.asarray((spectrum + FLOOR).log().mean(dim=(0, 1)).cpu().numpy())


def diagonal(amplitude: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Walk from the zero frequency to the highest of both axes at once, relative to the zero frequency.

    The points are the frequencies of the shorter side; between the frequencies of the longer side it is interpolated.

    Args:
        amplitude: (H, W), of :func:`log_amplitude`.

    Returns:
        Frequencies, in units of pi (1 is the Nyquist frequency, which only even sides have), and the log-amplitude
        minus that of frequency zero; both of shorter side // 2 + 1 points.
    """
    height, width = amplitude.shape
    short = min(height, width)
    frequencies = 2 * np.arange(short // 2 + 1) / short
    rows, columns = frequencies * height / 2, frequencies * width / 2  # positions on the two axes
    values = np.zeros(len(frequencies))
    for row, row_weight in _neighbours(rows, height):
        for column, column_weight in _neighbours(columns, width):
            values += row_weight * column_weight * amplitude[row, column]
    return frequencies, values - amplitude[0, 0]


def _neighbours(positions: NDArray[np.float64], side: int) -> list[tuple[NDArray[np.int_], NDArray[np.float64]]]:
    """The two whole positions around each, neither beyond the highest frequency, and their weights."""
    # 1e-9: a product such as 3 / 7 * 7 may fall just short of a whole number
    low = np.minimum(np.floor(positions + 1e-9).astype(int), side // 2)
    weight = np.clip(positions - low, 0.0, 1.0)
    return [(low, 1 - weight), (np.minimum(low + 1, side // 2), weight)]


def run(context: Context) -> dict[str, Any]:
    """Curves of every tap, mean over the pictures; one pass, a running sum a tap."""
    taps = context.taps(plots.BLOCK_KINDS)
    total = len(context.numbers())
    curves: dict[str, NDArray[np.float64]] = {}
    frequencies: dict[str, NDArray[np.float64]] = {}
    for picture in context.pictures():
        for name, features in context.features(context.inputs(picture), taps).items():
            at, values = diagonal(log_amplitude(features.map))
            if name in curves and len(at) != len(frequencies[name]):
                # pictures of several sizes: all on the frequencies of the first
                values = np.interp(frequencies[name], at, values)
            frequencies.setdefault(name, at)
            curves[name] = curves.get(name, 0.0) + values / total
    return {
        **describe_taps(taps),
        "frequencies": [frequencies[tap.name].tolist() for tap in taps],
        "curves": [curves[tap.name].tolist() for tap in taps],
        "high": [float(curves[tap.name][-1]) for tap in taps],
    }


def draw_spectra(axes: Any, result: dict[str, Any], label: str) -> None:
    """Curves over frequency of the taps of a model's commonest stride, from dark (early) to bright (late)."""
    strides = result["strides"]
    stride = max(set(strides), key=lambda one: (strides.count(one), one))
    chosen = [index for index, one in enumerate(strides) if one == stride]
    colours = colormaps["viridis"](np.linspace(0.0, 0.92, len(chosen)))
    for place, index in enumerate(chosen):
        axes.plot(result["frequencies"][index], result["curves"][index], color=colours[place], linewidth=1.2)
    clear_frame(axes)
    axes.set_title(f"{fold(label, 40)}\ntaps of stride {stride}, dark to bright by depth", fontsize=9.5, color=TEXT)
    plots.name_axes(axes, "frequency (pi)")


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Above, the curves of each model's commonest stride by depth; below, the end of every curve over depth."""
    figure, (above, below) = plots.make_panels(2, len(results), (max(6.5, 4.6 * len(results)), 6.8), sharey="row")
    for axes, result, label in zip(above, results, labels, strict=True):
        draw_spectra(axes, result, label)
    above[0].set_ylabel("log amplitude, relative to frequency 0", fontsize=9)
    seen = plots.depth_panels(below, results, "high")
    below[0].set_ylabel("log amplitude at the highest\nfrequency, relative to 0", fontsize=9)
    plots.legend_of_kinds(figure, seen)
    return figure
