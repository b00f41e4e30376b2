"""Write the miniature Cityscapes to disk: the complete tree, by several processes, all of it or nothing."""

import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from .labels import PALETTE, TRAIN_ID_OF
from .scene import SMALLEST, Scene, draw_scene

VERSION = 1
"""Raised whenever the same seed draws other pictures."""

MANIFEST = "miniature.json"
"""Name of the file, at the top of the set, that says how it was made."""

SPLITS = ("train", "val")

CITIES = {"train": ("aldenfurt", "birkenmoor", "eschwalde", "tannhagen"), "val": ("falkenrode", "mohnstadt")}
"""Invented towns; picture i of a split belongs to town i modulo their number."""

LABEL_KINDS = ("labelIds", "labelTrainIds", "color", "instanceIds")

Progress = Callable[[int, int], None]
"""Called with (pictures done, pictures in all)."""


def draw_miniature(seed: int, split: str, index: int, size: tuple[int, int] = (512, 256)) -> Scene:
    """Draw picture ``index`` of a split; it depends on these arguments and on nothing else.

    Args:
        seed: Seed of the set, 0 or more.
        split: "train" or "val".
        index: Number of the picture in its split, from 0.
        size: (width, height) in pixels.
    """
    if split not in SPLITS:
        raise ValueError(f"Expected `split` to be one of {', '.join(SPLITS)}, but got {split!r}.")
    sequence = np.random.SeedSequence([seed, SPLITS.index(split), index])
    return draw_scene(np.random.Generator(np.random.PCG64(sequence)), size)


def picture_name(split: str, index: int) -> str:
    """Path of a picture in its tree without suffix: ``split/town/town_index_000019``, as in Cityscapes."""
    towns = CITIES[split]
    town = towns[index % len(towns)]
    return f"{split}/{town}/{town}_{index:06d}_000019"


def write_scene(root: Path, name: str, scene: Scene) -> None:
    """Write the picture and the four label files of a scene below ``root`` (folders must exist).

    Raises:
        OSError: If a file cannot be written.
    """
    labels = {
        "labelIds": scene.label_ids,
        "labelTrainIds": TRAIN_ID_OF[scene.label_ids],
        "color": PALETTE[scene.label_ids],
        "instanceIds": scene.instance_ids,
    }
    files = {root / "gtFine" / f"{name}_gtFine_{kind}.png": labels[kind] for kind in LABEL_KINDS}
    files[root / "leftImg8bit" / f"{name}_leftImg8bit.png"] = scene.image
    for path, picture in files.items():
        stored = picture[..., ::-1] if picture.ndim == 3 else picture
        # Low compression: the noise of a picture does not compress, and label pictures do at any level.
        if not cv2.imwrite(str(path), stored, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
            raise OSError(f"could not write {path}: is the disk full or the folder read-only?")


def _work(job: tuple[str, int], root: Path, seed: int, size: tuple[int, int]) -> None:
    split, index = job
    write_scene(root, picture_name(split, index), draw_miniature(seed, split, index, size))


def _cores() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    # Each process draws its own picture. OpenCV's threads must also be gone before a fork, which would not copy them.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _draw_all(
    root: Path, jobs: list[tuple[str, int]], seed: int, size: tuple[int, int], workers: int, progress: Progress | None
) -> None:
    work = partial(_work, root=root, seed=seed, size=size)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, len(jobs))

    with _single_threaded_opencv():
        if workers == 1 or len(jobs) <= 1:
            for done, job in enumerate(jobs, 1):
                work(job)
                report(done)
            return
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
        with ProcessPoolExecutor(min(workers, len(jobs)), context) as pool:
            try:
                for done, _ in enumerate(pool.map(work, jobs, chunksize=4), 1):
                    report(done)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _check(train: int, val: int, size: tuple[int, int], seed: int, workers: int | None) -> None:
    for name, value, least in (("train", train, 0), ("val", val, 0), ("seed", seed, 0), ("workers", workers, 1)):
        if value is not None and value < least:
            raise ValueError(f"Expected `{name}` to be {least} or more, but got {value}.")
    if train + val == 0:
        raise ValueError("Expected at least one picture, but got train = 0 and val = 0.")
    if min(size) < SMALLEST:
        raise ValueError(
            f"Expected `size` (width, height) to be at least {SMALLEST} each, but got {size[0]} x {size[1]}."
        )


