"""Headers of the files that are judged: is every picture and label map there, is it one, and do the sizes agree?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mmfan import picture_files
from mmfan.errors import MMFanError
from mmfan.evaluation.judging.findings import Findings

READERS = 8  # threads; reading begins of files waits for the disk

Size = tuple[int, int]  # width, height


def check_twice(names: Sequence[str], samples: Sequence[Mapping[str, Any]], cure: str, findings: Findings) -> None:
    """See that each picture is judged once: neither a name nor an ``img_id`` occurs twice.

    A picture that is judged twice counts twice in every mean, and its detections are matched against each other.
    """
    twice = [f"{name} ({count} times)" for name, count in Counter(names).items() if count > 1]
    findings.add_of(twice, "picture would be judged more than once", "pictures would be judged more than once", cure)
    owners: dict[Any, str] = {}
    shared = []
    for name, sample in zip(names, samples, strict=True):
        number = sample.get("img_id")
        if number is not None and owners.setdefault(number, name) != name:
            shared.append(f"{number} ({owners[number]} and {name})")
    findings.add_of(shared, "`img_id` is that of two pictures", "`img_id`s are those of two pictures each", cure)


def check_pictures(
    names: Sequence[str], samples: Sequence[Mapping[str, Any]], least: int, findings: Findings
) -> list[Size | None]:
    """Look at the begin of every picture.

    Args:
        names: Names of the pictures.
        samples: With ``img_path``, perhaps with the ``width`` and ``height`` that annotations state.
        least: The smallest side that a picture may have, in pixels.
        findings: Takes in what is wrong.

    Returns:
        Width and height of each picture before any turn that EXIF asks for; None where it cannot be told.
    """
    sizes = _sizes([sample["img_path"] for sample in samples], "picture", findings)
    check_small(names, sizes, least, findings)
    _check_stated(names, samples, sizes, findings)
    return sizes


def check_small(names: Sequence[str], sizes: Sequence[Size | None], least: int, findings: Findings) -> None:
    """See that no picture is too small to be corrupted."""
    small = [
        f"{name} ({size[0]}x{size[1]})" for name, size in zip(names, sizes, strict=True) if size and min(size) < least
    ]
    cure = f"The least side that can be corrupted is {least} pixels: leave them out of the set."
    findings.add_of(small, "picture is too small", "pictures are too small", cure)


def _sizes(paths: Sequence[str], what: str, findings: Findings) -> list[Size | None]:
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(_size_or_problem, paths))
    wrong = [problem for problem in found if isinstance(problem, str)]
    findings.add_of(wrong, f"{what} cannot be read", f"{what}s cannot be read")
    return [None if isinstance(size, str) else size for size in found]


def _size_or_problem(path: str) -> Size | str:
    try:
        return picture_files.stated_size(path)
    except MMFanError as error:
        return str(error).rstrip(".")
    except OSError as error:
        return f"{path} ({error.strerror or error})"


def _check_stated(
    names: Sequence[str], samples: Sequence[Mapping[str, Any]], sizes: Sequence[Size | None], findings: Findings
) -> None:
    """Compare with the sizes that annotations state, in whose pixels boxes and masks are."""
    wrong = []
    for name, sample, size in zip(names, samples, sizes, strict=True):
        stated = sample.get("width"), sample.get("height")
        # a camera's turn changes the two about; both readings are in use
        if size and None not in stated and {*size} != {*stated}:
            wrong.append(f"{name} ({stated[0]}x{stated[1]} stated, the file is {size[0]}x{size[1]})")
    findings.add_of(
        wrong, "picture is of another size than its annotations state",
        "pictures are of another size than their annotations state", "Boxes and masks would lie elsewhere.",
    )  # fmt: skip


def check_labels(
    names: Sequence[str],
    samples: Sequence[Mapping[str, Any]],
    sizes: Sequence[Size | None],
    cure: str,
    findings: Findings,
) -> None:
    """Look at the begin of every label map, and compare its size with its picture's.

    Args:
        names: Names of the pictures.
        samples: With ``img_path`` and ``seg_map_path``.
        sizes: Of the pictures, from :func:`check_pictures`.
        cure: What to do where there is no label map.
        findings: Takes in what is wrong.
    """
    paths = [sample.get("seg_map_path") for sample in samples]
    without = [name for name, path in zip(names, paths, strict=True) if not path]
    findings.add_of(without, "picture has no label map", "pictures have no label map", cure)
    there = [at for at, path in enumerate(paths) if path and "://" not in path]
    labels = _sizes([str(paths[at]) for at in there], "label map", findings)
    wrong = []
    for at, label in zip(there, labels, strict=True):
        size = sizes[at]
        if size and label and size != label and _decoded_sizes_differ(samples[at]["img_path"], label):
            wrong.append(f"{names[at]} (picture {size[0]}x{size[1]}, label map {label[0]}x{label[1]})")
    what = "label map is of another size than its picture", "label maps are of another size than their pictures"
    findings.add_of(wrong, *what, "Both must have the same pixels: make the label maps anew.")


def _decoded_sizes_differ(path: str, label: Size) -> bool:
    """Whether a picture is of another size than its label map after the turn that EXIF asks for."""
    header = picture_files.stated_size(path)
    if {*header} != {*label}:
        return True
    try:
        height, width = picture_files.read(path).shape[:2]
    except MMFanError:
        return False  # said when it is read
    return (width, height) != label


def smallest(sizes: Sequence[Size | None]) -> int:
    """The place of the picture of the fewest pixels; the first where no size is known."""
    return min(range(len(sizes)), key=lambda at: _pixels(sizes[at]))


def _pixels(size: Size | None) -> float:
    return float("inf") if size is None else size[0] * size[1]
