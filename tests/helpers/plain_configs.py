"""Texts of configs, not beautified: mmengine asks for four before each run, and yapf takes longer than most tests."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


def plain(text: str, **_: Any) -> tuple[str, bool]:
    """What yapf's ``FormatCode`` is asked for: the text, which is Python or refused."""
    try:
        ast.parse(text)
    except SyntaxError:  # yapf's own parser takes more: names that are keywords by now
        from yapf.pytree import pytree_utils

        pytree_utils.ParseCodeToTree(text)
    return text, True


def leave_plain() -> None:
    """Have this process leave configs as they are from now on.

    The successor of mmengine asks yapf for its function anew each time; the original holds what it was given first.
    """
    try:
        from yapf.yapflib import yapf_api
    except ImportError:  # where there is no mmengine either
        return
    yapf_api.FormatCode = plain
    config: Any = sys.modules.get("mmengine.config.config")
    if config is not None and hasattr(config, "FormatCode"):
        config.FormatCode = plain


@contextmanager
def any_config() -> Iterator[None]:
    """Within, configs that hold functions are taken too, whose text is no Python: yapf refuses them."""
    from yapf.yapflib import yapf_api

    config: Any = sys.modules.get("mmengine.config.config")
    holder = config if hasattr(config, "FormatCode") else yapf_api
    with mock.patch.object(holder, "FormatCode", lambda text, **_: (text, True)):
        yield
