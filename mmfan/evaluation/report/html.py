"""HTML form of a report: one file with its pictures inside, which loads nothing and needs no script.

Its parts are in :mod:`mmfan.evaluation.report.page`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.page.document import document
from mmfan.evaluation.report.page.embedded import Embedded, Gallery
from mmfan.evaluation.report.page.markup import Markup, element

if TYPE_CHECKING:
    from mmfan.evaluation.report.figures import Figure  # loads matplotlib, which takes a second


def as_html(report: Report, figures: Sequence[Figure] = (), pictures: Gallery | None = None) -> str:
    """The whole report as one page.

    Args:
        report: What to show.
        figures: More figures, embedded as PNG after the page's own plots.
        pictures: What the models saw and said, from :func:`mmfan.evaluation.report.page.embedded.gallery`.

    Returns:
        A complete HTML document, which makes no request whatever.
    """
    return document(report, pictures or Gallery(), [_figure(figure) for figure in figures])


def _figure(figure: Figure) -> Markup:
    address = Embedded("png", figure.png, 0, 0).address
    picture = element("img", src=Markup(address), alt=figure.title)
    return element("figure", picture, element("figcaption", figure.title), class_="more")
