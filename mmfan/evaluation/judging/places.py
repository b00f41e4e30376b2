"""Preflight of the places written to: results file, counts and pictures, and the room they need."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.results.picture_writer import LONGEST_SIDE
from mmfan.utils.files import naming

BYTES_OF_RECORD = 20_000  # with the scores of 150 classes
BYTES_OF_COUNT = 4  # an upper bound: they are packed
SHARE_OF_PNG = 0.6  # of 3 bytes a pixel; see mmfan.datasets.corrupted.making.survey
SPARE = 10_000_000


def check_places(
    results: Path, cells: int, counts: int, shown: Sequence[tuple[int, int] | None], findings: Findings
) -> None:
    """See that what a run writes can be written, and that there is room for it.

    Args:
        results: The results file.
        cells: How many cells are to be judged.
        counts: Whole numbers that a cell counts.
        shown: Width and height of the pictures that are written; None where a size is not known.
        findings: Takes in what is wrong.
    """
    places = [results.parent]
    places += [Path(f"{results}.counts")] if counts else []
    places += [Path(f"{results}.pictures")] if shown else []
    for place in places:
        with findings.collected():
            _try_to_write(place)
    needed = cells * (BYTES_OF_RECORD + BYTES_OF_COUNT * counts + 2 * sum(map(_bytes_of_picture, shown))) + SPARE
    with findings.collected():
        free = shutil.disk_usage(_nearest(results.parent)).free
        if needed > free:
            findings.add(
                f"The results, counts and pictures of {cells} cells may take {needed / 1e6:.0f} MB; the disk of "
                f"{results} has {free / 1e6:.0f} MB free. Make room, or write the results elsewhere (--results)."
            )


def _nearest(folder: Path) -> Path:
    """A folder, or the one above it that is there."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return place


def _try_to_write(folder: Path) -> None:
    nearest = _nearest(folder)
    if not nearest.is_dir():
        raise NotADirectoryError(f"{nearest} is a file, and what is written beside the results needs a folder there.")
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"0")
    except OSError as error:
        raise OSError(f"{folder} cannot be written: {error.strerror}. Take another folder (--results).") from error


def _bytes_of_picture(size: tuple[int, int] | None) -> int:
    width, height = size or (LONGEST_SIDE, LONGEST_SIDE)
    factor = min(1.0, LONGEST_SIDE / max(width, height))
    return int(3 * SHARE_OF_PNG * width * height * factor**2)


def writable(results: str | Path) -> Path:
    """The path of a results file, after seeing that it can be appended to, before hours of work.

    Raises:
        OSError: It cannot.
    """
    path = Path(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        with open(path, "ab"):
            pass
    else:
        # Not the file itself: taking it away again could take the first record of another run with it.
        probe = path.with_name(f".{path.name}.{os.getpid()}.probe")
        with naming(path, probe):
            probe.touch()
            probe.unlink()
    return path
