"""File of the pixel counts per picture of one cell: too many numbers for a line of JSON.

A NumPy archive (``.npz``, compressed) with ``counts`` (pictures, classes, 3) in the narrowest unsigned type that holds
them, ``pictures`` and ``classes``, their names. 500 pictures of 19 classes take some 50 kB. The same counts give the
same bytes.
"""

from __future__ import annotations

import io
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.counts import check_counts
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted

# what a changed byte comes to, wherever in the archive it is (RuntimeError: it seems to be encrypted, or packed by an
# unknown method); the file has been read before, so that an OSError is a wrong place in it
DAMAGE: tuple[type[Exception], ...] = (
    *(ValueError, LookupError, EOFError, OSError, RuntimeError, TypeError, AttributeError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, MemoryError),
)


class CountsError(MMFanError):
    """A file of counts that cannot be read, or counts that cannot be written."""


@dataclass(frozen=True)
class PictureCounts:
    """The counts of one cell.

    Attributes:
        counts: (pictures, classes, 3) int64: true positives, false positives, false negatives.
        pictures: The names of the pictures, in the order of ``counts``; each once.
        classes: The names of the classes, in the order of ``counts``; empty if they were not given.
    """

    counts: NDArray[np.int64]
    pictures: tuple[str, ...]
    classes: tuple[str, ...] = ()


def write_counts(
    path: str | os.PathLike[str], counts: ArrayLike, pictures: Sequence[str], classes: Sequence[str] = ()
) -> None:
    """Write the counts of one cell: the whole file or none, on the disk when this returns.

    Args:
        path: The file; its folder is made if need be.
        counts: (pictures, classes, 3) integers.
        pictures: The names of the pictures.
        classes: The names of the classes; may be left out.

    Raises:
        CountsError: These are no counts, or the names do not fit them.
        OSError: The file cannot be written.
    """
    found = check_counts(counts)
    _check_names(found, pictures, classes)
    narrow = found.astype(np.min_scalar_type(int(found.max(initial=0))))
    content = io.BytesIO()
    np.savez_compressed(
        content,
        counts=narrow,
        pictures=np.asarray(list(pictures), dtype=np.str_),
        classes=np.asarray(list(classes), dtype=np.str_),
    )
    write_whole(path, content.getvalue())


def read_counts(path: str | os.PathLike[str]) -> PictureCounts:
    """Read what :func:`write_counts` wrote.

    Raises:
        CountsError: The file is damaged or something else; the message names it.
        FileNotFoundError: There is no such file.
    """
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            counts, pictures, classes = (archive[name] for name in ("counts", "pictures", "classes"))
        found = PictureCounts(check_counts(counts), tuple(map(str, pictures)), tuple(map(str, classes)))
        _check_names(found.counts, found.pictures, found.classes)
    except DAMAGE as error:
        raise CountsError(f"{path} is no whole file of counts ({error}); judge its cell again.") from error
    return found


def _check_names(counts: NDArray[np.int64], pictures: Sequence[str], classes: Sequence[str]) -> None:
    if len(pictures) != len(counts) or len(set(pictures)) != len(pictures):
        raise CountsError(
            f"Expected {len(counts)} different names of pictures, one for each entry of the counts, "
            f"got {len(pictures)} ({len(set(pictures))} different)."
        )
    if any(name.endswith("\0") for name in (*pictures, *classes)):
        raise CountsError("Names cannot end in a null character, which NumPy's arrays of texts leave out.")
    if classes and len(classes) != counts.shape[1]:
        raise CountsError(f"Expected the names of {counted(counts.shape[1], 'class', 'classes')}, got {len(classes)}.")
