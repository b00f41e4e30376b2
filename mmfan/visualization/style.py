"""Shared style of the robustness plots: colours that colour-blind readers tell apart, legends, arrays."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from mmfan.utils.text import one_line

DPI = 110
TEXT = "0.2"
FAINT = "0.85"

# The muted scheme of Paul Tol's "Colour Schemes" (technical note SRON/EPS/TN/09-002, 2021), in an order that keeps
# neighbours apart in lightness too, and black for its pale grey, which would vanish on white.
COLOURS = (
    "#332288", "#CC6677", "#117733", "#DDCC77", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#000000",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
Dash = Literal["-", "--", "-.", ":"]
DASHES: tuple[Dash, ...] = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "xxx")


class Style(NamedTuple):
    """How one model is drawn, the same in every plot."""

    colour: str
    marker: str
    dash: Dash
    hatch: str


def style_of(place: int) -> Style:
    """The style of the ``place``-th model (from 0); beyond ten models colours come back with other dashes and hatches.

    >>> style_of(0).colour, style_of(10).colour == style_of(0).colour, style_of(10) == style_of(0)
    ('#332288', True, False)
    """
    lap = place // len(COLOURS)
    return Style(
        COLOURS[place % len(COLOURS)],
        MARKERS[place % len(MARKERS)],
        DASHES[lap % len(DASHES)],
        HATCHES[lap % len(HATCHES)],
    )


def fold(name: str, width: int = 30, lines: int = 2) -> str:
    r"""Break a long name into lines, at its punctuation where there is some; the middle of an endless one is left out.

    >>> fold("fan-t")
    'fan-t'
    >>> fold("segformer_mit-b0_8xb1-160k_cityscapes-1024x1024", 30)
    'segformer_mit-b0_8xb1-160k_\ncityscapes-1024x1024'
    >>> fold("abcdefghijklmnopqrstuvwxyz", 7, 1)
    'abc…xyz'
    """
    # \x0b is white space to textwrap, which may end a line there, and is in no name
    name = one_line(name)
    marked = re.sub(r"([_./])", "\\1\x0b", name) if len(name) > width else name
    folded = [part.replace("\x0b", "") for part in textwrap.wrap(marked, width, replace_whitespace=False)]
    if len(folded) <= lines:
        return "\n".join(folded)
    room = width * lines - 1
    kept = name[: room - room // 2] + "…" + name[len(name) - room // 2 :]
    return "\n".join(kept[start : start + width] for start in range(0, len(kept), width))


def entry(name: str) -> str:
    """A name as the entry of a legend: those that begin with an underscore get none from matplotlib.

    >>> entry("fan_t"), entry("_x")
    ('fan_t', ' _x')
    """
    return f" {name}" if name.startswith("_") else name


def grouped(corruptions: Iterable[str], groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The corruptions by group, in the groups' order; those in none are together under "other", at the end.

    >>> grouped(["fog", "rain", "snow"], {"weather": ["snow", "fog"], "noise": ["shot_noise"]})
    {'weather': ['snow', 'fog'], 'other': ['rain']}
    """
    wanted = list(corruptions)
    found = {group: [name for name in names if name in wanted] for group, names in groups.items()}
    placed = {name for names in found.values() for name in names}
    found["other"] = [*found.get("other", []), *(name for name in wanted if name not in placed)]
    return {group: names for group, names in found.items() if names}


def legend_below(figure: Figure, handles: Sequence[Any], names: Sequence[str], width: float) -> float:
    """Put the models' names at the bottom edge of a figure, in as many columns as fit.

    Args:
        figure: Gets the legend.
        handles: One artist a model.
        names: Their names.
        width: Of the figure, in inches.

    Returns:
        The height that it takes, in inches.
    """
    folded = [entry(fold(name, 44)) for name in names]
    longest = max(len(line) for name in folded for line in name.split("\n"))
    columns = max(1, min(len(names), int((width - 0.3) / (0.075 * longest + 0.65))))
    rows = -(-len(names) // columns)
    deepest = max(name.count("\n") + 1 for name in folded)
    figure.legend(
        handles, folded, ncol=columns, loc="lower center", frameon=False, fontsize=9.5, borderaxespad=0.5,
        handlelength=2.2, columnspacing=1.6, labelspacing=0.5,
    )  # fmt: skip
    return 0.3 + rows * (0.16 * deepest + 0.075)


def draw(figure: Figure) -> np.ndarray:
    """The pixels of a figure, (H, W, 3) uint8, RGB."""
    for text in figure.findobj(Text):
        # two dollars in a name are no formula; the numbers of an axis are
        if "$" in text.get_text() and r"\mathdefault" not in text.get_text():
            text.set_parse_math(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def clear_frame(axes: Any) -> None:
    """Leave only what carries meaning: no frame at the top and right, faint lines behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("0.6")
    axes.tick_params(color="0.6", labelcolor=TEXT, labelsize=9)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
