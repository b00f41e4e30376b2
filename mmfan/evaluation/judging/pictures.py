"""Choice of the pictures that are judged and of the cells that are tried, and the check of names."""

from __future__ import annotations

from collections.abc import Sequence

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.change import changed_by_truth


def spread(count: int, limit: int | None) -> list[int]:
    """Numbers of ``limit`` of ``count`` pictures, spread evenly over the set.

    >>> spread(10, 3), spread(3, None), spread(2, 5)
    ([1, 5, 8], [0, 1, 2], [0, 1])
    """
    if limit is None or limit >= count:
        return list(range(count))
    return [(2 * place + 1) * count // (2 * limit) for place in range(limit)]


def check_names(paths: Sequence[str], names: Sequence[str], cure: str) -> None:
    """See that different pictures have different names, which their seeds are derived from.

    Args:
        paths: Of the pictures.
        names: Theirs.
        cure: What to do, to be read after a colon.

    Raises:
        MMFanError: Two pictures have one name.
    """
    owner: dict[str, str] = {}
    for path, name in zip(paths, names, strict=True):
        if owner.setdefault(name, path) != path:
            raise MMFanError(
                f"The pictures {owner[name]} and {path} have one name, {name!r}, and would be corrupted alike: {cure}."
            )


def highest_cells(cells: Sequence[Cell]) -> list[int]:
    """Numbers of the cells of the highest severity of each type, and of those that change pictures by their truth.

    >>> highest_cells([Cell("clean", 0), Cell("fog", 3), Cell("fog", 1), Cell("snow", 2)])
    [1, 3]
    """
    highest: dict[str, int] = {}
    for number, cell in enumerate(one.pictures for one in cells):
        if cell != CLEAN and cell.severity > cells[highest.setdefault(cell.corruption, number)].pictures.severity:
            highest[cell.corruption] = number
    changed = changed_by_truth(cells)
    return [*highest.values(), *(number for number, cell in enumerate(cells) if cell in changed)]
