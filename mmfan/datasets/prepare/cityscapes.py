"""The label images that training needs (``labelTrainIds``), from the polygons of a downloaded Cityscapes.

The drawing is cityscapesScripts' own ``json2labelImg``, so that the labels are the official ones bit for bit. Added
here: several processes, whole files or none, a run that can be taken up again, and a count at the end.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from mmfan.datasets.prepare.cityscapes_tree import LABEL_SUFFIX, POLYGON_SUFFIX, advice, stems_in
from mmfan.environment import EnvironmentMismatchError, is_installed
from mmfan.errors import MMFanError, WorkerDiedError
from mmfan.utils.checks import whole_number
from mmfan.utils.files import is_complete_png, whole_file
from mmfan.utils.processes.children import end_with_parent


@dataclass
class Preparation:
    """What :func:`prepare` did.

    Attributes:
        made: Number of label images written.
        kept: Number of label images that were there already.
        failures: One sentence for each polygon file that could not be converted, naming it.
    """

    made: int = 0
    kept: int = 0
    failures: list[str] = field(default_factory=list)


def check_root(root: Path) -> None:
    """Check that ``root`` holds the two folders of Cityscapes.

    Raises:
        FileNotFoundError: It does not exist or does not; the message says what was looked for, where a set seems to be
            instead, and how to get one.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"The folder {root.resolve()} does not exist.\n{advice(root)}")
    missing = [name for name in ("leftImg8bit", "gtFine") if not (root / name).is_dir()]
    if not missing:
        return
    problem = f"Looked for leftImg8bit/ and gtFine/ in {root.resolve()}; not found: {', '.join(missing)}."
    near = [root.resolve().parent, *sorted(entry for entry in root.iterdir() if entry.is_dir())]
    for folder in near:
        if (folder / "leftImg8bit").is_dir() and (folder / "gtFine").is_dir():
            raise FileNotFoundError(f"{problem} Both are in {folder}: give that folder.")
    raise FileNotFoundError(f"{problem}\n{advice(root)}")


def check_scripts() -> None:
    """Check that cityscapesScripts is there.

    Raises:
        EnvironmentMismatchError: It is not.
    """
    if not is_installed("cityscapesscripts"):
        raise EnvironmentMismatchError(
            "Drawing the polygons needs the package `cityscapesscripts`, which is not installed: "
            "`pip install cityscapesscripts`."
        )


def convert(polygons: Path) -> Path:
    """Draw the train ids of one polygon file next to it.

    Args:
        polygons: ``*_gtFine_polygons.json``.

    Returns:
        The label image written, ``*_gtFine_labelTrainIds.png``: (height, width), uint8, 255 = ignored.

    Raises:
        MMFanError: The file is not a polygon file; the message names it and says why.
    """
    from cityscapesscripts.preparation.json2labelImg import json2labelImg

    target = polygons.with_name(polygons.name[: -len(POLYGON_SUFFIX)] + LABEL_SUFFIX)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), whole_file(target) as part:
            json2labelImg(str(polygons), str(part), "trainIds")
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, SystemError, SystemExit) as error:
        # cityscapesScripts prints what is wrong with a label and ends the program; a JSON file of another form fails
        # wherever its reader first misses something.
        words = [line.removeprefix("ERROR: ") for line in said.getvalue().splitlines() if line.startswith("ERROR: ")]
        reason = words[0] if words else f"{type(error).__name__}: {error}"
        raise MMFanError(f"Cannot convert {polygons}: {reason}") from error
    return target


def _problem_of(polygons: Path) -> str | None:
    try:
        convert(polygons)
    except ValueError as error:
        return str(error)
    return None


def _problems_of(files: Sequence[Path], workers: int) -> Iterator[str | None]:
    """Convert the files and yield what went wrong with each, in the order of completion."""
    if workers == 1:
        yield from map(_problem_of, files)
        return
    # A forked worker starts at once; a spawned one would first import all that this process has imported.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    # Ctrl-C is this process's business: it stops handing out files and lets the workers finish theirs.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context(method), end_with_parent)
    try:
        for future in as_completed([pool.submit(_problem_of, file) for file in files]):
            yield future.result()
    except BrokenProcessPool as error:
        raise WorkerDiedError(
            "A worker was killed, perhaps for want of memory. What was finished is kept: run it again, with fewer "
            "workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def prepare(
    root: str | os.PathLike[str],
    splits: Sequence[str],
    *,
    workers: int = 1,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Preparation:
    """Make the missing label images of some splits.

    The result depends on the polygons alone, not on the number of workers. Label images that are there and whole are
    kept, so a run that was killed can be started again.

    Args:
        root: The folder that holds ``leftImg8bit`` and ``gtFine``.
        splits: Names of splits.
        workers: Number of processes.
        force: Make all anew.
        progress: Called with the number of files done and to do.

    Returns:
        What was made, kept and failed.

    Raises:
        EnvironmentMismatchError: There is something to convert and cityscapesScripts is not installed.
        FileNotFoundError: ``root`` is not the root of a Cityscapes tree.
        WorkerDiedError: A worker process died.
        MMFanError: ``workers`` is not positive.
    """
    whole_number("workers", workers, 1)
    root = Path(root)
    check_root(root)
    done, todo = Preparation(), []
    for split in splits:
        folder = root / "gtFine" / split
        for stem in stems_in(folder, POLYGON_SUFFIX):
            if not force and is_complete_png(folder / (stem + LABEL_SUFFIX)):
                done.kept += 1
            else:
                todo.append(folder / (stem + POLYGON_SUFFIX))
    if not todo:
        return done
    check_scripts()
    for count, problem in enumerate(_problems_of(todo, min(workers, len(todo))), start=1):
        if problem is None:
            done.made += 1
        else:
            done.failures.append(problem)
        if progress is not None:
            progress(count, len(todo))
    done.failures.sort()
    return done
