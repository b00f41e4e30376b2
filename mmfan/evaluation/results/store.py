"""Results file: one cell of one model a line, appended as it is finished, and never lost.

A record is a dict, stored as one line of JSON::

    {"model": "fan-t", "dataset": "cityscapes", "corruption": "fog", "severity": 3, "metrics": {"mIoU": 0.6123}}

The clean cell is ``"corruption": "clean", "severity": 0``. Metrics are fractions from 0 to 1, unrounded; one that is
not defined is ``null``. Beside these five keys a record may have ``config_hash``, ``checkpoint_hash``, ``seed`` and
``pictures`` (or ``limit``), which say with the model and the data set whose record it is (:class:`RunKey`);
``per_class`` ({metric: {class: value}}), ``classes``, ``counts`` (the file of the counts per picture, see
:mod:`mmfan.evaluation.results.counts_file`), ``seconds``, ``versions``, and whatever else is known. The protocol
is no part of it: a cell that two protocols share is judged once.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.results.counts_file import PictureCounts, read_counts, write_counts
from mmfan.utils.files import naming
from mmfan.utils.json_files import parse_json
from mmfan.utils.locks import NoLocksError, lock

Record = dict[str, Any]
# Entries of a record that a key takes as they are, in the order of its last fields.
RUN_HASHES = ("contents_hash", "truth_hash", "metric_hash", "precision")


class ResultsError(MMFanError):
    """A record that is none, or a results file that cannot be read."""


class DuplicateRecordError(ResultsError):
    """The cell of this run is in the results file already."""


class RunKey(NamedTuple):
    """What decides the scores of a run, beside the cell; None where a record does not say.

    Attributes:
        model: The name of the model.
        config_hash: Of what affects its predictions.
        checkpoint_hash: Of its weights.
        dataset: The name of the data set.
        seed: The base seed of the corruptions.
        pictures: Which pictures were judged: a hash of their list, or how many; the record's ``pictures``, or its
            ``limit`` where it has none.
        contents: Hash of the bytes of the clean pictures.
        truth: Hash of the labels or annotations.
        metric: Hash of the metric's arguments and of the classes.
        precision: What the model computed in: ``float32``, ``bfloat16`` or ``float16``.
    """

    model: str
    config_hash: str | None = None
    checkpoint_hash: str | None = None
    dataset: str = ""
    seed: int | None = None
    pictures: str | int | None = None
    contents: str | None = None
    truth: str | None = None
    metric: str | None = None
    precision: str | None = None

    @property
    def unchecked(self) -> bool:
        """Whether nothing says which pictures and labels the scores are of: records of versions before 0.2.0."""
        return self.contents is None and self.truth is None


def key_of(record: Mapping[str, Any]) -> tuple[RunKey, Cell]:
    """Whose record it is, and of which cell.

    Raises:
        ResultsError: It is no record; every problem is named.
    """
    check_record(record)
    pictures = record.get("pictures")
    run = RunKey(
        record["model"],
        record.get("config_hash"),
        record.get("checkpoint_hash"),
        record["dataset"],
        record.get("seed"),
        record.get("limit") if pictures is None else pictures,
        *(record.get(name) for name in RUN_HASHES),
    )
    return run, Cell(record["corruption"], record["severity"])


def is_defined(score: float | None) -> TypeGuard[float]:
    """Whether a score is a number. What does not occur has none: None in a results file, NaN on the way there.

    >>> is_defined(0.0), is_defined(None), is_defined(float("nan"))
    (True, False, False)
    """
    return score is not None and not math.isnan(score)


def group_runs(records: Iterable[Record]) -> dict[RunKey, list[Record]]:
    """The records of each run, in the order in which the runs are met: one entry is what one summary is made of.

    Raises:
        ResultsError: One of them is no record.
    """
    runs: dict[RunKey, list[Record]] = {}
    for record in records:
        runs.setdefault(key_of(record)[0], []).append(record)
    return runs


def check_record(record: Any) -> None:
    """See that a record has what every record needs.

    Raises:
        ResultsError: It has not; every problem is named.
    """
    if not isinstance(record, Mapping):
        raise ResultsError(f"Expected a record, a dict, got {record!r:.80}.")
    problems = []
    for key in ("model", "dataset", "corruption"):
        if not isinstance(record.get(key), str) or not record[key]:
            problems.append(f"`{key}` must be a text that is not empty, got {record.get(key)!r:.80}")
    severity, corruption = record.get("severity"), record.get("corruption")
    if type(severity) is not int or severity < 0:
        problems.append(f"`severity` must be a whole number from 0 on, got {severity!r:.80}")
    elif (severity == 0) != (corruption == CLEAN.corruption):
        problems.append(f"severity 0 is that of the clean pictures and theirs alone, got {corruption!r} {severity}")
    for key in ("config_hash", "checkpoint_hash", "seed", "pictures", "limit", *RUN_HASHES):
        if not isinstance(record.get(key), (str, int, type(None))):
            problems.append(f"`{key}` must be a text or a whole number, got {record[key]!r:.80}")
    problems += _problems_of_metrics(record.get("metrics"))
    if problems:
        raise ResultsError(f"This is no record of a result: {'; '.join(problems)}.")


def _problems_of_metrics(metrics: Any) -> list[str]:
    if not isinstance(metrics, Mapping) or not metrics:
        return [f'`metrics` must be a dict like {{"mIoU": 0.6123}}, got {metrics!r:.80}']
    return [
        f"metric {name!r} must be a number, got {value!r:.80}"
        for name, value in metrics.items()
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number, type(None)))
    ]


def _plain(value: Any) -> Any:
    """The same in the types of strict JSON: numbers of NumPy as Python's, not-a-number as null, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        if math.isinf(value):
            raise ResultsError("A record cannot hold an infinite number; leave the value out, or give NaN or None.")
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ResultsError(f"A record holds numbers, texts, lists and dicts; got {value!r:.80} of {type(value).__name__}.")


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

    def settle(self, record: Mapping[str, Any], counts: PictureCounts | None = None) -> tuple[Record, bool]:
        """Add a record as :meth:`append` does, unless another process was first: then its record stands.

        Args:
            record: As of :meth:`append`.
            counts: The counts per picture, which are kept beside the file as by :meth:`write_counts`.

        Returns:
            The record that is in the file, and whether it is this one.

        Raises:
            ResultsError: As :meth:`append`.
            OSError: As :meth:`append`.
        """
        key, plain = key_of(record), _plain(record)
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
        run, cell = key_of({"metrics": {"none": None}} | dict(record))
        digest = hashlib.sha256(json.dumps([*run, *cell]).encode()).hexdigest()[:12]
        readable = re.sub(r"[^\w.+-]+", "_", f"{run.model}-{cell.corruption}-{cell.severity}", flags=re.ASCII)[-80:]
        name = f"{self.path.name}.counts/{readable}-{digest}.npz"
        write_counts(self.path.parent / name, counts, pictures, classes)
        return name

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
