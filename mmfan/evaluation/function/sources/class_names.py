"""Classes of a classification set and the columns of a model: names read from files, found among one another."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmfan.datasets.classes.folders import class_folders
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.utils.checks import list_of
from mmfan.utils.json_files import parse_json
from mmfan.utils.text import counted, did_you_mean, shortlist

Names = Sequence[str] | str | os.PathLike[str]


def read_names(what: str, names: Names) -> tuple[str, ...]:
    """Names of classes in the order of their numbers.

    Args:
        what: Which argument they are, for messages.
        names: A list; or a file: ``.json`` with a list of names, or a dict number -> name or [name, ...] (Keras'
            ``imagenet_class_index.json``); any other with one name a line, the first word of each. Or a folder with a
            folder for each class, as ImageNet's validation set, whose names they are, in order.

    Raises:
        FileNotFoundError: There is no such file, or no folder in the folder.
        MMFanError: It holds something else, or a name twice.
    """
    found = _of_file(Path(names)) if isinstance(names, (str, os.PathLike)) else list_of(str, what, names)
    if not found:
        raise MMFanError(f"Expected `{what}` to name classes, got none.")
    twice = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < len(found) else []
    if twice:
        raise MMFanError(f"`{what}` names {counted(len(twice), 'class', 'classes')} twice: {shortlist(twice, 10)}.")
    return tuple(found)


def _of_file(path: Path) -> list[str]:
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"The list of classes {path.absolute()} does not exist.")
    content = path.read_bytes()
    if path.suffix != ".json":
        try:
            lines = content.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise MMFanError(f"{path} is no text in UTF-8: expected names of classes, one a line.") from error
        return [line.split()[0] for line in lines if line.strip()]
    try:
        said = parse_json(content)
    except ValueError as error:
        raise MMFanError(f"{path} is no JSON file: {error}.") from error
    return [_first(name, path) for name in (_by_number(said, path) if isinstance(said, Mapping) else said)]


def _of_folder(folder: Path) -> list[str]:
    kinds = class_folders(folder)
    if not kinds:
        raise FileNotFoundError(f"There is no folder of a class in {folder.absolute()}, whose names were asked for.")
    return list(kinds)


def _by_number(said: Mapping[str, Any], path: Path) -> list[Any]:
    wanted = list(map(str, range(len(said))))
    if set(said) != set(wanted):
        raise MMFanError(
            f"Expected the keys in {path} to be the numbers 0 to {len(said) - 1}, got {shortlist(list(said))}."
        )
    return [said[number] for number in wanted]


def _first(name: Any, path: Path) -> str:
    if isinstance(name, list) and name:
        name = name[0]
    if not isinstance(name, str):
        raise WrongTypeError(f"Expected names of classes in {path}, got {name!r:.80}.")
    return name


def columns_of(classes: Sequence[str], outputs: Sequence[str] | int | None) -> tuple[int, ...] | None:
    """The column of each class in what a model returns; None where they are the columns already.

    Args:
        classes: Of the set.
        outputs: The model's: their names, or how many there are where ``classes`` are their numbers.

    Raises:
        MMFanError: A class is none of the model's; the message suggests the nearest.
    """
    if outputs is None:
        return None
    if isinstance(outputs, int) or all(name.isascii() and name.isdigit() for name in classes):
        count = outputs if isinstance(outputs, int) else len(outputs)
        wrong = [name for name in classes if not (name.isascii() and name.isdigit() and int(name) < count)]
        if wrong and isinstance(outputs, int):
            raise MMFanError(
                f"With the number of the model's classes alone, {count}, those of the set must be numbers below it, "
                f"got {shortlist(wrong)}: give the names, in the order of the model's columns."
            )
        if not wrong:
            return tuple(map(int, classes))
        names: Sequence[str] = () if isinstance(outputs, int) else outputs
    else:
        names = outputs
    place = {name: at for at, name in enumerate(names)}
    missing = [name for name in classes if name not in place]
    if missing:
        raise MMFanError(
            f"{counted(len(missing), 'class', 'classes')} of {len(classes)} in the set are none of the {len(names)} "
            f"that the model tells apart: {shortlist(missing, 10)}.{did_you_mean(missing[0], names)}"
        )
    return tuple(place[name] for name in classes)
