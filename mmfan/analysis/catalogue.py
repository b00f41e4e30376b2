"""The table of analyses: an analysis is a module of this package with an :class:`AnalysisSpec` called ``SPEC``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mmfan.errors import MMFanError
from mmfan.utils.text import nearest

if TYPE_CHECKING:
    from mmfan.analysis.context import AnalysisSpec

# name -> (module, what it asks); modules are imported when their analysis is run
ANALYSES: dict[str, tuple[str, str]] = {
    "spectrum": ("mmfan.analysis.analyses.spectrum", "eigenvalues of the token affinity: do tokens fall into groups?"),
    "noise-decay": (
        "mmfan.analysis.analyses.noise_decay",
        "how much of a disturbance is left in the features, by depth",
    ),
    "grouping": ("mmfan.analysis.analyses.grouping", "clusters of tokens after each block, drawn over the picture"),
    "attention": ("mmfan.analysis.analyses.attention", "attention of a chosen place by block, and FAN's channel gates"),
    "attnseg": (
        "mmfan.analysis.analyses.attnseg",
        "segmentation by attention: does what heads look at outline the classes?",
    ),
    "fourier": (
        "mmfan.analysis.analyses.fourier",
        "amplitude of feature maps by frequency: which blocks pass high ones?",
    ),
    "variance": (
        "mmfan.analysis.analyses.variance",
        "variance of feature maps by depth: which blocks smooth, which roughen?",
    ),
    "cka": (
        "mmfan.analysis.analyses.cka",
        "similarity of the representations of all taps: one a model, or one a stage?",
    ),
    "hessian": ("mmfan.analysis.analyses.hessian", "curvature of the loss: how sharp, and how far from convex?"),
    "landscape": ("mmfan.analysis.analyses.landscape", "the loss over a plane of weights around the trained ones"),
    "lesion": ("mmfan.analysis.analyses.lesion", "which block does the score depend on?"),
    "bandnoise": ("mmfan.analysis.analyses.bandnoise", "which frequencies does the score depend on?"),
    "patchdrop": (
        "mmfan.analysis.analyses.patchdrop",
        "what does the model make of pictures of which it sees only a part?",
    ),
    "shuffle": ("mmfan.analysis.analyses.shuffle", "how much does the model lean on the layout of the scene?"),
    "correlation": (
        "mmfan.analysis.analyses.correlation",
        "how much of the features survives hidden cells or a corruption?",
    ),
}


def get_analysis(name: str) -> AnalysisSpec:
    """The analysis of a name.

    Raises:
        MMFanError: There is none of that name; the nearest is named.
    """
    if name not in ANALYSES:
        near = nearest(name, ANALYSES)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(ANALYSES)}."
        raise MMFanError(f"There is no analysis {name!r}; {hint}")
    spec: AnalysisSpec = import_module(ANALYSES[name][0]).SPEC
    return spec
