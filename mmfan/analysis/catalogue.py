"""Catalogue of the analyses: what each asks and computes, its options, and the module that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmfan.analysis.options import AnalysisError, Options, option
from mmfan.analysis.spec import AnalysisSpec
from mmfan.utils.text import nearest


@dataclass(frozen=True)
class Settings(Options):
    """What all analyses can be told; None leaves the default, or what a context has."""

    limit: int | None = option(None, "pictures of the test set, spread evenly over it", least=1, metavar="N")
    seed: int | None = option(None, "seed of corruptions and of all that is drawn (default: 0)", least=0, metavar="N")
    cell: str | None = option(None, "corrupt the pictures, e.g. fog:3", metavar="NAME:SEVERITY")
    crop: int | None = option(None, "look at the central N x N pixels alone", least=1, metavar="N")
    taps: tuple[str, ...] | None = option(None, "places to look at (default: the analysis' choice)", metavar="NAME")
    labels: tuple[str, ...] | None = option(None, "names of the models (default: of their configs)", metavar="NAME")
    device: str | None = option(None, "cpu, cuda:0, ... (default: a GPU if there is one)")


def _sigma() -> Any:
    return option(0.1, "standard deviation of the noise, 1 is from black to white", above=0, metavar="X")


def _workers() -> Any:
    return option(None, "loading processes (default: the config's)", least=0, metavar="N")


def _batch_size() -> Any:
    return option(2, "pictures in a batch", least=1, metavar="N")


def _patch(of: str) -> Any:
    return option(16, f"side of a {of} in pixels", least=1, metavar="PIXELS")


@dataclass(frozen=True)
class SpectrumOptions(Options):
    """Threshold, centring, and the noise."""

    tolerance: float = option(1e-3, "an eigenvalue counts if above X times the largest", above=0, below=1, metavar="X")
    centre: bool = option(False, "subtract the mean token first")
    sigma: float = _sigma()


@dataclass(frozen=True)
class NoiseDecayOptions(Options):
    """The strength of the noise."""

    sigma: float = _sigma()


@dataclass(frozen=True)
class GroupingOptions(Options):
    """Number of clusters; each has a colour of its own."""

    clusters: int = option(5, "groups of tokens", least=2, most=10, metavar="N")


@dataclass(frozen=True)
class AttentionOptions(Options):
    """The query, and the head."""

    query: tuple[float, float] = option(
        (0.5, 0.5), "where the query lies, as parts of width and height", least=0, below=1, metavar=("X", "Y")
    )
    head: int | None = option(None, "one head, from 0 (default: the mean of all)", least=0, metavar="N")


@dataclass(frozen=True)
class AttnsegOptions(Options):
    """Mass, heads, row, and what ignored pixels are."""

    mass: float = option(0.9, "share of the attention that is kept", above=0, most=1, metavar="X")
    heads: str = option(
        "best", "best head for each class, the mean of all, or one by its number", pattern=r"best|mean|\d+",
        says="best, mean or a number from 0 on", metavar="best|mean|N",
    )  # fmt: skip
    row: str = option("mean", "whose attention: all queries' or the class token's", choices=("mean", "class"))
    void: str = option("exclude", "what ignored pixels are", choices=("exclude", "background"))


@dataclass(frozen=True)
class CKAOptions(Options):
    """Batches and grid."""

    batch: int = option(8, "pictures a mini-batch", least=4, metavar="N")
    grid: int = option(8, "maps are averaged to N x N", least=1, metavar="N")


@dataclass(frozen=True)
class HessianOptions(Options):
    """How many eigenvalues, on what, by which method."""

    batch_size: int = _batch_size()
    top: int = option(5, "eigenvalues of each batch", least=1, metavar="N")
    method: str = option(
        "lanczos", "power: as published, one eigenvalue after the other; lanczos needs fewer products",
        choices=("lanczos", "power"),
    )  # fmt: skip
    products: int = option(
        16, "products with the Hessian: in all for lanczos, for each eigenvalue with power", least=1, metavar="N"
    )
    no_decay: bool = option(False, "leave the optimiser's weight decay out of the loss")


@dataclass(frozen=True)
class LandscapeOptions(Options):
    """The grid and the directions."""

    points: int = option(11, "N x N points; odd, so that the model is one of them", least=1, odd=True, metavar="N")
    reach: float = option(1.0, "from -REACH to REACH", above=0)
    normalise: str = option("filter", "scale of the directions", choices=("filter", "repo", "none"))
    batch_size: int = _batch_size()


@dataclass(frozen=True)
class LesionOptions(Options):
    """What is taken out."""

    units: str = option(
        "branches", "take out branches of blocks (attention, MLP) or whole blocks", choices=("branches", "blocks")
    )
    only: tuple[str, ...] | None = option(None, "only units whose names contain one of these", metavar="NAME")
    workers: int | None = _workers()


@dataclass(frozen=True)
class BandNoiseOptions(Options):
    """Bands and strength."""

    frequencies: tuple[int, ...] = option(
        tuple(range(10, 100, 10)), "middles of the bands in percent of pi, the highest frequency", least=1, most=100,
        metavar="PERCENT",
    )  # fmt: skip
    width: float = option(0.1, "width of a band in units of pi", above=0, most=1)
    eps: float = option(0.7, "strength of the noise in standard deviations", least=0)
    energy: str = option("raw", "raw: as published; equal: the same in each band", choices=("raw", "equal"))
    workers: int | None = _workers()


@dataclass(frozen=True)
class PatchDropOptions(Options):
    """Which cells, how many, what is put in their place."""

    modes: tuple[str, ...] = option(
        ("random", "salient", "background"), "which cells are hidden; salient and background need label maps",
        choices=("random", "salient", "background", "pixel"),
    )  # fmt: skip
    ratios: tuple[int, ...] = option((10, 30, 50, 70, 90), "share that is hidden", least=1, most=100, metavar="PERCENT")
    patch: int = _patch("cell")
    grid: tuple[int, int] | None = option(None, "cells by number instead", least=1, metavar=("ROWS", "COLUMNS"))
    offset: int = option(0, "shift of the grid", least=0, metavar="PIXELS")
    fill: str = option("black", "what is put there", choices=("black", "mean"))
    repeats: int = option(1, "draws of random cells", least=1, metavar="N")
    workers: int | None = _workers()


@dataclass(frozen=True)
class ShuffleOptions(Options):
    """Which grids, and how wide the border is that the second score leaves out."""

    grids: tuple[str, ...] = option(
        ("2x2", "2x4", "4x4", "4x8", "8x8", "14x14", "16x16"), "rows x columns", pattern=r"[1-9]\d*x[1-9]\d*",
        says="a grid as ROWSxCOLUMNS, e.g. 4x8", metavar="RxC",
    )  # fmt: skip
    margin: int = option(
        4, "the second score leaves out pixels nearer than this to a border of cells", least=0, metavar="PIXELS"
    )
    workers: int | None = _workers()


@dataclass(frozen=True)
class CorrelationOptions(Options):
    """What is hidden."""

    ratios: tuple[int, ...] = option(
        (25, 50, 75), "share of the picture that is hidden; not used with a cell", least=1, most=99, metavar="PERCENT"
    )
    patch: int = _patch("hidden cell")


@dataclass(frozen=True)
class DepthOptions(Options):
    """What is read, what it is fitted to, and what it is judged on."""

    cells: tuple[str, ...] = option(
        ("gaussian_noise:3", "motion_blur:3", "fog:3", "jpeg_compression:3"), "what the probes are judged on, too",
        pattern=r"\w+:\d+", says="a cell as NAME:SEVERITY, e.g. fog:3", metavar="NAME:SEVERITY",
    )  # fmt: skip
    train: int = option(64, "training pictures that the probes are fitted to, spread evenly", least=1, metavar="N")
    pixels: int = option(256, "labelled pixels of each of them", least=1, metavar="N")
    decay: float = option(1e-3, "weight decay of the linear probe, on standardised features", above=0)
    images: tuple[str, str] | None = option(
        None, "folders with a folder for each class: probes of whole pictures, linear and nearest neighbours",
        metavar=("TRAIN", "TEST"),
    )  # fmt: skip
    resize: int | None = option(None, "with `images`: shorter side, before the crop", least=1, metavar="PIXELS")
    neighbours: int = option(20, "with `images`: neighbours that vote", least=1, metavar="N")


@dataclass(frozen=True)
class PositionOptions(Options):
    """What the position encoding is exchanged for."""

    arms: tuple[str, ...] = option(
        ("zero", "shuffled", "shifted", "grid"),
        "encodings in its place",
        choices=("zero", "shuffled", "shifted", "grid"),
    )
    shift: tuple[int, int] = option((4, 4), "places that `shifted` moves it", metavar=("ROWS", "COLUMNS"))
    grid: tuple[int, int] | None = option(
        None, "the other map of `grid` (default: half as many of both)", least=1, metavar=("ROWS", "COLUMNS")
    )
    workers: int | None = _workers()


_SPECS = (
    AnalysisSpec(
        "spectrum", "eigenvalues of the token affinity: do tokens fall into groups, and does noise disturb it?",
        "Eigenvalues of S_ij = <z_i, z_j> over the tokens after a block; significant above `tolerance` times the "
        "largest; shares of min(N, C) and of N; `noise_ratio` as in noise-decay. Zhou et al., arXiv 2204.12451, "
        "figure 3.",
        SpectrumOptions,
    ),
    AnalysisSpec(
        "noise-decay", "how much of a disturbance of the picture is left in the features, by depth",
        "ratio = |z(x + n) - z(x)| / |z(x)| (Frobenius norms) at every tap; n is Gaussian noise of `sigma`, not "
        "clipped, or what the cell does; `relative`: over the first tap's. Zhou et al., arXiv 2204.12451, figure 3.",
        NoiseDecayOptions,
    ),
    AnalysisSpec(
        "grouping", "clusters of tokens after each block, drawn over the picture: when do objects appear?",
        "k-means (k-means++, best of 3 starts) on tokens of unit length; `explained`: share of their variance between "
        "clusters; `largest`: share of tokens in the largest. Zhou et al., arXiv 2204.12451, figure 4.",
        GroupingOptions, pictures=2,
    ),
    AnalysisSpec(
        "attention", "attention of a chosen place by block, and the tokens behind FAN's channel gates, drawn",
        "The query's row of softmax(q k^T / sqrt(d)); `entropy`: relative to uniform attention; `distance`: mean "
        "distance from the query in diagonals of the map; `gates`: sigmoid(<softmax(q), prototype>), 0.5 to 0.731, of "
        "the first picture (arXiv 2204.12451, equation 7).",
        AttentionOptions, pictures=1,
    ),
    AnalysisSpec(
        "attnseg", "segmentation by attention: does what heads look at outline the classes?",
        "Jaccard index of each class with the fewest cells that hold `mass` of a head's attention in the last block, "
        "best head for the class (`heads`), mean over the classes of a picture, then over the pictures; `chance`: as "
        "many cells at random. Naseer et al., arXiv 2105.10497; not to be mixed with mIoU.",
        AttnsegOptions,
    ),
    AnalysisSpec(
        "fourier", "amplitude of feature maps by frequency: which blocks pass high frequencies?",
        "log(|F| + 1e-6) of each channel's map (natural logarithm), mean over channels and pictures, at (t pi, t pi), "
        "relative to zero; `high`: the end of each curve. Park and Kim, arXiv 2202.06709, figures 2a and 8.",
    ),
    AnalysisSpec(
        "variance", "variance of feature maps by depth: which blocks smooth, which roughen?",
        "`variance`: unbiased, over the positions of the map, mean over channels and pictures; `relative`: divided by "
        "the mean of the squared features. Park and Kim, arXiv 2202.06709, figure 9.",
    ),
    AnalysisSpec(
        "cka", "similarity of the representations of all taps: one block of alike layers, or one a stage?",
        "Linear CKA of maps averaged to `grid` x `grid`, unbiased HSIC summed over mini-batches before the ratio "
        "(Nguyen et al., arXiv 2010.15327); `corrupted`: of each tap with itself on the cell. Park and Kim, arXiv "
        "2202.06709, figure D.3.",
        CKAOptions, pictures=32,
    ),
    AnalysisSpec(
        "hessian", "curvature of the loss: how sharp, and how far from convex?",
        "Eigenvalues of largest magnitude of the Hessian of the training loss of each batch (eval mode) plus decay / "
        "2 * |w|^2; `negative_share` (NEP); `mean_positive` (APE); `residuals` bound the distance to a true "
        "eigenvalue. Park and Kim, arXiv 2202.06709, figures 1 and 4.",
        HessianOptions, pictures=4,
    ),
    AnalysisSpec(
        "landscape", "the loss over a plane of weights around the trained ones",
        "Training loss (eval mode, batch norms frozen) at w + x a + y b for Gaussian a and b scaled by `normalise`; "
        "`penalty`: decay / 2 * |w|^2, apart from it. Park and Kim, arXiv 2202.06709, figure 1a.",
        LandscapeOptions, pictures=4,
    ),
    AnalysisSpec(
        "lesion", "which block does the score depend on?",
        "Score without one unit (a branch of a residual block, or a block), not trained again, minus that of the "
        "whole model, on clean pictures and on one cell. Park and Kim, arXiv 2202.06709, figure D.4.",
        LesionOptions, needs_score=True,
    ),
    AnalysisSpec(
        "bandnoise", "which frequencies does the score depend on?",
        "Score with random signs of strength `eps`, cut to one square ring of the spectrum, minus the clean score; "
        "energy=raw keeps the ring's share of the energy. Park and Kim, arXiv 2202.06709, figure 2b.",
        BandNoiseOptions, pictures=16, needs_score=True,
    ),
    AnalysisSpec(
        "patchdrop", "what does the model make of pictures of which it sees only a part?",
        "Score with a share of the cells hidden, over all, visible and hidden pixels; `retention`: over the clean "
        "score; `area`: its mean over the ratios from 0 on (trapezoids). After Naseer et al., arXiv 2105.10497.",
        PatchDropOptions, pictures=16, needs_score=True,
    ),
    AnalysisSpec(
        "shuffle", "how much does the model lean on the layout of the scene?",
        "Score with picture and labels cut into equal cells in one random order; `inside`: without the pixels near "
        "borders of cells. One cell is the clean picture. After Naseer et al., arXiv 2105.10497.",
        ShuffleOptions, pictures=16, needs_score=True,
    ),
    AnalysisSpec(
        "correlation", "how much of the features survives hidden cells or a corruption, by depth?",
        "Pearson correlation over the channels, at every position of a tap, of clean and altered features, over all, "
        "visible and hidden positions. After Naseer et al., arXiv 2105.10497, table 1.",
        CorrelationOptions,
    ),
    AnalysisSpec(
        "depth", "which depth carries accuracy, and which robustness, for a linear read-out?",
        "Score of a logistic regression on the frozen, layer-normed features of each block, of the last 4 and of all, "
        "fitted to clean training pictures (pixels of them, or with `images` their mean over the places, read by "
        "cosine nearest neighbours too); `retention`: mean over the cells / clean. After Naseer et al., arXiv "
        "2105.10497, section 3.5.",
        DepthOptions, pictures=32,
    ),
    AnalysisSpec(
        "position", "what does the model lose with another position encoding, or with none?",
        "Score with the encodings of the backbone set to 0, in another order of places, moved, or of a map of another "
        "size, without training again, minus that of the model as trained. After Naseer et al., arXiv 2105.10497, "
        "section 3.3, whose model is trained without.",
        PositionOptions, pictures=16, needs_score=True,
    ),
)  # fmt: skip
ANALYSES: dict[str, AnalysisSpec] = {spec.name: spec for spec in _SPECS}


def get_analysis(name: str) -> AnalysisSpec:
    """The analysis of a name.

    Raises:
        AnalysisError: There is none of that name; the nearest is named.
    """
    if name not in ANALYSES:
        near = nearest(name, ANALYSES)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(ANALYSES)}."
        raise AnalysisError(f"There is no analysis {name!r}; {hint}")
    return ANALYSES[name]
