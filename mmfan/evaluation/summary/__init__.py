"""Numbers of a run under a protocol, from its records: plain floats in and out."""

from mmfan.evaluation.summary.averages import Averages, average_cells, average_types
from mmfan.evaluation.summary.corruption_error import CorruptionError, mce
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.summary import Summary, WorstCell, summarize

__all__ = [
    "Averages",
    "CorruptionError",
    "MissingCellsError",
    "Summary",
    "SummaryError",
    "WorstCell",
    "average_cells",
    "average_types",
    "mce",
    "summarize",
]
