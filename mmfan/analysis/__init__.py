"""Analyses of models: taps in any backbone, and seventeen questions about what a model sees, from Python or by command.

Importing this package imports none of its modules; all but the catalogue need torch and OpenMMLab.
"""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "catalogue": ["ANALYSES", "get_analysis"],
        "context": ["Context", "load_context"],
        "options": ["AnalysisError", "OptionError"],
        "results": ["Analysis", "analyze"],
        "spec": ["AnalysisSpec"],
        "taps": ["TapError", "TapRecorder", "find_tap", "list_taps"],
    },
)
