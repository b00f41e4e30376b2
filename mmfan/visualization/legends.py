"""Legend of label maps: a strip that names the colours of the classes in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mmfan.utils.text import one_line
from mmfan.visualization.style import draw, entry

DPI = 100


def classes_present(labels: Sequence[np.ndarray], count: int) -> list[int]:
    """The classes, below ``count``, that occur in any of the label maps, in order.

    >>> classes_present([np.array([[3, 255]]), np.array([[0, 3]])], 19)
    [0, 3]
    """
    found = np.zeros(256, bool)
    for item in labels:
        found[np.unique(item)] = True
    return [int(number) for number in np.flatnonzero(found[:count])]


def patches(classes: Sequence[str], palette: Sequence[Sequence[int]], present: Sequence[int]) -> list[Patch]:
    """One coloured patch with its name for each class in ``present``."""
    return [
        Patch(
            facecolor="#{:02x}{:02x}{:02x}".format(*palette[n]),
            edgecolor="0.3",
            linewidth=0.6,
            label=entry(one_line(classes[n])),
        )
        for n in present
    ]


def legend(classes: Sequence[str], palette: Sequence[Sequence[int]], present: Sequence[int], width: int) -> np.ndarray:
    """Draw the names and colours of some classes on white, in as many columns as fit.

    Args:
        classes: All class names.
        palette: All colours, RGB, 0 to 255.
        present: The classes to show.
        width: Pixels.

    Returns:
        (H, ``width``, 3) uint8, RGB; H follows from the number of rows.
    """
    colours = tuple(tuple(int(part) for part in colour) for colour in palette)
    return _legend(tuple(classes), colours, tuple(present), int(width)).copy()


@lru_cache(maxsize=64)
def _legend(
    classes: tuple[str, ...], palette: tuple[tuple[int, ...], ...], present: tuple[int, ...], width: int
) -> np.ndarray:
    size = float(np.clip(width / 64, 6, 18))  # points; 8 for a picture 512 wide, 18 from 1152 on
    row = size * DPI / 72 * 1.7
    longest = max((len(classes[n]) for n in present), default=1)
    column = size * DPI / 72 * (0.62 * longest + 2.6)
    columns = max(1, min(len(present) or 1, int(width / column)))
    rows = max(1, -(-len(present) // columns))
    height = round(row * (rows + 0.5))
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    figure.legend(
        handles=patches(classes, palette, present),
        ncol=columns,
        loc="center",
        frameon=False,
        fontsize=size,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.0,
        labelspacing=0.45,
        borderpad=0,
    )
    return draw(figure)


def with_legend(
    painted: np.ndarray, labels: np.ndarray, classes: Sequence[str], palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Put a legend of the classes that occur below a painted picture.

    Args:
        painted: (H, W, 3) uint8, RGB.
        labels: (H, W) integers: what was painted.
        classes: All class names.
        palette: All colours, RGB.

    Returns:
        (H + h, W, 3) uint8, RGB.
    """
    strip = legend(classes, palette, classes_present([labels], len(classes)), painted.shape[1])
    return np.concatenate([painted, strip])
