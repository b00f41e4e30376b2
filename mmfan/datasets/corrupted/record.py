"""``corrupted_set.json``: what a set was made with, so that two makings are never mixed into one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import numpy as np

from mmfan.errors import MMFanError

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
    for name in ("pillow", "numba"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return dict(sorted(found.items()))


def read_record(target: str | os.PathLike[str]) -> SetRecord | None:
    """The record of a set, or ``None`` if it has none.

    Raises:
        MMFanError: The file is not a record; the message names it.
    """
    path = Path(target) / RECORD_NAME
    try:
        content = json.loads(path.read_text("utf-8"))
        return SetRecord(**content)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise MMFanError(
            f"{path} is not the record of a corrupted set ({error}). What made the pictures beside it is unknown: make "
            "the set in another folder."
        ) from error


def check_same(target: str | os.PathLike[str], there: SetRecord, wanted: SetRecord) -> list[str]:
    """Check that pictures of ``wanted`` may be added to a set.

    Returns:
        Remarks on libraries whose versions differ from those the set was begun with.

    Raises:
        MixedSetError: They may not; the message names each value that differs, there and wanted.
    """
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


def claim_target(target: Path, wanted: SetRecord, token: str) -> list[str]:
    """Write the record of a new set, or check that of an existing one. Safe against others that do the same.

    Args:
        target: Root of the corrupted set; made if it does not exist.
        wanted: What is about to be made.
        token: Something that no other process uses, for the temporary name.

    Returns:
        The remarks of :func:`check_same`.

    Raises:
        MixedSetError: The set there is another one.
        MMFanError: The record there cannot be read.
    """
    there = read_record(target)
    if there is None:
        target.mkdir(parents=True, exist_ok=True)
        part = target / f".{RECORD_NAME}.{token}.part"
        try:
            part.write_text(json.dumps(asdict(wanted), indent=1, sort_keys=True) + "\n", "utf-8")
            try:
                os.link(part, target / RECORD_NAME)  # unlike a rename, it fails if another process was first
            except FileExistsError:
                pass
            except OSError:
                # A file system without hard links.
                if not (target / RECORD_NAME).exists():
                    part.replace(target / RECORD_NAME)
        finally:
            part.unlink(missing_ok=True)
        there = read_record(target)
    if there is None:
        raise FileNotFoundError(f"{target / RECORD_NAME} was written and is gone: something else cleans that folder.")
    return check_same(target, there, wanted)
