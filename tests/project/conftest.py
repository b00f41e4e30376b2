"""A tree with the files that hold addresses, all of them filled in."""

import shutil
from pathlib import Path

import pytest
from helpers.pages import ROOT
from helpers.scripts import script

TABLE = """\
[tool.mmfan.addresses]
repository = "https://git.example/them/mmfan"
documentation = "https://them.example/mmfan"
owners = ["@one", "@them/all"]
contact = "safe@them.example"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The folder of such a tree, in which only pyproject.toml says what is new."""
    for name in script(".ci/addresses.py").PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    project = tmp_path / "pyproject.toml"
    before, _, rest = project.read_text(encoding="utf-8").partition("[tool.mmfan.addresses]\n")
    rest = rest[rest.index("\n[tool.") :]
    project.write_text(before + TABLE + rest, encoding="utf-8")
    return tmp_path
