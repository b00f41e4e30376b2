"""Files of a run: records, counts per picture, pictures. Needs no torch."""

from mmfan.evaluation.results.counts_file import PictureCounts, read_counts, write_counts
from mmfan.evaluation.results.store import (
    DuplicateRecordError,
    Record,
    ResultsError,
    ResultsStore,
    RunKey,
    check_record,
    group_runs,
    is_defined,
    key_of,
)

__all__ = [
    "DuplicateRecordError",
    "PictureCounts",
    "Record",
    "ResultsError",
    "ResultsStore",
    "RunKey",
    "check_record",
    "group_runs",
    "is_defined",
    "key_of",
    "read_counts",
    "write_counts",
]
