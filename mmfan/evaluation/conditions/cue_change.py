"""Changes of cues: what each does to a picture. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from mmfan.corruptions import picture_seed
from mmfan.datasets.cues import (
    colour_only,
    grey_edges,
    remove_shape,
    remove_texture,
    smooth_texture,
    swap_textures,
    textures_of,
)
from mmfan.evaluation.conditions.change import Change, Changed, Labelled
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.cue_settings import SWAPS

DONORS = 4  # pictures that a picture may take textures from: nearly always the first has what is needed


class Removal(Change):
    """A cue taken away."""

    def __call__(self, own: Labelled, seed: int, others: Iterable[Labelled]) -> Changed:
        """Change a picture."""
        settings = self.condition.settings
        removals: dict[str, Callable[[], np.ndarray]] = {
            "texture_remove": lambda: remove_texture(*own),
            "texture_smooth": lambda: smooth_texture(own.picture),
            "shape_remove": lambda: remove_shape(*own, seed, settings["block"]),
            "grey_edges": lambda: grey_edges(own.picture),
            "colour_only": lambda: colour_only(own.picture, settings["sigma"]),
        }
        return Changed(removals[self.condition.name]())


class Swap(Change):
    """Textures swapped with those of another picture; with both contexts alike, but for the context."""

    others = DONORS

    def seed_of(self, base_seed: int, name: str) -> int:
        """The seed of a picture, the same with both contexts."""
        return picture_seed(base_seed, name, SWAPS[0], 1)

    def __call__(self, own: Labelled, seed: int, others: Iterable[Labelled]) -> Changed:
        """Change a picture."""
        settings = self.condition.settings
        donors = (textures_of(*other, ignore_index=self.ignore_index) for other in others)
        found = swap_textures(
            *own, donors, seed, area=settings["area"], colour=settings["colour"],
            context="grey" if self.condition.name.endswith("_grey") else "keep", ignore_index=self.ignore_index,
        )  # fmt: skip
        return Changed(*found)


def change_of(condition: Condition, ignore_index: int) -> Change:
    """What a condition of cues does."""
    return (Swap if condition.name in SWAPS else Removal)(condition, ignore_index)
