"""Links of docstrings: to the name under which the reference shows an object, whatever path the docstring writes.

What exists and is shown nowhere (a private module, a class of torch) stays as it is written. What does not exist is
still warned of, and so fails the build.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from api_pages import ROOMS, documented
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

NOTHING = object()
# short names that annotations and docstrings use are looked for here too
ELSEWHERE = ("typing", "collections.abc", "mmfan.datasets", "mmfan.datasets.transforms", "mmfan.models")


@cache
def found(name: str) -> Any:
    """The object of a dotted name; ``NOTHING`` if there is none."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: Any = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            value = getattr(value, part, NOTHING)
        return value
    return NOTHING


def candidates(node: pending_xref) -> Iterator[str]:
    """The dotted names that a reference may mean, seen from where it stands."""
    target, module, owner = node["reftarget"].lstrip("."), node.get("py:module"), node.get("py:class")
    yield target
    if module and owner:
        yield f"{module}.{owner}.{target}"
    short = target.removeprefix("mmfan.")  # type="mmfan.Corrupt" is how configs name mmfan.datasets.transforms.Corrupt
    for place in (*filter(None, [module]), *(part.module for _, parts in ROOMS.values() for part in parts), *ELSEWHERE):
        yield f"{place}.{short}"
    # a docstring may use the names of its own module, which the reference shows under another one
    for place in [name for name in sys.modules if name.startswith("mmfan.")]:
        yield f"{place}.{target}"


def link_to_shown(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> Any:
    """Resolve what Sphinx did not."""
    if node.get("refdomain") != "py":
        return None
    for name in candidates(node):
        value = found(name)
        if value is NOTHING:
            continue
        shown = documented().get(id(value))
        if shown and shown != node["reftarget"]:
            links = env.get_domain("py").resolve_any_xref(env, node["refdoc"], app.builder, shown, node, content)
            if links:
                return links[0][1]
        return content
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx' hook of extensions."""
    app.connect("missing-reference", link_to_shown)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
