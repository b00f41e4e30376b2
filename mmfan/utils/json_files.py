"""JSON of files that may hold anything: read strictly, refused in words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mmfan.errors import MMFanError


def parse_json(content: bytes, errors: str = "strict") -> Any:
    """The value of a text in JSON and UTF-8, with or without a byte order mark.

    Numbers may be NaN or infinite, as Python writes them: what that means is for the caller to say.

    Args:
        content: Of the file.
        errors: ``'surrogateescape'`` where names of files that are no valid Unicode may stand in it.

    Raises:
        ValueError: It is neither, names a key twice, or is nested too deeply; the message says which.
    """
    try:
        return json.loads(content.decode("utf-8-sig", errors), object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: str | os.PathLike[str], what: str, cure: str, error: type[MMFanError] = MMFanError) -> Any:
    """The value in a JSON file.

    Args:
        path: The file.
        what: It should be, with its article: ``'a protocol'``.
        cure: What to do about it, a sentence.
        error: The class of the refusal.

    Raises:
        MMFanError: The file holds no JSON; the message names it.
        OSError: It cannot be read.
    """
    try:
        return parse_json(Path(path).read_bytes())
    except ValueError as reason:
        raise error(f"{path} is not {what}: no JSON file ({reason}). {cure}".rstrip()) from reason


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the key {twice!r:.80} twice")
    return found
