"""Judging what corruption leaves of a score: protocols, scores of cells, results files, summaries, reports.

Importing this package imports none of its modules; only :class:`RobustnessLoop` and :class:`RetentionEvaluator` need
torch and OpenMMLab.
"""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "protocol": ["PROTOCOLS", "Cell", "Protocol", "get_protocol", "make_protocol"],
        "results": ["ResultsStore"],
        "summary": ["Summary", "mce", "summarize"],
        "report": ["build_report", "read_runs"],
        "report.published": ["published_rows"],
        "loop.robustness_loop": ["RobustnessLoop"],
        "metrics.evaluator": ["RetentionEvaluator"],
    },
)
