"""Results file: one cell of one model a line, appended as it is finished, and never lost.

A record is a dict, stored as one line of JSON::

    {"model": "fan-t", "dataset": "cityscapes", "corruption": "fog", "severity": 3, "metrics": {"mIoU": 0.6123}}

The clean cell is ``"corruption": "clean", "severity": 0``. Where something else is done than corrupting pictures, or
beside it, ``corruption`` and ``severity`` are those of the pictures, and ``"condition": {"kind": "attack", "name":
"pgd", "strength": 4, "settings": {}}`` says what (:mod:`mmfan.evaluation.conditions`): it is part of the cell. Metrics
are fractions from 0 to 1, unrounded; one that is not defined is ``null``. Beside these five keys a record may have
``config_hash``, ``checkpoint_hash``, ``seed`` and ``pictures`` (or ``limit``), which say with the model and the data
set whose record it is (:class:`RunKey`); ``per_class`` ({metric: {class: value}}), ``classes``, ``counts`` (the file of
the counts per picture, see :mod:`mmfan.evaluation.results.counts_file`), ``calibration`` (scores of the model's
confidence and their sums, see :mod:`mmfan.evaluation.results.calibration_file`), ``flips`` (how many pixels have
another class than a step before, and how many were compared), ``protocol`` (the one that it was
judged for, see :mod:`mmfan.evaluation.results.recorded_protocol`), ``seconds``, ``versions``, and whatever else is
known. The protocol does not say whose record it is: a cell that two protocols share is judged once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import ArrayLike

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums
from mmfan.evaluation.results.calibration_file import write_sums
from mmfan.evaluation.results.counts_file import PictureCounts, read_counts, write_counts
from mmfan.evaluation.results.record import (
    RUN_HASHES,
    Record,
    ResultsError,
    RunKey,
    check_record,
    group_runs,
    is_defined,
    key_of,
    plain_record,
)
from mmfan.utils.files import naming
from mmfan.utils.json_files import parse_json
from mmfan.utils.processes.locks import NoLocksError, lock

__all__ = [
    "RUN_HASHES", "DuplicateRecordError", "Record", "ResultsError", "ResultsStore", "RunKey", "check_record",
    "group_runs", "is_defined", "key_of",
]  # fmt: skip


class DuplicateRecordError(ResultsError):
    """The cell of this run is in the results file already."""


class ResultsStore:
    """A results file; it need not exist yet.

    Several processes may append to one file: each append locks it, and a cell that is there already is refused. An
    append is one whole line, flushed to the disk; what a killed process left of a line is set aside by the next one, in
    ``<file>.torn``. Where files cannot be locked (Windows, some network file systems) a warning says so: let one
    process write at a time there.

    Args:
        path: The file, usually ``*.jsonl``. Its folder is made with the first record.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def records(self) -> list[Record]:
        """All records, in the order of the file; none if there is no file.

        A last line that has no end and cannot be read is what a killed run left: it is passed over with a warning.

        Raises:
            ResultsError: Another line is no record; the message names file and line.
            OSError: The file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        records, end = self._parse(content)
        if end < len(content):
            line = content.count(b"\n") + 1
            warnings.warn(
                f"{self.path}, line {line}: passed over the part of a record that a killed run left; "
                "the next run makes this cell again.",
                stacklevel=2,
            )
        return records

    def done(self, run: RunKey) -> set[Cell]:
        """The cells of a run that need not be judged again; the clean one among them if it is there."""
        keys = (key_of(record) for record in self.records())
        return {cell for key, cell in keys if key == run}

    def find(self, run: RunKey, cell: Cell) -> Record | None:
        """The record of a cell of a run, if it is there by now; another process may be writing at this moment."""
        try:
            records, _ = self._parse(self.path.read_bytes())
        except FileNotFoundError:
            return None
        return next((record for record in records if key_of(record) == (run, cell)), None)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record: the whole line or nothing, on the disk when this returns.

        Args:
            record: See the module's head; numbers of NumPy and NaN are allowed in it.

        Raises:
            DuplicateRecordError: The cell of this run is there already.
            ResultsError: It is no record, or the file holds lines that are none.
            OSError: The file cannot be written; then it is as before.
        """
        if not self.settle(record)[1]:
            run, cell = key_of(record)
            raise DuplicateRecordError(
                f"{self.path} has a record of {cell} for the model {run.model!r} already (same config, checkpoint, "
                "data set, seed and pictures). Take another file, or remove that line to judge the cell again."
            )

    def settle(
        self, record: Mapping[str, Any], counts: PictureCounts | None = None, sums: CalibrationSums | None = None
    ) -> tuple[Record, bool]:
        """Add a record as :meth:`append` does, unless another process was first: then its record stands.

        Args:
            record: As of :meth:`append`.
            counts: The counts per picture, which are kept beside the file as by :meth:`write_counts`.
            sums: Those of ``calibration`` in the record, which are kept there too.

        Returns:
            The record that is in the file, and whether it is this one.

        Raises:
            ResultsError: As :meth:`append`.
            OSError: As :meth:`append`.
        """
        key, plain = key_of(record), plain_record(record)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with naming(self.path), open(self.path, "a+b", buffering=0) as file, _locked(file):
            file.seek(0)
            content = file.read()
            records, end = self._parse(content)
            other = next((other for other in records if key_of(other) == key), None)
            if other is not None:
                return other, False
            if counts is not None:
                plain["counts"] = self.write_counts(plain, counts.counts, counts.pictures, counts.classes)
            if sums is not None:
                plain["calibration"]["sums"] = name = self._beside(plain, ".calibration.npz")
                write_sums(self.path.parent / name, sums)
            line = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"
            if end < len(content):
                self._set_aside(file, content, end)
            elif content and not content.endswith(b"\n"):
                line = b"\n" + line  # written by hand, without an end of the last line
            _write_all(file, line, end)
        if is_new:
            _sync_folder(self.path.parent)
        return plain, True

    def write_counts(
        self, record: Mapping[str, Any], counts: ArrayLike, pictures: Sequence[str], classes: Sequence[str] = ()
    ) -> str:
        """Keep the counts per picture of a record beside the results file, in ``<file>.counts/``.

        To be called before :meth:`append`, with what it returns put under ``counts`` into the record: then a record
        that is there has its counts, and what a kill in between leaves is written over by the next run.

        Args:
            record: The record, with or without its metrics.
            counts: (pictures, classes, 3) integers: true positives, false positives, false negatives.
            pictures: The names of the pictures.
            classes: The names of the classes.

        Returns:
            The file, relative to the folder of the results file.

        Raises:
            mmfan.evaluation.results.counts_file.CountsError: These are no counts, or the names do not fit them.
            ResultsError: It is no record.
            OSError: The file cannot be written.
        """
        name = self._beside(record, ".npz")
        write_counts(self.path.parent / name, counts, pictures, classes)
        return name

    def _beside(self, record: Mapping[str, Any], suffix: str) -> str:
        """The name of a file of a record, relative to the folder of the results file."""
        run, cell = key_of({"metrics": {"none": None}} | dict(record))
        digest = hashlib.sha256(json.dumps([*run, *_told(cell)]).encode()).hexdigest()[:12]
        readable = re.sub(r"[^\w.+-]+", "_", f"{run.model}-{cell.slug}", flags=re.ASCII)[-80:]
        return f"{self.path.name}.counts/{readable}-{digest}{suffix}"

    def read_counts(self, record: Mapping[str, Any]) -> PictureCounts:
        """The counts per picture of a record.

        Raises:
            ResultsError: The record has none, or their file is gone.
            mmfan.evaluation.results.counts_file.CountsError: The file is damaged.
        """
        _, cell = key_of(record)
        name = record.get("counts")
        if not isinstance(name, str):
            raise ResultsError(f"The record of {cell} for the model {record['model']!r} has no counts per picture.")
        try:
            return read_counts(self.path.parent / name)
        except FileNotFoundError as error:
            raise ResultsError(
                f"{self.path.parent / name} is gone: the counts of {cell} for the model {record['model']!r}. Copy the "
                "folder of the counts along with the results file."
            ) from error

    def _parse(self, content: bytes) -> tuple[list[Record], int]:
        """The records, and where the part of a last, torn line begins (the length if there is none)."""
        records: list[Record] = []
        start = 0
        for number, raw in enumerate(_lines(content), 1):
            if raw.strip():
                try:
                    record = parse_json(raw)
                except ValueError as error:
                    if start + len(raw) == len(content) and not raw.endswith(b"\n"):
                        return records, start
                    raise ResultsError(f"{self.path}, line {number}: not a line of JSON ({error}).") from error
                try:
                    check_record(record)
                except ResultsError as error:
                    raise ResultsError(f"{self.path}, line {number}: {error}") from error
                records.append(record)
            start += len(raw)
        return records, len(content)

    def _set_aside(self, file: BinaryIO, content: bytes, end: int) -> None:
        with open(self.path.with_name(self.path.name + ".torn"), "ab") as torn:
            torn.write(content[end:] + b"\n")
        file.truncate(end)


def _told(cell: Cell) -> list[Any]:
    """A cell in the types of JSON, so that no two are told alike."""
    return [*cell.pictures, *([] if cell.condition is None else [cell.condition.entry()])]


def _lines(content: bytes) -> list[bytes]:
    """The lines with their ends, broken at line feeds alone."""
    parts = content.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _write_all(file: BinaryIO, line: bytes, end: int) -> None:
    """Write a line at the end of the file; take back a part of it that a full disk left."""
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def _sync_folder(folder: Path) -> None:
    """Have the entry of a new file on the disk too, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(file: BinaryIO) -> Iterator[None]:
    """Hold the file for this process alone; the system lets go of it if the process is killed."""
    try:
        lock(file, wait=True)
    except NoLocksError as error:
        warnings.warn(f"{error.strerror}: let one run at a time write to {file.name}.", stacklevel=2)
    # closing the file unlocks it
    yield
