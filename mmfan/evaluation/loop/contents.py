"""Content hashes of what a run judges: the clean pictures, the truth, and the settings of the metric.

Names alone do not say which measurement a score is: labels are mended, annotations completed, pictures encoded anew
under the same names. A record that lacks these hashes was written by a version before 0.2.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from mmengine import fileio
from numpy.typing import NDArray

from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.errors import MMFanError
from mmfan.evaluation.results.hashes import HASH_LENGTH

# Keys of a sample that say where something is; what is there is hashed instead.
PLACES = frozenset({"img_path", "seg_map_path", "file_name", "filename", "img", "corruption_name_root", "sample_idx"})
# Arguments of a metric that change no score; an annotation file is hashed by what it holds.
HARMLESS = frozenset({"ann_file", "backend_args", "collect_device", "file_client_args", "outfile_prefix", "output_dir"})
READERS = 4  # threads; hashing leaves Python's lock, and reading waits for the disk


class Contents(NamedTuple):
    """Hashes of 16 hexadecimal digits.

    Attributes:
        pictures: Of the bytes of the clean pictures.
        truth: Of the labels: the files of label maps, what the samples hold, and the metric's annotation file.
        metric: Of the metric's arguments and the classes.
    """

    pictures: str
    truth: str
    metric: str


def contents_of(dataset: Any, chosen: Sequence[int], names: Sequence[str], evaluator: Any) -> Contents:
    """Hash what is judged, reading every file once.

    Args:
        dataset: A built dataset, or wrappers around some.
        chosen: The numbers of the samples judged.
        names: Names of their pictures, in the same order; the order of neither changes a hash.
        evaluator: The config of the evaluator, or one that is built.

    Raises:
        FileNotFoundError: A picture or a label map is not there.
        MMFanError: A file cannot be read.
    """
    backend = getattr(innermost_datasets(dataset)[0], "backend_args", None)

    def of_sample(number: int) -> tuple[bytes, bytes]:
        sample = dataset.get_data_info(number)
        pixels = np.asarray(sample["img"]) if "img" in sample else _read(sample["img_path"], backend)
        labels = _read(sample["seg_map_path"], backend) if sample.get("seg_map_path") else b""
        told = {key: value for key, value in sample.items() if key not in PLACES}
        return _digest([pixels]), _digest([told, labels])

    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(names, pool.map(of_sample, chosen), strict=True))
    files = [_read(path, None) for path in _annotation_files(evaluator)]
    in_order = [(name, *found[name]) for name in sorted(found)]
    return Contents(
        pictures=_digest((name, pixels) for name, pixels, _ in in_order).hex()[:HASH_LENGTH],
        truth=_digest([*((name, labels) for name, _, labels in in_order), *files]).hex()[:HASH_LENGTH],
        metric=metric_hash(evaluator, dataset.metainfo.get("classes", ())),
    )


def metric_hash(evaluator: Any, classes: Iterable[str]) -> str:
    """Hash of what decides about a score beside predictions and truth: the metric's arguments, the classes' names."""
    return _digest([_arguments(evaluator), list(classes)]).hex()[:HASH_LENGTH]


def _arguments(evaluator: Any) -> Any:
    """The config of an evaluator without what changes no score; of one that is built the kinds of its metrics."""
    if isinstance(evaluator, Mapping):
        return {key: _arguments(value) for key, value in evaluator.items() if key not in HARMLESS}
    if isinstance(evaluator, (list, tuple)):
        return [_arguments(value) for value in evaluator]
    metrics = getattr(evaluator, "metrics", None)
    if metrics is not None:
        return [_named(type(metric)) for metric in metrics]
    return evaluator


def _annotation_files(evaluator: Any) -> list[str]:
    if isinstance(evaluator, Mapping):
        own = [evaluator["ann_file"]] if isinstance(evaluator.get("ann_file"), str) else []
        return own + [file for value in evaluator.values() for file in _annotation_files(value)]
    if isinstance(evaluator, (list, tuple)):
        return [file for value in evaluator for file in _annotation_files(value)]
    return [one.ann_file for one in getattr(evaluator, "metrics", ()) if getattr(one, "ann_file", None)]


def _read(path: str, backend: dict[str, Any] | None) -> bytes:
    try:
        return fileio.get(path, backend_args=backend)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise MMFanError(f"{path} cannot be read: {error}") from error


def _digest(values: Iterable[Any]) -> bytes:
    digest = hashlib.sha256()
    for value in values:
        _feed(digest, value)
    return digest.digest()


def _feed(digest: Any, value: Any) -> None:
    """Hash a value by what it holds: each with its kind and length, so that no two read alike."""
    if isinstance(value, Mapping):
        digest.update(b"{%d" % len(value))
        for key in sorted(value, key=str):
            _feed(digest, str(key))
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(b"[%d" % len(value))
        for item in value:
            _feed(digest, item)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        digest.update(b"b%d:" % len(value))
        digest.update(value)
    elif isinstance(value, (np.ndarray, np.generic)):
        array: NDArray[Any] = np.ascontiguousarray(value)
        digest.update(f"a{array.dtype.str}{array.shape}:".encode())
        digest.update(array.tobytes())
    else:
        named = isinstance(value, (str, int, float, type(None)))
        text = f"{type(value).__name__}{value!r}" if named else _named(value)
        digest.update(f"t{len(text)}:{text}".encode("utf-8", "surrogateescape"))


def _named(value: Any) -> str:
    """A class or function by its name, anything else by its text without an address in memory."""
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value).partition(" at 0x")[0]
