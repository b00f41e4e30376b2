"""From the records of a run to its numbers under a protocol: plain floats in and out."""

from mmfan.evaluation.summary.corruption_error import CorruptionError, mce
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.summary import Averages, Summary, WorstCell, average_cells, average_types, summarize

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
