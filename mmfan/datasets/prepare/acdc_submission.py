"""The archive that the server of ACDC takes: one label map a test picture, named like it, in Cityscapes' label ids.

The server keeps the labels of the test split and has five evaluations, all adverse conditions together and each
alone; the same archive goes to each. What would be scored as nonsense or refused there is found here: pictures without
a prediction, other sizes, and train ids (0 to 18) in the place of label ids, which are valid numbers of other classes.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mmfan.datasets.cityscapes_labels import IGNORED, LABELS, TRAIN_CLASSES
from mmfan.datasets.label_files import one_channel
from mmfan.datasets.prepare.cityscapes_tree import stems_in
from mmfan.datasets.prepare.weather_trees import TREES
from mmfan.errors import MMFanError
from mmfan.picture_files import content_of, open_with_pillow, stated_size
from mmfan.utils.files import whole_file
from mmfan.utils.text import shortlist

_TREE = TREES["acdc"]
# when every file of an archive was changed, so that the same predictions make the same bytes
_MOMENT = (2000, 1, 1, 0, 0, 0)
_LABEL_IDS = np.array([LABELS[name].id for name in TRAIN_CLASSES], np.uint8)
_IDS = {"label": frozenset(_LABEL_IDS.tolist()), "train": frozenset(range(len(TRAIN_CLASSES)))}


# what helps against train ids: of predictions that are packed, and of an archive, in which nothing is changed
_SAY_SO = "say so with --ids train, and they are changed."
_PACK_AGAIN = "the server takes none. Pack the predictions anew, as `mmfan submit acdc FOLDER --ids train` does."


class SubmissionError(MMFanError):
    """Predictions that the server would refuse, or score as something else than they are."""


@dataclass(frozen=True)
class Archive:
    """What was written or checked.

    Attributes:
        path: The archive.
        pictures: Condition -> number of its pictures.
    """

    path: Path
    pictures: dict[str, int]


def pictures_wanted(root: str | os.PathLike[str], split: str = "test") -> dict[str, Path]:
    """Name in the archive -> picture of the set.

    Raises:
        FileNotFoundError: The set, or a condition of it, has no pictures there.
        SubmissionError: Two pictures have one name, so that their predictions could not lie at the top of an archive.
    """
    found: dict[str, Path] = {}
    for condition in _TREE.conditions:
        folder = Path(root) / _TREE.picture_folder(split, condition)
        stems = stems_in(folder, _TREE.picture_suffix)
        if not stems:
            raise FileNotFoundError(f"No picture *{_TREE.picture_suffix} in {folder.resolve()}.\n{_TREE.advice(root)}")
        for stem in stems:
            name, path = f"{PurePosixPath(stem).name}{_TREE.picture_suffix}", folder / f"{stem}{_TREE.picture_suffix}"
            if found.setdefault(name, path) != path:
                raise SubmissionError(f"Two pictures have the name {name}: {found[name]} and {path}.")
    return found


def write_archive(
    predictions: str | os.PathLike[str],
    root: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    ids: str = "label",
    split: str = "test",
    progress: Callable[[int, int], None] | None = None,
) -> Archive:
    """Check the predictions of a split and pack them.

    Args:
        predictions: Folder of label maps as PNG of one channel, named like the pictures, in folders or not: what
            ``mmfan test --out`` writes.
        root: The root of ACDC; names and sizes are those of its pictures.
        target: The archive to write.
        ids: What the predictions hold: ``'label'``, Cityscapes' label ids, or ``'train'``, train ids, which are
            changed to label ids.
        split: Whose predictions they are; ``'val'`` to try it out.
        progress: Called with the number of pictures done and to do.

    Raises:
        FileNotFoundError: The folder of predictions or the set is not there.
        SubmissionError: Pictures have no prediction, or a prediction has no picture, another size, several channels or
            ids of no class; the files are named, and nothing is written.
    """
    if ids not in _IDS:
        raise SubmissionError(f"Expected ids to be one of {', '.join(_IDS)}, got {ids!r}.")
    folder = Path(predictions)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder of predictions {folder.resolve()}.")
    wanted = pictures_wanted(root, split)
    files = _files_by_name(folder)
    _check_names(files, wanted, str(folder))
    with whole_file(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for count, (name, content) in enumerate(_checked(files, wanted, ids, _SAY_SO), 1):
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), content)
            if progress is not None:
                progress(count, len(wanted))
    return Archive(Path(target), _counts(wanted))


def check_archive(path: str | os.PathLike[str], root: str | os.PathLike[str], split: str = "test") -> Archive:
    """Check an archive that is there already, however it was made.

    Raises:
        FileNotFoundError: It is not there, or the set is not.
        SubmissionError: It is no archive, or would be refused; as :func:`write_archive`.
    """
    wanted = pictures_wanted(root, split)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            nested = [name for name in names if "/" in name]
            if nested:
                raise SubmissionError(
                    f"{path} holds folders, and the server looks for files at its top: {shortlist(nested)}."
                )
            files = {name: _reader(archive, name) for name in names}
            _check_names(files, wanted, str(path))
            for _ in _checked(files, wanted, "label", _PACK_AGAIN):
                pass
    except zipfile.BadZipFile as error:
        raise SubmissionError(f"{path} is no whole zip archive: {error}.") from error
    return Archive(Path(path), _counts(wanted))


Reader = Callable[[], bytes]


def _reader(archive: zipfile.ZipFile, name: str) -> Reader:
    return lambda: archive.read(name)


def _files_by_name(folder: Path) -> dict[str, Reader]:
    found: dict[str, Path] = {}
    for stem in stems_in(folder, ".png"):
        path = folder / f"{stem}.png"
        if found.setdefault(path.name, path) != path:
            raise SubmissionError(f"Two predictions have the name {path.name}: {found[path.name]} and {path}.")
    return {name: lambda path=path: content_of(path) for name, path in found.items()}  # type: ignore[misc]


def _check_names(files: Mapping[str, object], wanted: Mapping[str, Path], where: str) -> None:
    missing = sorted(set(wanted) - set(files))
    if missing:
        raise SubmissionError(
            f"{len(missing)} of {len(wanted)} pictures have no prediction in {where}: {shortlist(missing)}."
        )
    surplus = sorted(set(files) - set(wanted))
    if surplus:
        raise SubmissionError(f"{len(surplus)} files in {where} are named like no picture: {shortlist(surplus)}.")


def _checked(
    files: Mapping[str, Reader], wanted: Mapping[str, Path], ids: str, cure: str
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file, in label ids, in the order of the names."""
    for name in sorted(wanted):
        content = files[name]()
        label = _read(content, name)
        width, height = stated_size(wanted[name])
        if label.shape != (height, width):
            raise SubmissionError(
                f"The prediction {name} is {label.shape[1]}x{label.shape[0]} (width x height), its picture "
                f"{width}x{height}."
            )
        _check_ids(label, name, ids, cure)
        yield name, content if ids == "label" else _as_png(_LABEL_IDS[label])


