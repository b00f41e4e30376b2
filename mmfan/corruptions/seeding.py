"""Seeds of corrupted pictures, from a base seed and the name of a picture.

A corrupted picture depends on (base seed, relative file name, corruption, severity) and on nothing else: not on the
order of the pictures, the number of workers, or what was drawn before. The rule, so that others can repeat it:

1. The name is the path relative to the set, with ``/`` between folders, in Unicode normal form C (file systems
   differ in the form they keep), with its suffix: ``val/frankfurt/frankfurt_000000_000294_leftImg8bit.png``.
2. The text ``mmfan-1 <base seed> <corruption> <severity> <name>`` (one space between the parts, the numbers in
   decimal) is encoded as UTF-8 and hashed with BLAKE2b to 8 bytes, read as a little-endian number.
"""

from __future__ import annotations

import hashlib
import operator
import os
import re
import unicodedata
from pathlib import PurePosixPath
from typing import SupportsIndex

from mmfan.errors import MMFanError

SEED_LIMIT = 2**64

# A folder of one of COCO's splits, as it was unpacked.
_COCO_SPLIT = re.compile(r"(train|val|test|unlabeled)20\d\d")


def picture_seed(base_seed: SupportsIndex, name: str, corruption: str, severity: SupportsIndex) -> int:
    """The seed of one corrupted picture; see the module for the rule.

    Args:
        base_seed: The seed of the whole set, at least 0.
        name: Path of the clean picture relative to its set, as :func:`picture_name` gives it.
        corruption: Name of the corruption.
        severity: Its severity.

    Returns:
        A number of 64 bits for :func:`mmfan.corruptions.corrupt`.

    Raises:
        MMFanError: The base seed is negative, or the name is empty or absolute.

    >>> picture_seed(0, "val/ulm/ulm_000000_000000_leftImg8bit.png", "fog", 3)
    9588623604841868231
    """
    base, level = operator.index(base_seed), operator.index(severity)
    if base < 0:
        raise MMFanError(f"Expected a seed of at least 0, got {base}.")
    name = name.replace(os.sep, "/")
    if not name or PurePosixPath(name).is_absolute():
        raise MMFanError(f"Expected the path of a picture relative to its set, got {name!r}.")
    # Names that are not valid Unicode, which POSIX allows, arrive with surrogate escapes and leave as their bytes.
    text = unicodedata.normalize("NFC", f"mmfan-1 {base} {corruption} {level} {name}")
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def picture_name(path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> str:
    """The name of a picture that its seed is derived from: its path relative to the pictures of the set.

    Args:
        path: Path of the clean picture.
        root: The folder that names are relative to. ``None`` finds it by the layout of the set: Cityscapes names begin
            after the last folder ``leftImg8bit``, COCO names with the folder of the split (``val2017``, ...); of any
            other path only the file name is taken.

    Returns:
        The name, with ``/`` between folders.

    Raises:
        MMFanError: ``path`` is not inside ``root``.

    >>> picture_name("data/cityscapes/leftImg8bit/val/ulm/ulm_000000_000000_leftImg8bit.png")
    'val/ulm/ulm_000000_000000_leftImg8bit.png'
    >>> picture_name("coco/val2017/000000000139.jpg"), picture_name("a/b/c.png"), picture_name("a/b/c.png", root="a")
    ('val2017/000000000139.jpg', 'c.png', 'b/c.png')
    """
    text = os.fspath(path)
    if root is not None:
        name = os.path.relpath(text, root)
        if name.split(os.sep)[0] == os.pardir or os.path.isabs(name):
            raise MMFanError(
                f"The picture {text} is not inside {os.fspath(root)}, which its name should be relative to. "
                "Give the folder that holds the pictures of the set."
            )
        return name.replace(os.sep, "/")
    parts = PurePosixPath(text.replace(os.sep, "/")).parts
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "leftImg8bit":
            return "/".join(parts[at + 1 :])
        if _COCO_SPLIT.fullmatch(parts[at]):
            return "/".join(parts[at:])
    return parts[-1] if parts else ""
