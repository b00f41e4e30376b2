"""Whether this tree is the release that a tag names: ``python .ci/release.py v1.2.3``.

Version, changelog and addresses must say so, and nothing else may lie in dist/ than what was built of it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import addresses

ROOT = Path(__file__).parents[1]


def problems(root: Path, tag: str) -> list[str]:
    """What speaks against releasing the tree at ``root`` as ``tag``; empty for nothing."""
    found = []
    version = re.findall(r'^__version__ = "(.+)"$', (root / "mmfan/version.py").read_text(encoding="utf-8"), re.M)[0]
    if tag != f"v{version}":
        found.append(f"the tag is {tag}, and mmfan/version.py says {version}")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$"
    if not re.search(heading, (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.M):
        found.append(f"CHANGELOG.md has no heading `## {version} (YYYY-MM-DD)`")
    missing = addresses.read((root / "pyproject.toml").read_text(encoding="utf-8")).open()
    if missing:
        found.append(f"[tool.mmfan.addresses] of pyproject.toml lacks {', '.join(missing)}")
    found += [f"{path.relative_to(root)} does not say what pyproject.toml says" for path in addresses.stale(root)]
    others = [path.name for path in sorted(root.glob("dist/*")) if f"mmfan-{version}" not in path.name]
    if others:
        found.append(f"dist/ holds {', '.join(others)} of other versions")
    return found


def main() -> int:
    """Print what speaks against the release; returns the exit status."""
    if len(sys.argv) != 2:
        print("usage: python .ci/release.py vX.Y.Z", file=sys.stderr)
        return 2
    found = problems(ROOT, sys.argv[1])
    print("\n".join(found) or f"{sys.argv[1]} can be released")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
