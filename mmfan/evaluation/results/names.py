"""Names as parts of paths: what a person calls a model or a picture, as a file or folder that any system can hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from mmfan.utils.text import UNPRINTABLE

LONGEST = 200  # bytes; file systems hold 255, and suffixes may follow
_FORBIDDEN = re.compile(rf'[/\\:*?"<>|]|{UNPRINTABLE.pattern}')
# what Windows takes for a device, with any suffix
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_MADE = re.compile(r"~[0-9a-f]{12}\Z")


def safe_name(name: str, taken: Collection[str] = ()) -> str:
    """A name as one part of a path: never another folder, never none, and no two names the same part.

    Ordinary names stay what they are. Any other keeps what can be kept of it, and gets ``~`` and twelve digits of its
    hash: names with separators or control characters, of more than 200 bytes, with a dot or blank at the begin or a dot
    or blank at the end, names that Windows keeps for devices, and those in ``taken``. (Names that differ in the case of
    letters alone are one to file systems that do not tell them apart.)

    Args:
        name: Any text.
        taken: Parts that are kept for something else, in lower case.

    >>> safe_name("fan-t"), safe_name("Größe 2.1"), safe_name("..").startswith(".."), safe_name("org/fan-t")
    ('fan-t', 'Größe 2.1', False, 'org_fan-t~6cd6ea244707')
    """
    if (
        name
        and not _FORBIDDEN.search(name)
        and len(name.encode()) <= LONGEST
        and name[0] not in ". "
        and name[-1] not in ". "
        and not _DEVICE.fullmatch(name)
        and not _MADE.search(name)
        and name.lower() not in taken
    ):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    kept = _FORBIDDEN.sub("_", name).strip(". ").encode()[: LONGEST // 2].decode(errors="ignore")
    return f"{'_' if _DEVICE.fullmatch(kept) else ''}{kept or '_'}~{digest}"
