"""mmfan's own configs: where they are, what they are called, what is known of each."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.text import did_you_mean

SCOPE = "mmfan::"
INDEX = "index.json"
PACKAGE = Path(__file__).resolve().parents[1]


@cache
def config_folder() -> Path:
    """The folder of mmfan's configs: that of the checkout, or the copy in an installed package.

    Raises:
        MMFanError: The package was installed without them.
    """
    for folder in (PACKAGE / ".mim" / "configs", PACKAGE.parent / "configs"):
        if (folder / INDEX).is_file():
            return folder
    raise MMFanError(f"There are no configs beside the package in {PACKAGE}: install mmfan again.")


@cache
def own_configs() -> dict[str, Path]:
    """Name -> file of mmfan's configs, without the bases."""
    folder = config_folder()
    files = [path for path in sorted(folder.rglob("*.py")) if path.relative_to(folder).parts[0] != "_base_"]
    return {path.stem: path for path in files}


def config_index() -> dict[str, Any]:
    """What is known of each config: folders with their methods and notes, configs with their scores."""
    index: dict[str, Any] = json.loads((config_folder() / INDEX).read_text(encoding="utf-8"))
    return index


def find_config(given: str | Path) -> Path:
    """The file of a config that is given by path, by name among mmfan's own, or as ``mmfan::NAME``.

    A name may bear its ``.py``. Paths of mmfan's configs as they were before folders (``configs/NAME.py``) lead to
    where they are now.

    Raises:
        FileNotFoundError: There is none; the nearest name is told.
        MMFanError: The package was installed without its configs.
    """
    text = str(given)
    path = Path(text.removeprefix(SCOPE))
    if not text.startswith(SCOPE) and path.is_file():
        return path
    name = path.name.removesuffix(".py")
    folders = path.parts[:-1]
    own = own_configs()
    if name in own and (not folders or folders[-1] == "configs" or folders[-1] == own[name].parent.name):
        return own[name]
    meant = did_you_mean(name, own, 0.6)
    looked = "" if text.startswith(SCOPE) else f" (looked for {path.absolute()})"
    raise FileNotFoundError(
        f"The config {text} does not exist{looked}.{meant} `{command_name('configs')}` lists mmfan's own."
    )
