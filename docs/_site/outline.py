"""Outline of the site: which pages there are, in which order, under which captions; added to the landing page.

It stands here and not in ``index.md``, which is read on code hosts too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


CARDS = re.compile(r"<!-- cards -->\n(.*?)<!-- /cards -->", re.DOTALL)

OUTLINE = {
    "Tutorials": [
        "tutorials/five_minutes",
        "tutorials/judge_your_model",
        "tutorials/corrupted_set",
        "tutorials/train_fan",
        "tutorials/robust_detection",
        "tutorials/look_inside",
    ],
    "How to": [
        "install",
        "training",
        "robust_training",
        "detection",
        "judging",
        "report",
        "judge_function",
        "classification",
        "fan_tables",
        "reports",
        "adapters",
        "export",
        "corrupted_sets",
        "calibration",
        "worst_case",
        "real_weather",
        "adaptation",
        "attacks",
        "shape_texture",
        "analysis",
        "probes",
        "weights",
        "configs",
        "project/data",
    ],
    "Reference": [
        "protocols",
        "results_file",
        "backbones",
        "pictures",
        "api",
        "reference/index",
        "project/configs",
        "terminology",
    ],
    "Explanation": ["how_it_works", "results", "benchmarks", "reliability", "project/security"],
    "Project": ["project/contributing", "project/conduct", "project/changelog", "migration"],
}


def toctrees() -> str:
    """The hidden trees of contents, one a caption."""
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"
        for caption, pages in OUTLINE.items()
    )


def cards(table: str) -> str:
    """The columns of a table as cards, which stand one below the other on a narrow screen."""
    heads, _, row = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.strip().splitlines()]
    shown = [f":::{{grid-item-card}} {head}\n{text}\n:::" for head, text in zip(heads, row, strict=True)]
    return "\n::::{grid} 1 2 2 2\n:gutter: 3\n\n" + "\n\n".join(shown) + "\n::::\n"


def add_outline(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the trees of contents at the end of the landing page, and cards in the place of its first table."""
    if page == app.config.root_doc:
        source[0] = CARDS.sub(lambda found: cards(found.group(1)), source[0]) + toctrees()


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx' hook of extensions."""
    app.connect("source-read", add_outline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
