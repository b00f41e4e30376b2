"""Scores of which less is better: they have no retention."""

from __future__ import annotations

from collections.abc import Iterable

# the errors of depth that mmsegmentation's DepthMetric gives, the miss rate of mmdetection's CrowdHumanMetric, and what
# metrics of one's own are mostly called
_LESS = frozenset(
    {"abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "mmr", "mae", "mse", "error", "loss", "nll", "ece"}
)
LESS_IS_BETTER = "less is better, and a retention is of scores where more is: the worst cell would pass for the best"


def less_is_better(metric: str) -> bool:
    """Whether a score is known to be an error, by its name; what stands before the last ``/`` is no part of that.

    >>> less_is_better("depth/abs_rel"), less_is_better("mIoU")
    (True, False)
    """
    return metric.rpartition("/")[2].lower() in _LESS


def errors_among(metrics: Iterable[str]) -> list[str]:
    """Those of some scores of which less is better."""
    return [name for name in metrics if less_is_better(name)]
