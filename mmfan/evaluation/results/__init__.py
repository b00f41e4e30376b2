"""What a run leaves on disk: records, counts per picture, pictures. Needs no torch."""

from mmfan.evaluation.results.store import (
    DuplicateRecordError,
    PictureCounts,
    Record,
    ResultsError,
    ResultsStore,
    RunKey,
    check_record,
    group_runs,
    is_defined,
    key_of,
    read_counts,
    write_counts,
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
