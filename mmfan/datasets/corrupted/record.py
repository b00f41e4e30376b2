"""``corrupted_set.json``: what a set was made with, so that two makings are never mixed into one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mmfan.errors import MMFanError
from mmfan.utils.files import whole_file
from mmfan.utils.json_files import parse_json
from mmfan.utils.versions import installed

RECORD_NAME = "corrupted_set.json"
# What must agree before anything is added to a set, and what each is called in messages.
IDENTITY = {
    "seed": "base seed",
    "engine_version": "version of the corruptions",
    "layout": "layout",
    "format": "format",
    "quality": "JPEG quality",
}


class MixedSetError(MMFanError):
    """A set would come to hold pictures of two kinds."""


@dataclass(frozen=True)
class SetRecord:
    """What a set was made with.

    Attributes:
        seed: Base seed of all pictures.
        engine_version: :data:`mmfan.corruptions.ENGINE_VERSION`.
        layout: One of :data:`mmfan.datasets.corrupted.layout.LAYOUTS`.
        format: ``'png'`` or ``'jpeg'``.
        quality: Of the JPEGs; ``None`` for PNG.
        made_with: Versions of the libraries: information, for where two sets differ in a last grey level.
    """

    seed: int
    engine_version: str
    layout: str
    format: str
    quality: int | None = None
    made_with: Mapping[str, str] = field(default_factory=dict)


def library_versions() -> dict[str, str]:
    """Versions of what the pixels and the bytes of the files pass through."""
    found = {"numpy": np.__version__, "opencv": cv2.__version__}
    found |= {"pillow": "not installed", "numba": "not installed"} | installed("pillow", "numba")
    return dict(sorted(found.items()))


def read_record(target: str | os.PathLike[str]) -> SetRecord | None:
    """The record of a set, or ``None`` if it has none.

    Raises:
        MMFanError: The file is not a record; the message names it.
    """
    path = Path(target) / RECORD_NAME
    try:
        record = SetRecord(**parse_json(path.read_bytes()))
        _check_types(record)
        return record
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise MMFanError(
            f"{path} is not the record of a corrupted set ({error}). What made the pictures beside it is unknown: make "
            "the set in another folder."
        ) from error


def _check_types(record: SetRecord) -> None:
    """See that the values of a record that was read are of its types; names may be of later versions."""
    if type(record.seed) is not int or record.seed < 0:
        raise MMFanError(f"its seed must be a whole number from 0 on, got {record.seed!r:.80}")
    for name in ("engine_version", "layout", "format"):
        if not isinstance(getattr(record, name), str):
            raise MMFanError(f"its {name} must be a text, got {getattr(record, name)!r:.80}")
    if record.quality is not None and type(record.quality) is not int:
        raise MMFanError(f"its quality must be a whole number or null, got {record.quality!r:.80}")
    made_with = record.made_with
    if not isinstance(made_with, dict) or not all(isinstance(version, str) for version in made_with.values()):
        raise MMFanError(f"its made_with must say the versions by name, got {made_with!r:.80}")


def check_record(target: str | os.PathLike[str], wanted: SetRecord, folders: Iterable[Path] = ()) -> list[str] | None:
    """Check that pictures of ``wanted`` may be added to a set.

    Args:
        target: Root of the corrupted set.
        wanted: What is about to be made.
        folders: Where it goes: without a record nothing may be there.

    Returns:
        Remarks on libraries whose versions differ from those the set was begun with; ``None`` if it has no record.

    Raises:
        MixedSetError: They may not; the message names each value that differs, there and wanted.
        MMFanError: The record there cannot be read.
    """
    there = read_record(target)
    if there is None:
        for folder in folders:
            if any(files for _, _, files in os.walk(folder)):
                raise MixedSetError(
                    f"{folder} holds files, but {target} has no record of how they were made. Make the set in another "
                    "folder."
                )
        return None
    differing = [
        f"{what} {getattr(there, key)} there, {getattr(wanted, key)} now"
        for key, what in IDENTITY.items()
        if getattr(there, key) != getattr(wanted, key)
    ]
    if differing:
        raise MixedSetError(
            f"{target} was begun with other settings: {'; '.join(differing)}. Use the same ones, or another folder."
        )
    return [
        f"{target} was begun with {name} {there.made_with.get(name)}, this is {now}: pixels may differ by a grey level."
        for name, now in wanted.made_with.items()
        if there.made_with.get(name) != now
    ]


def claim_target(target: Path, wanted: SetRecord) -> list[str]:
    """Write the record of a new set; if another process was first with one, check that.

    Args:
        target: Root of the corrupted set; made if it does not exist.
        wanted: What is about to be made.

    Returns:
        The remarks of :func:`check_record`.

    Raises:
        MixedSetError: The set there is another one.
        MMFanError: The record there cannot be read.
    """
    path = target / RECORD_NAME
    with suppress(FileExistsError), whole_file(path) as part:
        part.write_text(json.dumps(asdict(wanted), indent=1, sort_keys=True) + "\n", "utf-8")
        try:
            os.link(part, path)  # unlike the rename that follows, it fails if another process was first
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExistsError(path) from None
    remarks = check_record(target, wanted)
    if remarks is None:
        raise FileNotFoundError(f"{path} was written and is gone: something else cleans that folder.")
    return remarks
