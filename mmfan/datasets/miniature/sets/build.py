"""A miniature set on disk: drawn by several processes, all of it or nothing, whatever its form."""

import json
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mmfan.corruptions.threads import one_thread
from mmfan.datasets.miniature.scene import SMALLEST
from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number
from mmfan.utils.files import part_folder, sweep_parts
from mmfan.utils.json_files import parse_json
from mmfan.utils.processes.children import end_with_parent
from mmfan.utils.resources import cores

MANIFEST = "miniature.json"
"""Name of the file, at the top of the set, that says how it was made."""

SPLITS = ("train", "val")

Progress = Callable[[int, int], None]
"""Called with (pictures done, pictures in all)."""


class Recipe(NamedTuple):
    """How the sets of one form are made.

    Args:
        kind: The form, as the manifest names it.
        version: Raised whenever the same seed gives other files.
        folders: Folders that a set has even without pictures, relative to it.
        files: Files of picture ``index`` of a split, relative to the set: ``files(split, index)``.
        work: Draws one picture and writes its files, ``work(root, split, index, seed, size)``; a module's function, so
            that other processes find it. What it returns goes to ``finish``.
        common: Files that a set has once.
        finish: Writes them, ``finish(root, results)``, from a list of (split, index, result) in the order of the set.
        listed: Files that the set's own lists name, where the number of a picture does not say them.
    """

    kind: str
    version: int
    folders: tuple[str, ...]
    files: Callable[[str, int], list[str]]
    work: Callable[[Path, str, int, int, tuple[int, int]], Any]
    common: tuple[str, ...] = ()
    finish: Callable[[Path, list[tuple[str, int, Any]]], None] | None = None
    listed: Callable[[Path], list[str]] | None = None


def build_set(
    recipe: Recipe,
    target: str | os.PathLike,
    train: int,
    val: int,
    size: tuple[int, int],
    seed: int,
    workers: int | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> bool:
    """Make a set in a temporary folder next to ``target`` and rename it: a run that is stopped leaves nothing behind.

    Args:
        recipe: The form of the set.
        target: Folder to make.
        train: Number of training pictures.
        val: Number of validation pictures.
        size: (width, height) of a picture in pixels.
        seed: Seed of the set.
        workers: Number of processes; None for one per core. The bytes do not depend on it.
        progress: Called with (done, total) after each picture.
        force: Replace a miniature that was made with other options. Never replaces any other folder.

    Returns:
        Whether anything was drawn: False if ``target`` is already this very set.

    Raises:
        MMFanError: If an argument is out of range.
        FileExistsError: If ``target`` exists and is not this set.
        OSError: If a file cannot be written.
    """
    target, size = Path(target).resolve(), (int(size[0]), int(size[1]))
    _check(train, val, size, seed, workers)
    manifest = {
        "kind": recipe.kind, "version": recipe.version, "seed": seed, "size": list(size),
        "counts": {"train": train, "val": val},
    }  # fmt: skip
    if target.parent.is_dir():
        sweep_parts(target.parent)  # here, for a run that was killed at its very end has made the set
    if _already_there(recipe, target, manifest, force):
        return False
    jobs = [(split, index) for split, count in (("train", train), ("val", val)) for index in range(count)]
    with part_folder(target) as folder:
        root = folder / "set"
        for name in (*recipe.folders, *(name for job in jobs for name in map(os.path.dirname, recipe.files(*job)))):
            (root / name).mkdir(parents=True, exist_ok=True)
        results = _draw_all(partial(_work, recipe.work, root, seed, size), jobs, workers or cores(), progress)
        if recipe.finish is not None:
            recipe.finish(root, [(*job, result) for job, result in zip(jobs, results, strict=True)])
        (root / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        if target.exists():
            # The old set steps aside first: at no time does `target` hold half of each.
            target.rename(folder / "old")
        root.rename(target)
    return True


def _work(work: Callable[..., Any], root: Path, seed: int, size: tuple[int, int], job: tuple[str, int]) -> Any:
    return work(root, *job, seed, size)


def _draw_all(
    work: Callable[[tuple[str, int]], Any], jobs: list[tuple[str, int]], workers: int, progress: Progress | None
) -> list[Any]:
    results = []

    def collect(result: Any) -> None:
        results.append(result)
        if progress is not None:
            progress(len(results), len(jobs))

    with one_thread():
        if workers == 1 or len(jobs) <= 1:
            for job in jobs:
                collect(work(job))
            return results
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
        with ProcessPoolExecutor(min(workers, len(jobs)), context, end_with_parent) as pool:
            try:
                for result in pool.map(work, jobs, chunksize=4):
                    collect(result)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return results


def _check(train: int, val: int, size: tuple[int, int], seed: int, workers: int | None) -> None:
    for name, value, least in (("train", train, 0), ("val", val, 0), ("seed", seed, 0), ("workers", workers, 1)):
        if value is not None:
            whole_number(name, value, least)
    if train + val == 0:
        raise MMFanError("Expected at least one picture, but got train = 0 and val = 0.")
    if min(size) < SMALLEST:
        raise MMFanError(
            f"Expected `size` (width, height) to be at least {SMALLEST} each, but got {size[0]} x {size[1]}."
        )


def read_manifest(target: Path) -> dict | None:
    """The manifest of a miniature set, of whatever form, or None if the folder holds none that can be read."""
    try:
        manifest = parse_json((target / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    known = isinstance(manifest, dict) and str(manifest.get("kind", "")).startswith("mmfan miniature ")
    return manifest if known else None


def missing_files(recipe: Recipe, target: Path, manifest: dict) -> list[Path]:
    """Files that a set with this manifest should have and ``target`` has not."""
    names = [*recipe.common, *(recipe.listed(target) if recipe.listed is not None else ())]
    for split, count in manifest["counts"].items():
        names += [name for index in range(count) for name in recipe.files(split, index)]
    return [target / name for name in names if not (target / name).is_file()]


def _already_there(recipe: Recipe, target: Path, manifest: dict, force: bool) -> bool:
    """Whether ``target`` already is the set asked for; an error if it is something that must not be replaced."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    if not target.is_dir():
        raise FileExistsError(f"{target} is a file, not a folder; choose another target.")
    found = read_manifest(target)
    if found is None:
        raise FileExistsError(
            f"{target} exists and is not a miniature set (it has no readable {MANIFEST}); "
            "choose another target or move it away."
        )
    if found == manifest and not missing_files(recipe, target, manifest):
        return True
    if not force:
        what = "is incomplete" if found == manifest else "was made with other options"
        raise FileExistsError(f"{target} holds a miniature set that {what}; add --force (force=True) to replace it.")
    return False
