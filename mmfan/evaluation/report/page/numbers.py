"""Numbers of a page's tables, read from the text that is shown, and the shades of a heat map."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHADES = 9  # classes `heat-0` to `heat-8` of the style
_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)")


def number_of(text: str) -> float | None:
    """The number that a cell begins with, by which its column is sorted and shaded.

    >>> number_of("70.1 [69.0, 71.2]"), number_of("23.4 (fog 5)"), number_of("-")
    (70.1, 23.4, None)
    """
    found = _NUMBER.match(text.replace("\u2212", "-"))
    return None if found is None else float(found[1])


def span(texts: Iterable[str]) -> tuple[float, float] | None:
    """The lowest and the highest number; None where there is none."""
    found = [number for text in texts if (number := number_of(text)) is not None]
    return (min(found), max(found)) if found else None


def shade(text: str, ends: tuple[float, float] | None) -> str | None:
    """The style's class for a number within a span, of equal steps; None for what is no number.

    >>> shade("10.0", (10, 30)), shade("20.0", (10, 30)), shade("30.0", (10, 30)), shade("-", (10, 30))
    ('heat-0', 'heat-4', 'heat-8', None)
    """
    number = number_of(text)
    if number is None or ends is None:
        return None
    low, high = ends
    place = 0.5 if high == low else (number - low) / (high - low)
    return f"heat-{min(SHADES - 1, int(max(0.0, place) * SHADES))}"
