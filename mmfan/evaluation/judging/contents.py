"""Content hashes of what a run judges: the clean pictures, the truth, and the settings of the metric.

Names alone do not say which measurement a score is: labels are mended, annotations completed, pictures encoded anew
under the same names. A record that lacks these hashes was written by a version before 0.2.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.evaluation.results.hashes import HASH_LENGTH

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


class Held(NamedTuple):
    """What one sample holds.

    Attributes:
        pixels: The file of its picture, or the picture itself.
        told: What is told of its truth beside the label map.
        labels: The file of its label map, or the map itself; empty where there is none.
    """

    pixels: bytes | NDArray[Any]
    told: Mapping[str, Any]
    labels: bytes | NDArray[Any] = b""


def hash_contents(names: Sequence[str], held: Callable[[int], Held], files: Iterable[bytes], metric: str) -> Contents:
    """Hash what is judged, asking for every sample once.

    Args:
        names: Names of the pictures judged; their order changes no hash.
        held: What the sample of a place in ``names`` holds; called from several threads.
        files: Annotation files of the whole set.
        metric: From :func:`metric_hash`.
    """

    def of_sample(place: int) -> tuple[bytes, bytes]:
        sample = held(place)
        return digest_of([sample.pixels]), digest_of([sample.told, sample.labels])

    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(names, pool.map(of_sample, range(len(names))), strict=True))
    in_order = [(name, *found[name]) for name in sorted(found)]
    return Contents(
        pictures=digest_of((name, pixels) for name, pixels, _ in in_order).hex()[:HASH_LENGTH],
        truth=digest_of([*((name, labels) for name, _, labels in in_order), *files]).hex()[:HASH_LENGTH],
        metric=metric,
    )


def metric_hash(arguments: Any, classes: Iterable[str]) -> str:
    """Hash of what decides about a score beside predictions and truth.

    Args:
        arguments: Of the metric, in plain types.
        classes: Names of the classes, in their order.
    """
    return digest_of([arguments, list(classes)]).hex()[:HASH_LENGTH]


def digest_of(values: Iterable[Any]) -> bytes:
    """SHA-256 of values by what they hold."""
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
        text = f"{type(value).__name__}{value!r}" if named else name_of(value)
        digest.update(f"t{len(text)}:{text}".encode("utf-8", "surrogateescape"))


def name_of(value: Any) -> str:
    """A class or function by its name, anything else by its text without an address in memory."""
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value).partition(" at 0x")[0]
