"""From results files to tables, pages and plots. Needs no torch."""

from mmfan.evaluation.report.report import ModelReport, Report, ReportError, Run, build_report, read_runs

__all__ = [
    "ModelReport",
    "Report",
    "ReportError",
    "Run",
    "build_report",
    "read_runs",
]
