"""Pages of the repository that stand outside docs/: copied into docs/project, with their links led to the site's pages.

Links from pages in docs/ to these files are led to the copies. A link to a file that is no page of the site is led to
the repository, if pyproject.toml has its address (``[tool.mmfan.addresses]``); else its text alone remains.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config


DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
LINK = re.compile(r"(!?)\[((?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)")
FENCED = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def mirrored() -> dict[str, str]:
    """File in the repository -> page of the site."""
    pages = {
        "CONTRIBUTING.md": "project/contributing",
        "CHANGELOG.md": "project/changelog",
        "SECURITY.md": "project/security",
        "CODE_OF_CONDUCT.md": "project/conduct",
        "README.md": "project/readme",
        "data/README.md": "project/data",
        "configs/README.md": "project/configs",
    }
    for path in sorted(ROOT.glob("configs/*/README.md")):
        pages[path.relative_to(ROOT).as_posix()] = f"project/configs/{path.parent.name}"
    return pages


def repository_address() -> str:
    """The address of the repository in pyproject.toml; "" if there is none."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^repository = "(https://[^"]+)"', text, re.MULTILINE)
    return found.group(1) if found else ""


def led(text: str, origin: str, page: str, address: str = "") -> str:
    """The text of a page with its links led to where the site has their targets.

    Args:
        text: Markdown.
        origin: Its file, relative to the repository's root.
        page: Its page of the site, relative to docs/ and without suffix.
        address: That of the repository.
    """
    pages = mirrored()

    def target_of(match: re.Match[str]) -> str:
        picture, name, link = match.groups()
        name = LINK.sub(target_of, name)
        if re.match(r"[a-z]+:|#", link):
            return f"{picture}[{name}]({link})"
        place, _, anchor = link.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(origin), place)).replace(os.sep, "/")
        if file == "docs":
            file = "docs/index.md"
        if file in pages:
            new = pages[file] + ".md"
        elif file.startswith("docs/") and (ROOT / file).is_file():
            new = file.removeprefix("docs/")
        else:
            return f"[{name}]({address}/blob/main/{file})" if address else name
        new = os.path.relpath(new, os.path.dirname(page) or ".").replace(os.sep, "/")
        return f"{picture}[{name}]({new}{'#' + anchor if anchor else ''})"

    parts = FENCED.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(target_of, part) for part in parts)


def write_if_new(path: Path, text: str) -> None:
    """Leave a page alone that is as it should be, so that Sphinx need not read it again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def copy_pages(app: Sphinx, config: Config) -> None:
    """Write the copies; those whose file is gone are removed."""
    address = repository_address()
    pages = mirrored()
    for origin, page in pages.items():
        text = led((ROOT / origin).read_text(encoding="utf-8"), origin, page, address)
        if page == "project/configs":
            families = [other.removeprefix("project/") for other in pages.values() if other.startswith(page + "/")]
            text += "\n```{toctree}\n:hidden:\n\n" + "\n".join(families) + "\n```\n"
        if page == "project/readme":
            text = f"---\norphan: true\n---\n{text}"
        write_if_new(DOCS / f"{page}.md", text)
    for path in (DOCS / "project").rglob("*.md"):
        if path.relative_to(DOCS).with_suffix("").as_posix() not in pages.values():
            path.unlink()


def lead_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Lead the links of the pages in docs/ that point out of it."""
    if not page.startswith(("project/", "reference/")):
        source[0] = led(source[0], f"docs/{page}.md", page, repository_address())


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx' hook of extensions."""
    app.connect("config-inited", copy_pages)
    app.connect("source-read", lead_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
