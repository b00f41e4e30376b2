"""The table of analyses: an analysis is a module of this package with an :class:`AnalysisSpec` called ``SPEC``."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmfan.analysis.frame import AnalysisSpec

# name -> (module, what it asks); modules are imported when their analysis is run
ANALYSES: dict[str, tuple[str, str]] = {
    "variance": ("mmfan.analysis.variance", "feature-map variance by depth: which blocks smooth, which roughen?"),
}


def get_analysis(name: str) -> AnalysisSpec:
    """The analysis of a name.

    Raises:
        ValueError: There is none of that name; the nearest is named.
    """
    if name not in ANALYSES:
        near = difflib.get_close_matches(name, ANALYSES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(ANALYSES)}."
        raise ValueError(f"There is no analysis {name!r}; {hint}")
    spec: AnalysisSpec = import_module(ANALYSES[name][0]).SPEC
    return spec
