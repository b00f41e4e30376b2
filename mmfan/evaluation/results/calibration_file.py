"""File of the integer sums behind the calibration of one cell, so that cells of parts of a set can be added.

A NumPy archive (``.npz``, compressed) beside the counts per picture, with an entry for each attribute of
:class:`~..metrics.calibration.calibration.CalibrationSums`, some 20 kB. The same sums give the same bytes.
"""

from __future__ import annotations

import io
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums
from mmfan.evaluation.results.counts_file import DAMAGE
from mmfan.utils.files import write_whole


def write_sums(path: str | os.PathLike[str], sums: CalibrationSums) -> None:
    """Write the sums: the whole file or none, on the disk when this returns.

    Raises:
        OSError: The file cannot be written.
    """
    content = io.BytesIO()
    arrays: dict[str, Any] = {one.name: np.asarray(getattr(sums, one.name), np.int64) for one in fields(sums)}
    np.savez_compressed(content, **arrays)
    write_whole(path, content.getvalue())


def read_sums(path: str | os.PathLike[str]) -> CalibrationSums:
    """Read what :func:`write_sums` wrote; ``read_sums(a).plus(read_sums(b)).scores()`` are those of both together.

    Raises:
        MMFanError: The file is damaged or something else; the message names it.
        FileNotFoundError: There is no such file.
    """
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            held = {one.name: archive[one.name] for one in fields(CalibrationSums)}
        found = CalibrationSums(int(held.pop("nll")), int(held.pop("brier")), **held)
        alike = CalibrationSums.empty(len(found.classes))
    except DAMAGE as error:
        raise MMFanError(f"{path} is no whole file of calibration sums ({error}); judge its cell again.") from error
    for one in fields(found):
        value, other = np.asarray(getattr(found, one.name)), np.asarray(getattr(alike, one.name))
        if value.dtype != np.int64 or value.shape != other.shape:
            raise MMFanError(f"{path} holds sums of another form ({one.name}: {value.dtype} {value.shape}).")
    return found
