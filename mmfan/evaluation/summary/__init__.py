"""Numbers of a run under a protocol, from its records: plain floats in and out."""

from mmfan.evaluation.summary.averages import Averages, average_cells, average_types
from mmfan.evaluation.summary.corruption_error import CorruptionError, mce
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.summary import Summary, WorstCell, summarize
from mmfan.evaluation.summary.worst import WorstType, lowest, lowest_by_severity

__all__ = [
    "Averages",
    "CorruptionError",
    "MissingCellsError",
    "Summary",
    "SummaryError",
    "WorstCell",
    "WorstType",
    "average_cells",
    "average_types",
    "lowest",
    "lowest_by_severity",
    "mce",
    "summarize",
]
