"""Tables, pages and plots from results files. Needs no torch."""

from mmfan.evaluation.report.contents import ModelReport, Report, ReportError, Run
from mmfan.evaluation.report.report import build_report
from mmfan.evaluation.report.runs.reading import read_runs

__all__ = [
    "ModelReport",
    "Report",
    "ReportError",
    "Run",
    "build_report",
    "read_runs",
]
