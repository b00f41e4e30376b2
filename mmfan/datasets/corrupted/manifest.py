"""One manifest a cell and split: every file with its SHA-256, and what it was made with.

A cell whose pictures of the split are all there has one, ``manifests/fog/3/val.json``. It holds nothing about time or
machine, so that it is the same bytes however the set was made. Until then every shard writes a part of it now and then,
of the same form: ``manifests/fog/3/val.1-of-4.json``.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmfan.corruptions import get_corruption
from mmfan.datasets.corrupted.record import SetRecord
from mmfan.errors import MMFanError

MANIFESTS = "manifests"
SETTINGS = ("seed", "engine_version", "format", "quality")  # which a manifest repeats from the record of the set


@dataclass(frozen=True)
class Manifest:
    """What one cell of a set holds of one split.

    Attributes:
        corruption: Name of the corruption.
        severity: Its severity.
        split: Name of the split, or ``'all'``.
        seed: Base seed.
        engine_version: :data:`mmfan.corruptions.ENGINE_VERSION`.
        corruption_version: Version of this corruption; another one for those that users add.
        parameters: The numbers behind the severity, or ``None`` where they are not known.
        format: ``'png'`` or ``'jpeg'``.
        quality: Of the JPEGs.
        files: SHA-256 of each file, in hexadecimal, by its path relative to the folder of the cell.
    """

    corruption: str
    severity: int
    split: str
    seed: int
    engine_version: str
    corruption_version: str
    parameters: Any
    format: str
    quality: int | None
    files: Mapping[str, str]

    def differences(self, record: SetRecord) -> list[str]:
        """Where its settings are not those of the set: ``'seed 8, the set 0'``."""
        pairs = [(key, getattr(self, key), getattr(record, key)) for key in SETTINGS]
        return [f"{key} {own}, the set {other}" for key, own, other in pairs if own != other]


def manifest_path(
    target: str | os.PathLike[str], corruption: str, severity: int, split: str, part: str | None = None
) -> Path:
    """Where the manifest of a cell is, or the part of it that one shard (``'1-of-4'``) writes."""
    name = split if part is None else f"{split}.{part}"
    return Path(target) / MANIFESTS / corruption / str(severity) / f"{name}.json"


def find_parts(target: str | os.PathLike[str], corruption: str, severity: int, split: str) -> list[Path]:
    """The parts of the manifest of a cell, sorted."""
    whole = manifest_path(target, corruption, severity, split)
    return sorted(whole.parent.glob(f"{glob.escape(split)}.*-of-*.json"))


def make_manifest(record: SetRecord, corruption: str, severity: int, split: str, files: Mapping[str, str]) -> Manifest:
    """The manifest of a cell, or a part of it, with these files."""
    known = get_corruption(corruption)
    at = known.severities.index(severity)
    return Manifest(
        corruption=corruption,
        severity=severity,
        split=split,
        seed=record.seed,
        engine_version=record.engine_version,
        corruption_version=known.version,
        parameters=known.parameters[at] if at < len(known.parameters) else None,
        format=record.format,
        quality=record.quality,
        files=files,
    )


def manifest_bytes(manifest: Manifest) -> bytes:
    """The file: JSON with sorted keys and files, names as they are on disk."""
    content = {**vars(manifest), "count": len(manifest.files), "files": dict(sorted(manifest.files.items()))}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogateescape")  # names that are no valid Unicode leave as their bytes


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest or a part of one, or return ``None`` if there is none.

    Raises:
        MMFanError: The file is not a manifest; the message names it and says what to do.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
        count = content.pop("count")
        manifest = Manifest(**content)
        if count != len(manifest.files):
            raise MMFanError(f"it says {count} files and lists {len(manifest.files)}")
        if not all(type(digest) is str for digest in manifest.files.values()):
            raise MMFanError("its files are not hashes by name")
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MMFanError(f"{path} is not a manifest ({error}). Delete it; the next run writes it anew.") from error
    return manifest
