"""Grids of cells over a picture: the cells that are hidden, the order they are put back in, the pixels they hold.

Plain NumPy. Random choices come from a seed alone and are the same on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.draws import stream_key, words
from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number


@dataclass(frozen=True)
class CellGrid:
    """Cells of equal size over a picture.

    Attributes:
        rows: Number of cells from top to bottom.
        columns: Number of cells from left to right.
        cell: Height and width of a cell, in pixels.
        origin: Row and column of the first cell's corner, in pixels. Pixels above and left of it are in no cell.
        shape: Height and width of the picture. Cells may reach beyond it; pixels below or right of the last cell are in
            no cell either.
    """

    rows: int
    columns: int
    cell: tuple[int, int]
    origin: tuple[int, int]
    shape: tuple[int, int]

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    def to_pixels(self, cells: NDArray) -> NDArray:
        """Give each pixel the value of its cell: (rows, columns) to (H, W); pixels in no cell get 0."""
        picture = np.zeros(self.shape, cells.dtype)
        spread = np.repeat(np.repeat(cells, self.cell[0], axis=0), self.cell[1], axis=1)
        (top, left), (height, width) = self.origin, self.shape
        spread = spread[: height - top, : width - left]
        picture[top : top + spread.shape[0], left : left + spread.shape[1]] = spread
        return picture

    def sums(self, values: NDArray) -> NDArray[np.float64]:
        """Sum of the pixels of each cell: (H, W) to (rows, columns)."""
        (top, left), (height, width) = self.origin, self.cell
        inside = np.zeros((self.rows * height, self.columns * width), np.float64)
        part = values[top : top + inside.shape[0], left : left + inside.shape[1]]
        inside[: part.shape[0], : part.shape[1]] = part
        return inside.reshape(self.rows, height, self.columns, width).sum(axis=(1, 3))


def patch_grid(shape: tuple[int, int], patch: int, offset: int = 0) -> CellGrid:
    """Square cells of ``patch`` pixels that cover a picture; the last row and column may be cut off by its border.

    Args:
        shape: Height and width of the picture.
        patch: Side of a cell in pixels.
        offset: The grid begins this many pixels below the top and right of the left border.

    Raises:
        MMFanError: No cell fits, or a number is out of range.

    >>> grid = patch_grid((32, 40), 16)
    >>> grid.rows, grid.columns
    (2, 3)
    """
    patch, offset = whole_number("patch", patch, 1), whole_number("offset", offset, 0)
    height, width = shape
    if offset >= min(height, width):
        raise MMFanError(f"Expected an offset smaller than the picture of {height} x {width} (H x W), got {offset}.")
    rows, columns = -(-(height - offset) // patch), -(-(width - offset) // patch)
    return CellGrid(rows, columns, (patch, patch), (offset, offset), (height, width))


def equal_grid(shape: tuple[int, int], grid: Sequence[int]) -> CellGrid:
    """``rows x columns`` cells of equal size; the few pixels that remain at the bottom and right are in no cell.

    Args:
        shape: Height and width of the picture.
        grid: Rows and columns.

    Raises:
        MMFanError: The picture has fewer pixels than cells along a side.

    >>> equal_grid((33, 50), (2, 4)).cell
    (16, 12)
    """
    if isinstance(grid, str) or len(grid) != 2:
        raise MMFanError(f"Expected a grid as (rows, columns), got {grid!r}.")
    rows, columns = whole_number("rows", grid[0], 1), whole_number("columns", grid[1], 1)
    height, width = shape
    if rows > height or columns > width:
        raise MMFanError(f"A picture of {height} x {width} pixels (H x W) has no grid of {rows} x {columns} cells.")
    return CellGrid(rows, columns, (height // rows, width // columns), (0, 0), (height, width))


def share_of(ratio: float, count: int) -> int:
    """``floor(ratio * count)``, exact where the product is a whole number.

    >>> share_of(0.3, 196), share_of(0.29, 100), share_of(1.0, 7)
    (58, 29, 7)
    """
    return math.floor(ratio * count + 1e-9)


def random_order(count: int, seed: int) -> NDArray[np.intp]:
    """The numbers 0 to ``count - 1`` in an order that the seed alone decides."""
    return np.argsort(words(stream_key(seed, 0), count), kind="stable")


def random_cells(grid: CellGrid, ratio: float, seed: int) -> NDArray[np.bool_]:
    """Choose exactly ``floor(ratio * N)`` of the N cells; (rows, columns), True where chosen."""
    chosen = np.zeros(grid.size, bool)
    chosen[random_order(grid.size, seed)[: share_of(ratio, grid.size)]] = True
    return chosen.reshape(grid.rows, grid.columns)


def heaviest_cells(mass: NDArray[np.float64], ratio: float, seed: int) -> NDArray[np.bool_]:
    """Choose the fewest cells that hold at least the share ``ratio`` of a mass.

    It is a quantile of mass and not of area: half of the mass may lie in a tenth of the cells. Among cells of equal
    mass the seed decides, so that no side of the picture is preferred.

    Args:
        mass: (rows, columns), not negative.
        ratio: 0 to 1; 1 chooses all cells that have mass.
        seed: 0 to 2**64 - 1.

    Returns:
        (rows, columns), True where chosen; nothing is chosen where there is no mass.
    """
    flat = mass.ravel().astype(np.float64)
    shuffled = random_order(flat.size, seed)
    order = shuffled[np.argsort(-flat[shuffled], kind="stable")]
    held = np.cumsum(flat[order])
    total = held[-1] if flat.size else 0.0
    chosen = np.zeros(flat.size, bool)
    if total > 0 and ratio > 0:
        needed = int(np.searchsorted(held, ratio * total * (1 - 1e-12))) + 1
        chosen[order[:needed]] = True
        chosen &= flat > 0
    return chosen.reshape(mass.shape)


def permute_cells(picture: NDArray, grid: CellGrid, order: NDArray[np.intp]) -> NDArray:
    """Put the cells of a picture (or of its label map) into another order.

    Args:
        picture: (H, W) or (H, W, C).
        grid: From :func:`equal_grid`; pixels in no cell stay where they are.
        order: Place ``i`` (row by row) gets cell ``order[i]``.

    Returns:
        A new array of the same shape.

    Raises:
        MMFanError: The picture is not of the grid's size.
    """
    if picture.shape[:2] != grid.shape:
        raise MMFanError(f"Expected a picture of {grid.shape} (H, W) for this grid, got {picture.shape[:2]}.")
    (height, width), depth = grid.cell, picture.shape[2:]
    inside = picture[: grid.rows * height, : grid.columns * width]
    # (rows, h, columns, w, ...) -> (cells, h, w, ...)
    cells = inside.reshape(grid.rows, height, grid.columns, width, *depth).swapaxes(1, 2)
    cells = cells.reshape(grid.size, height, width, *depth)[order]
    cells = cells.reshape(grid.rows, grid.columns, height, width, *depth).swapaxes(1, 2)
    result = picture.copy()
    result[: inside.shape[0], : inside.shape[1]] = cells.reshape(inside.shape)
    return result


def border_pixels(grid: CellGrid, margin: int) -> NDArray[np.bool_]:
    """Pixels nearer than ``margin`` to a border between cells, or in no cell; (H, W)."""
    lines = []
    for length, cell, count in zip(grid.shape, grid.cell, (grid.rows, grid.columns), strict=True):
        places = np.arange(length)
        from_line = places % cell
        near = (from_line < margin) & (places >= cell) | (from_line >= cell - margin) & (places < cell * (count - 1))
        lines.append(near | (places >= cell * count))
    return lines[0][:, None] | lines[1][None, :]