def _read(content: bytes, name: str) -> NDArray[np.uint8]:
    try:
        with open_with_pillow(content) as picture:
            label = one_channel(np.array(picture), name)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise SubmissionError(f"The prediction {name} cannot be read as a label map: {error}") from error
    if label.dtype != np.uint8:
        raise SubmissionError(f"The prediction {name} must have 8 bits, it is {label.dtype}.")
    return label


def _check_ids(label: NDArray[np.uint8], name: str, ids: str, cure: str) -> None:
    found = set(np.flatnonzero(np.bincount(label.ravel(), minlength=IGNORED + 1)).tolist())
    wrong = sorted(found - _IDS[ids])
    if not wrong:
        return
    hint = ""
    if ids == "label" and found <= _IDS["train"]:
        hint = f" They look like train ids: {cure}"
    known = ", ".join(map(str, sorted(_IDS[ids])))
    raise SubmissionError(
        f"The prediction {name} holds ids that are no class: {', '.join(map(str, wrong[:10]))}. The {ids} ids of the "
        f"{len(TRAIN_CLASSES)} classes are {known}.{hint}"
    )


def _as_png(label: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(label).save(buffer, "PNG")
    return buffer.getvalue()


def _counts(wanted: Mapping[str, Path]) -> dict[str, int]:
    counts = dict.fromkeys(_TREE.conditions, 0)
    for path in wanted.values():
        # rgb_anon/<condition>/<split>/<sequence>/<picture>
        condition = next(name for name in _TREE.conditions if name in path.parts[-4:])
        counts[condition] += 1
    return counts
