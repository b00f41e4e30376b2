"""Lines of JSON that long work leaves on its way, so that one that was killed goes on."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from mmfan.utils.json_files import parse_json

Value = TypeVar("Value")


class LineStore:
    """One line for each part that is done.

    Args:
        path: The file.
        key: What the parts belong to; lines with another key are of another run.
        part: What a part is called, for a warning.
    """

    def __init__(self, path: Path, key: str, part: str) -> None:
        self.path, self.key, self.part = path, key, part

    def read(self, parse: Callable[[dict[str, Any]], Value]) -> Iterator[Value]:
        """The parts of this run. A line that was not finished, or is none, is left out with a warning.

        Args:
            parse: From the fields of a line to its value; a ValueError, LookupError, TypeError or OverflowError says
                that it is no such line.
        """
        if not self.path.exists():
            return
        for line in filter(None, self.path.read_bytes().split(b"\n")):
            try:
                entry = parse_json(line)
                key, value = str(entry["key"]), parse(entry)
            except (ValueError, LookupError, TypeError, OverflowError):
                warnings.warn(
                    f"{self.path} has a line that was not finished; its {self.part} is computed again.", stacklevel=2
                )
                continue
            if key == self.key:
                yield value

    def append(self, **fields: Any) -> None:
        """Add a part; it is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"key": self.key, **fields})
        with open(self.path, "ab+") as file:
            torn = b""
            if file.tell():  # appending begins at the end
                file.seek(-1, os.SEEK_END)
                torn = b"" if file.read(1) == b"\n" else b"\n"
            file.write(torn + line.encode() + b"\n")
