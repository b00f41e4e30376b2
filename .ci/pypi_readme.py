"""The front page as PyPI shows it: README.md without links and pictures that lead nowhere there.

PyPI knows nothing of the repository's files. Where its address is filled in (`make addresses`), relative links and
pictures lead to the files of this version's tag; where it is open, the pictures are left out and of the links the words
remain. Hatchling calls this whenever it builds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[([^\]]*)\]\((?![a-z]+:)([^)\s]+)\)")
LINK = re.compile(r"(?<!!)\[((?:!\[[^\]]*\]\([^)]*\)|[^\]\[])*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def standalone(text: str, repository: str, tag: str) -> str:
    """The page with links and pictures that work anywhere.

    Args:
        text: Markdown, whose relative links lead to files of the repository.
        repository: URL of the repository, without a slash at its end; empty where there is none.
        tag: The tag that the links lead to.

    >>> standalone("![a](docs/a.png) and [b](docs/b.md#c), [d](#d), [e](https://e.org)", "", "v1")
    ' and b, [d](#d), [e](https://e.org)'
    >>> standalone("![a](docs/a.png) and [b](docs/b.md#c)", "https://host/me/x", "v1")
    '![a](https://host/me/x/raw/v1/docs/a.png) and [b](https://host/me/x/blob/v1/docs/b.md#c)'
    """
    picture = rf"![\1]({repository}/raw/{tag}/\2)" if repository else ""
    link = rf"[\1]({repository}/blob/{tag}/\2)" if repository else r"\1"
    parts = FENCE.split(text)
    parts[::2] = [LINK.sub(link, PICTURE.sub(picture, part)) for part in parts[::2]]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts))


class ReadmeHook(MetadataHookInterface):
    """Gives the wheel and the source archive their description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme`` in the project's metadata."""
        root = Path(self.root)
        version = re.search(r'__version__ = "(.+)"', (root / "mmfan/version.py").read_text(encoding="utf-8"))
        if version is None:
            raise ValueError("mmfan/version.py says no version")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": standalone(
                (root / "README.md").read_text(encoding="utf-8"),
                metadata.get("urls", {}).get("Repository", ""),
                f"v{version[1]}",
            ),
        }
