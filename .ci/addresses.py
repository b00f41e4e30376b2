"""The addresses of the project: kept in pyproject.toml alone, and written from there wherever they are needed.

python .ci/addresses.py            # write them, and say which are still open
python .ci/addresses.py --check    # change nothing; status 1 where a file says something else
python .ci/addresses.py --complete # status 1 where an address is open: before a release
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
REGION = re.compile(r"(^[^\n]*addresses: begin[^\n]*\n)(.*?)(^[^\n]*addresses: end)", re.MULTILINE | re.DOTALL)
NOBODY = (
    "No address has been named yet. Ask for one in an issue of the place that you got mmfan from, without what you "
    "have to tell."
)


class Addresses(NamedTuple):
    """The table ``[tool.mmfan.addresses]`` of pyproject.toml; what is empty is not known yet.

    Attributes:
        repository: URL of the repository, without a slash at its end.
        documentation: URL of the site.
        owners: Who is asked to review: ``@login`` or ``@organisation/team``.
        contact: Where weaknesses and misconduct are told in confidence: a mail address or a URL.
    """

    repository: str = ""
    documentation: str = ""
    owners: tuple[str, ...] = ()
    contact: str = ""

    def open(self) -> list[str]:
        """Names of those that are not filled in."""
        return [name for name, value in self._asdict().items() if not value]


def read(pyproject: str) -> Addresses:
    """The addresses in the text of a pyproject.toml.

    Raises:
        ValueError: The table lacks a key, has another one, or a value that can be none.
    """
    table = tomllib.loads(pyproject).get("tool", {}).get("mmfan", {}).get("addresses", {})
    if set(table) != set(Addresses._fields):
        raise ValueError(f"[tool.mmfan.addresses] needs the keys {', '.join(Addresses._fields)}, got {sorted(table)}.")
    addresses = Addresses(**{**table, "owners": tuple(table["owners"])})
    for name in ("repository", "documentation"):
        url = getattr(addresses, name)
        if url and not re.fullmatch(r"https://[^\s/]+(/[^\s/]+)*", url):
            raise ValueError(f"`{name}` must begin with https:// and end without a slash, got {url!r}.")
    strange = [owner for owner in addresses.owners if not re.fullmatch(r"@[\w-]+(/[\w.-]+)?", owner)]
    if strange:
        raise ValueError(f"`owners` are @login or @organisation/team, got {strange}.")
    if addresses.contact and not re.fullmatch(r"[^\s@]+@[^\s@]+|https://\S+", addresses.contact):
        raise ValueError(f"`contact` must be a mail address or a URL, got {addresses.contact!r}.")
    return addresses


def _urls(at: Addresses) -> list[str]:
    lines = []
    if at.repository:
        lines = [f'Repository = "{at.repository}"', f'Issues = "{at.repository}/issues"']
        lines.append(f'Changelog = "{at.repository}/blob/main/CHANGELOG.md"')
    if at.documentation:
        lines.append(f'Documentation = "{at.documentation}"')
    return ["[project.urls]", *lines, ""] if lines else []


def _citation(at: Addresses) -> list[str]:
    return [f"repository-code: {at.repository}"] if at.repository else []


def _code_owners(at: Addresses) -> list[str]:
    return [f"* {' '.join(at.owners)}"] if at.owners else []


def _contact_links(at: Addresses) -> list[str]:
    links = []
    if at.documentation:
        links.append(("Documentation", at.documentation, "How to install, train, corrupt, judge and look inside."))
    if at.repository:
        policy = f"{at.repository}/security/policy"
        links.append(("A weakness", policy, "A file that gets around what SECURITY.md promises: not in public."))
    lines = [f"  - name: {name}\n    url: {url}\n    about: {json.dumps(about)}" for name, url, about in links]
    return ["contact_links:", *lines] if lines else []


def _contact(at: Addresses) -> list[str]:
    return [f"Write to <{at.contact}>." if at.contact else NOBODY]


PLACES: dict[str, Callable[[Addresses], list[str]]] = {
    "pyproject.toml": _urls,
    "CITATION.cff": _citation,
    ".github/CODEOWNERS": _code_owners,
    ".github/ISSUE_TEMPLATE/config.yml": _contact_links,
    "SECURITY.md": _contact,
    "CODE_OF_CONDUCT.md": _contact,
}


def filled(text: str, lines: list[str]) -> str:
    """The text with these lines in its marked region.

    Raises:
        ValueError: The text has no such region, or several.
    """
    inside = "".join(f"{line}\n" for line in lines)
    text, count = REGION.subn(lambda found: found[1] + inside + found[3], text)
    if count != 1:
        raise ValueError(f"expected one region between `addresses: begin` and `addresses: end`, got {count}")
    return text


def stale(root: Path) -> dict[Path, str]:
    """The files that say something else than pyproject.toml, with what they should hold."""
    addresses = read((root / "pyproject.toml").read_text(encoding="utf-8"))
    texts = {root / name: filled((root / name).read_text(encoding="utf-8"), f(addresses)) for name, f in PLACES.items()}
    return {path: text for path, text in texts.items() if text != path.read_text(encoding="utf-8")}


def main() -> int:
    """Write or check the addresses; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--complete", action="store_true", help="an open address is an error")
    args = parser.parse_args()
    changed = stale(ROOT)
    for path, text in changed.items():
        print(f"{path.relative_to(ROOT)} {'does not say what pyproject.toml says' if args.check else 'written'}")
        if not args.check:
            path.write_text(text, encoding="utf-8")
    missing = read((ROOT / "pyproject.toml").read_text(encoding="utf-8")).open()
    if missing:
        print(f"still open in [tool.mmfan.addresses] of pyproject.toml: {', '.join(missing)}")
    if args.check and changed:
        print("cure: fill in pyproject.toml alone, then `make addresses`")
    return int(bool((args.check and changed) or (args.complete and missing)))


if __name__ == "__main__":
    sys.exit(main())
