"""Changes of pictures that read the truth, in the processes that load them. Free of torch.

A corruption knows a picture and a seed. What a condition of such a kind does to a picture depends on its label map too,
and perhaps on other pictures with theirs: the segments that textures are taken from. It needs nothing of the model, so
that it is done for bare functions too, and runs where pictures are loaded and corrupted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.corruptions.draws import below
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.kinds import get_kind, kind_of


class NoLabelMapError(MMFanError):
    """A condition reads label maps, and the data have none."""


class Labelled(NamedTuple):
    """A picture with its truth.

    Attributes:
        picture: (H, W, 3) RGB, uint8.
        labels: (H, W) uint8 class numbers.
    """

    picture: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class Changed(NamedTuple):
    """A changed picture.

    Attributes:
        picture: (H, W, 3) RGB, uint8.
        textures: (H, W) uint8: the class whose texture a pixel has now, 255 where it has its own; None where no
            textures were swapped.
    """

    picture: NDArray[np.uint8]
    textures: NDArray[np.uint8] | None = None


class Change(ABC):
    """What a condition does to a picture; the base of those that do something.

    Args:
        condition: The condition.
        ignore_index: Number of label pixels that do not count.

    Attributes:
        others: How many other pictures it may ask for.
    """

    others = 0

    def __init__(self, condition: Condition, ignore_index: int) -> None:
        self.condition, self.ignore_index = condition, ignore_index

    def seed_of(self, base_seed: int, name: str) -> int:
        """The seed of a picture; conditions that are to make the same draws may have one in common."""
        return picture_seed(base_seed, name, self.condition.name, 1)

    @abstractmethod
    def __call__(self, own: Labelled, seed: int, others: Iterable[Labelled]) -> Changed:
        """Change a picture.

        Args:
            own: It, not to be written on.
            seed: From :meth:`seed_of`.
            others: Those of :class:`Others`, each loaded when it is asked for.

        Returns:
            A picture of its size, uint8.
        """


def change_of(cell: Cell, ignore_index: int | None) -> Change | None:
    """What a cell does to pictures by their truth; None for cells that do nothing of the kind."""
    condition = cell.condition
    if condition is None or not kind_of(cell).change:
        return None
    made: Change = get_kind(condition.kind).change_of(condition, 255 if ignore_index is None else ignore_index)
    return made


class Others:
    """Which other pictures a picture may take something from, whatever their order.

    Args:
        names: Of all pictures judged, each once.

    >>> Others(["c", "a", "b"]).of(0, 5, 4) in ([1, 2], [2, 1])
    True
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._order = sorted(range(len(names)), key=lambda at: names[at])
        self._rank = {place: rank for rank, place in enumerate(self._order)}

    def of(self, place: int, seed: int, count: int) -> list[int]:
        """The places of others: the first is drawn from the seed, those behind it follow in the order of the names.

        Args:
            place: Of the picture itself.
            seed: Of the picture.
            count: How many are wanted, at most.
        """
        size, left = len(self._order), len(self._order) - 1
        if count < 1 or left < 1:
            return []
        own, first = self._rank[place], below(seed, 1, left)
        return [self._order[(own + 1 + (first + step) % left) % size] for step in range(min(count, left))]


def changed_by_truth(cells: Iterable[Cell]) -> list[Cell]:
    """The cells that do something to pictures by their truth."""
    return [cell for cell in cells if change_of(cell, None) is not None]


def refuse_without_labels(cells: Iterable[Cell], has_labels: bool, told: str) -> None:
    """See that no cell reads label maps that are not there.

    Args:
        cells: All that are wanted.
        has_labels: Whether the data have label maps.
        told: What the data are.

    Raises:
        NoLabelMapError: One does.
    """
    conditions = [cell.condition for cell in changed_by_truth(cells) if cell.condition is not None]
    asked = list(dict.fromkeys(condition.name for condition in conditions))
    if asked and not has_labels:
        raise NoLabelMapError(
            f"{', '.join(asked)} cannot be done to {told}: it is done within the segments of a label map, which "
            "pictures with objects or classes have not. Judge a segmentor, on pictures with label maps; the shape bias "
            "of a classifier is measured by `mmfan judge --classifier MODEL --cue-conflict DIR`."
        )


def apply_change(change: Change, own: Labelled, seed: int, others: Iterable[Labelled]) -> Changed:
    """Change a picture, and see that what comes back is one of its size.

    Args:
        change: What is done to it.
        own: It and its truth.
        seed: From :meth:`Change.seed_of`.
        others: Those of :class:`Others`.

    Raises:
        MMFanError: It is not.
    """
    found = change(own, seed, others)
    picture: Any = found.picture
    if picture.dtype != np.uint8 or picture.shape != own.picture.shape:
        raise MMFanError(f"{change.condition} made {picture.dtype} {picture.shape} of {own.picture.shape}, uint8.")
    return found
