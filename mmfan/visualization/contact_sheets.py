"""Contact sheet of one picture: every corruption at every severity, labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmfan.corruptions import GROUPS, corrupt, get_corruption, picture_seed
from mmfan.errors import MMFanError
from mmfan.utils.text import spoken
from mmfan.visualization.style import draw

DPI = 100
GAP = 4  # pixels between the tiles
GROUP_GAP = 14
BAND = 24  # width of the strip that names the groups
HEADER_TEXT = 20  # height of a line of the header
SMALLEST_TILE = 64
BAND_COLOURS = ("#4c72b0", "#55828b", "#8172b3", "#937860")
BLANK = 238  # grey of a cell that a corruption does not have


class SheetRow(NamedTuple):
    """One corruption at its severities."""

    group: str
    name: str
    tiles: dict[int, NDArray[np.uint8]]  # severity -> (h, w, 3), RGB


class _Frame(NamedTuple):
    """Where things are on the sheet, in pixels from the top left corner."""

    left: int  # of the first column of tiles
    tops: list[int]  # of the rows
    width: int
    height: int
    header: int  # height of what stands above the rows


def thumbnail(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Reduce a picture to a width; one that is narrower stays as it is.

    Args:
        picture: (H, W, 3) or (H, W), uint8; grey ones get three channels.
        width: Pixels.

    Returns:
        (h, w, 3), uint8.
    """
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    height, full = picture.shape[:2]
    if full <= width:
        return picture
    size = (width, max(1, round(height * width / full)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def corruption_rows(
    picture: NDArray[np.uint8],
    picture_name: str,
    corruptions: Sequence[str],
    *,
    seed: int = 0,
    tile_width: int = 192,
    progress: Callable[[int, int], None] | None = None,
) -> list[SheetRow]:
    """Corrupt a picture in every way asked for; each is reduced after it was corrupted at full size.

    Args:
        picture: (H, W, 3) RGB or (H, W) grey, uint8.
        picture_name: The name that the seeds are derived from, as :func:`mmfan.corruptions.picture_name` gives it: the
            tiles then show what the corrupted set holds.
        corruptions: Names; rows are ordered by group, and as given within a group.
        seed: Base seed.
        tile_width: Pixels.
        progress: Called with the number of cells done and their total.

    Returns:
        One row a corruption.

    Raises:
        UnknownCorruptionError: There is no corruption of that name.
        MMFanError: The picture cannot be corrupted.
    """
    known = [get_corruption(name) for name in dict.fromkeys(corruptions)]
    groups = list(dict.fromkeys((*GROUPS, *(corruption.group for corruption in known))))
    known.sort(key=lambda corruption: groups.index(corruption.group))
    total, done = sum(len(corruption.severities) for corruption in known), 0
    rows = []
    for corruption in known:
        tiles = {}
        for severity in corruption.severities:
            key = picture_seed(seed, picture_name, corruption.name, severity)
            tiles[severity] = thumbnail(corrupt(picture, corruption.name, severity, key), tile_width)
            done += 1
            if progress is not None:
                progress(done, total)
        rows.append(SheetRow(corruption.group, corruption.name, tiles))
    return rows


def contact_sheet(clean: NDArray[np.uint8], rows: Sequence[SheetRow], lines: Sequence[str] = ()) -> NDArray[np.uint8]:
    """Draw the sheet: the clean picture at the top, below it one row a corruption and one column a severity.

    Args:
        clean: (H, W, 3) or (H, W), uint8, RGB.
        rows: At least one; all tiles of one size, not larger than ``clean``. Rows of one group stand together.
        lines: Text beside the clean picture; the first line is larger.

    Returns:
        (H, W, 3), uint8, RGB.

    Raises:
        MMFanError: There are no rows, or tiles differ in size.
    """
    sizes = {tile.shape for row in rows for tile in row.tiles.values()}
    if len(sizes) != 1:
        raise MMFanError(f"Expected rows whose tiles are all of one size, got the sizes {sorted(sizes) or 'none'}.")
    tile_height, tile_width = sizes.pop()[:2]
    severities = sorted({severity for row in rows for severity in row.tiles})
    head = thumbnail(clean, 2 * tile_width + GAP)
    frame = _frame(rows, head, len(severities), tile_height, tile_width)

    sheet = np.full((frame.height, frame.width, 3), 255, np.uint8)
    sheet[GAP : GAP + head.shape[0], frame.left : frame.left + head.shape[1]] = head
    for row, top in zip(rows, frame.tops, strict=True):
        for column, severity in enumerate(severities):
            left = frame.left + column * (tile_width + GAP)
            sheet[top : top + tile_height, left : left + tile_width] = row.tiles.get(severity, BLANK)
    return _with_text(sheet, frame, rows, severities, (tile_height, tile_width), head.shape[1], lines)


def _label_size(tile_height: int) -> float:
    """Points of the names of the corruptions: they follow the tiles, within what can be read."""
    return float(np.clip(tile_height / 9, 8, 13))


def _fitting_size(text: str, room: float) -> float:
    """Points at which a bold text takes ``room`` pixels; a letter is about 0.7 of its size wide."""
    return max(room, 1) / (max(len(text), 1) * 0.7 * DPI / 72)


def _frame(
    rows: Sequence[SheetRow], head: NDArray[np.uint8], columns: int, tile_height: int, tile_width: int
) -> _Frame:
    longest = max(len(row.name) for row in rows)
    # a letter is about 0.55 of its size wide
    left = BAND + 12 + int(longest * _label_size(tile_height) * DPI / 72 * 0.55)
    header = max(head.shape[0], 4 * HEADER_TEXT) + 2 * GAP + HEADER_TEXT + 6
    tops, at = [], header
    for number, row in enumerate(rows):
        if number and row.group != rows[number - 1].group:
            at += GROUP_GAP - GAP
        tops.append(at)
        at += tile_height + GAP
    width = left + max(columns * (tile_width + GAP), head.shape[1] + 240)
    return _Frame(left, tops, width, at, header)


def _with_text(
    sheet: NDArray[np.uint8],
    frame: _Frame,
    rows: Sequence[SheetRow],
    severities: Sequence[int],
    tile: tuple[int, int],
    head_width: int,
    lines: Sequence[str],
) -> NDArray[np.uint8]:
    figure = Figure(figsize=(frame.width / DPI, frame.height / DPI), dpi=DPI, facecolor="white")
    figure.figimage(sheet, origin="upper")

    def write(x: float, y: float, text: str, **style: Any) -> None:
        # names may hold a dollar sign, which is not meant as mathematics
        figure.text(x / frame.width, 1 - y / frame.height, text, parse_math=False, **style)

    tile_height, tile_width = tile
    size = _label_size(tile_height)
    write(frame.left - 8, GAP + 2, "clean", ha="right", va="top", fontsize=size)
    beside = frame.left + head_width + 14
    for number, line in enumerate(lines):
        style: dict[str, Any] = {"weight": "bold"} if number == 0 else {"color": "0.3"}
        style["fontsize"] = min(13 if number == 0 else 9.5, _fitting_size(line, frame.width - beside))
        write(beside, GAP + 2 + number * (HEADER_TEXT + 2), line, ha="left", va="top", **style)
    write(frame.left - 8, frame.header - 5, "severity", ha="right", va="bottom", fontsize=size)
    for column, severity in enumerate(severities):
        middle = frame.left + column * (tile_width + GAP) + tile_width / 2
        write(middle, frame.header - 5, str(severity), ha="center", va="bottom", fontsize=size)
    for row, top in zip(rows, frame.tops, strict=True):
        text = spoken(row.name)
        write(frame.left - 8, top + tile_height / 2, text, ha="right", va="center", fontsize=size)
    _write_groups(figure, frame, rows, tile_height)
    return draw(figure)


def _write_groups(figure: Figure, frame: _Frame, rows: Sequence[SheetRow], tile_height: int) -> None:
    """A coloured strip along the rows of each group, with its name where it fits."""
    from matplotlib.patches import Rectangle

    starts = [n for n, row in enumerate(rows) if n == 0 or row.group != rows[n - 1].group]
    for number, (first, after) in enumerate(zip(starts, [*starts[1:], len(rows)], strict=True)):
        top, bottom = frame.tops[first], frame.tops[after - 1] + tile_height
        colour = BAND_COLOURS[number % len(BAND_COLOURS)]
        place = (GAP / frame.width, 1 - bottom / frame.height)
        strip = Rectangle(
            place, (BAND - GAP) / frame.width, (bottom - top) / frame.height, transform=figure.transFigure, color=colour
        )
        figure.add_artist(strip)
        name = rows[first].group
        x, y = (GAP + BAND) / 2 / frame.width, 1 - (top + bottom) / 2 / frame.height
        style: dict[str, Any] = {"color": "white", "weight": "bold", "ha": "center", "va": "center"}
        size = min(10.5, _fitting_size(name, bottom - top))
        figure.text(x, y, name, rotation=90, fontsize=size, parse_math=False, **style)