def read_manifest(target: Path) -> dict | None:
    """The manifest of a set that this module wrote, or None if the folder holds none that can be read."""
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("kind") == "mmfan miniature cityscapes" else None


def write_cityscapes(
    target: str | os.PathLike,
    train: int = 200,
    val: int = 40,
    size: tuple[int, int] = (512, 256),
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> bool:
    """Write a miniature Cityscapes.

    ``target`` gets ``leftImg8bit/{train,val}/TOWN/TOWN_000000_000019_leftImg8bit.png`` and beside it
    ``gtFine/.../..._gtFine_{labelIds,labelTrainIds,color,instanceIds}.png`` as in the original, and a manifest. It is
    drawn in a temporary folder next to ``target`` and renamed at the end: a run that is stopped leaves nothing behind.
    The bytes do not depend on ``workers``.

    Args:
        target: Folder to make.
        train: Number of training pictures.
        val: Number of validation pictures.
        size: (width, height) of a picture in pixels.
        seed: Seed of the set.
        workers: Number of processes; None for one per core.
        progress: Called with (done, total) after each picture.
        force: Replace a miniature that was made with other options. Never replaces any other folder.

    Returns:
        Whether anything was drawn: False if ``target`` is already this very set.

    Raises:
        ValueError: If an argument is out of range.
        FileExistsError: If ``target`` exists and is not this set.
        OSError: If a file cannot be written.
    """
    target, size = Path(target).resolve(), (int(size[0]), int(size[1]))
    _check(train, val, size, seed, workers)
    manifest = {
        "kind": "mmfan miniature cityscapes", "version": VERSION, "seed": seed, "size": list(size),
        "counts": {"train": train, "val": val},
    }  # fmt: skip
    if _already_there(target, manifest, force):
        return False
    jobs = [(split, index) for split, count in (("train", train), ("val", val)) for index in range(count)]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        root = Path(folder) / "set"
        for split, index in jobs:
            for top in ("leftImg8bit", "gtFine"):
                (root / top / picture_name(split, index)).parent.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:  # a split without pictures is an empty folder, not a missing one
            for top in ("leftImg8bit", "gtFine"):
                (root / top / split).mkdir(parents=True, exist_ok=True)
        _draw_all(root, jobs, seed, size, workers or _cores(), progress)
        (root / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        if target.exists():
            # The old set steps aside first: at no time does `target` hold half of each.
            target.rename(Path(folder) / "old")
        root.rename(target)
    return True


def _already_there(target: Path, manifest: dict, force: bool) -> bool:
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
    if found == manifest and not missing_files(target, manifest):
        return True
    if not force:
        what = "is incomplete" if found == manifest else "was made with other options"
        raise FileExistsError(f"{target} holds a miniature set that {what}; add --force (force=True) to replace it.")
    return False


def missing_files(target: Path, manifest: dict) -> list[Path]:
    """Files that a set with this manifest should have and ``target`` has not."""
    missing = []
    for split, count in manifest["counts"].items():
        for index in range(count):
            name = picture_name(split, index)
            files = [target / "leftImg8bit" / f"{name}_leftImg8bit.png"]
            files += [target / "gtFine" / f"{name}_gtFine_{kind}.png" for kind in LABEL_KINDS]
            missing += [path for path in files if not path.is_file()]
    return missing


__all__ = ["CITIES", "LABEL_KINDS", "MANIFEST", "VERSION", "draw_miniature", "missing_files", "picture_name",
           "read_manifest", "write_cityscapes", "write_scene"]  # fmt: skip
