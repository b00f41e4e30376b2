"""Shape bias of a classifier on cue-conflict pictures: the shape of one class with the texture of another.

As Geirhos et al. measure it (arXiv 1811.12231, and the toolbox of arXiv 2106.07411): the probabilities of ImageNet's
1000 classes become those of 16 groups, each the *mean* of its members' (a sum would favour the dogs, which are 109);
the highest of the 16 is the decision. Pictures whose shape and texture are of one class do not count. Of the decisions
that are the shape's or the texture's class, the shape bias is the share of the shape's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.utils.text import counted, shortlist

# Shape bias, as published with the pictures, with the toolbox, and in arXiv 2105.10497; that of people at second hand.
PUBLISHED_SHAPE_BIAS = {
    "people (about)": 0.96,
    "ResNet-50": 0.214,
    "ResNet-50 trained on stylised ImageNet": 0.814,
    "ResNet-50 trained on both": 0.347,
    "AlexNet of torchvision": 0.253,
    "VGG-16 of torchvision": 0.092,
    "DeiT-T trained on stylised ImageNet": 0.87,
    "DeiT-S trained on stylised ImageNet": 0.93,
}
FILE = "sixteen_classes.json"
_NAME = re.compile(r"([a-z]+)(\d+)-([a-z]+)(\d+)")
_APART = 1e-3  # by which a sum of probabilities may miss 1


@cache
def sixteen_groups() -> Mapping[str, tuple[int, ...]]:
    """The 16 groups, in alphabetical order, with the numbers of their members among ImageNet's 1000 classes."""
    content = json.loads(files("mmfan.evaluation.metrics").joinpath(FILE).read_text(encoding="utf-8"))
    return {name: tuple(members) for name, members in content.items()}


class Cues(NamedTuple):
    """The classes of a picture's cues."""

    shape: str
    texture: str


def cues_of(path: str) -> Cues:
    """The cues of a picture by its folder and file name: ``cat/cat7-elephant1.png``.

    Raises:
        MMFanError: The name is of another form, names no group, or its shape is not that of the folder.

    >>> cues_of("cat/cat7-elephant1.png")
    Cues(shape='cat', texture='elephant')
    """
    place = PurePath(path)
    found = _NAME.fullmatch(place.stem)
    if found is None:
        raise MMFanError(f"Expected the name of a cue-conflict picture like cat/cat7-elephant1.png, got {path!r}.")
    cues = Cues(found.group(1), found.group(3))
    strange = [name for name in cues if name not in sixteen_groups()]
    if strange:
        raise MMFanError(f"{path!r} names {strange[0]!r}, none of the 16 groups: {', '.join(sixteen_groups())}.")
    if place.parent.name != cues.shape:
        raise MMFanError(f"{path!r} lies in the folder {place.parent.name!r} and names the shape {cues.shape!r}.")
    return cues


def probabilities_of(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities from logits, (K,); what are probabilities already stays: no number below 0, and 1 in sum.

    Raises:
        MMFanError: A number is NaN or infinite; minus infinity may stand for a class that is ruled out.
    """
    values = np.asarray(scores, np.float64)
    if not np.isfinite(values.max()):  # NaN comes through, too
        raise MMFanError("The scores hold numbers that are not finite (NaN or infinite).")
    if values.min() >= 0 and abs(values.sum() - 1) < _APART:
        return values
    grown = np.exp(values - values.max())
    return np.asarray(grown / grown.sum())


def decide(scores: NDArray[np.floating], groups: Mapping[str, Sequence[int]] | None = None) -> str:
    """The group that a classifier decides for: that of the highest mean of its members' probabilities.

    Args:
        scores: (1000,) logits or probabilities in the order of ImageNet's classes.
        groups: Name -> its members; the 16 by default. Classes in none are left out after the softmax.

    Raises:
        MMFanError: There are fewer scores than the groups name classes.
    """
    wanted = sixteen_groups() if groups is None else groups
    last = max(max(members) for members in wanted.values())
    if np.ndim(scores) != 1 or len(scores) <= last or (groups is None and len(scores) != 1000):
        raise MMFanError(
            f"Expected the scores of ImageNet's 1000 classes, (1000,), which the groups are made of, got the shape "
            f"{np.shape(scores)}: the shape bias is asked of models of these classes alone."
        )
    probabilities = probabilities_of(scores)
    return max(wanted, key=lambda name: float(probabilities[list(wanted[name])].mean()))


@dataclass(frozen=True)
class ShapeBias:
    """What a classifier went by; counts of pictures, and fractions.

    Attributes:
        shape: Decisions that are the shape's class.
        texture: Decisions that are the texture's class.
        neither: The others.
        excluded: Pictures that do not count, because their shape and texture are of one class.
        by_class: Class of the shape -> its shape bias; None where no decision was one of the two.
    """

    shape: int
    texture: int
    neither: int
    excluded: int
    by_class: dict[str, float | None]

    @property
    def pictures(self) -> int:
        """How many pictures count."""
        return self.shape + self.texture + self.neither

    @property
    def bias(self) -> float | None:
        """Shape decisions over shape and texture decisions, all pictures pooled; None without any."""
        return self.shape / (self.shape + self.texture) if self.shape + self.texture else None

    @property
    def mean_of_classes(self) -> float | None:
        """Mean of :attr:`by_class` over the classes that have one."""
        there = [bias for bias in self.by_class.values() if bias is not None]
        return sum(there) / len(there) if there else None

    @property
    def share_neither(self) -> float:
        """Share of the pictures whose decision is neither: where it is high, the bias is over few decisions."""
        return self.neither / self.pictures if self.pictures else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        return {
            **vars(self), "pictures": self.pictures, "shape_bias": self.bias,
            "shape_bias_mean_of_classes": self.mean_of_classes, "share_neither": self.share_neither,
        }  # fmt: skip

    def __str__(self) -> str:
        bias = "none" if self.bias is None else f"{self.bias:.3f}"
        of_classes = "none" if self.mean_of_classes is None else f"{self.mean_of_classes:.3f}"
        return (
            f"shape bias {bias} (mean of classes {of_classes}), neither {self.share_neither:.3f}: {self.shape} by "
            f"shape, {self.texture} by texture, {self.neither} by neither, of {counted(self.pictures, 'picture')}"
        )


def shape_bias(cues: Iterable[Cues], decisions: Iterable[str]) -> ShapeBias:
    """What a classifier went by, from its decisions.

    Args:
        cues: Of each picture.
        decisions: Of each picture; see :func:`decide`.

    Raises:
        MMFanError: There is no picture whose cues differ, or a decision for what is no group.
    """
    pairs = list(zip(cues, decisions, strict=True))
    strange = sorted({decision for _, decision in pairs} - set(sixteen_groups()))
    if strange:
        raise MMFanError(f"Expected decisions for the 16 groups, got {shortlist(strange)}.")
    counted_ones = [(own, decision) for own, decision in pairs if own.shape != own.texture]
    if not counted_ones:
        raise MMFanError("There is no picture whose shape and texture are of different classes.")
    hits = {name: [0, 0] for name in sorted({own.shape for own, _ in counted_ones})}
    for own, decision in counted_ones:
        hits[own.shape][0] += decision == own.shape
        hits[own.shape][1] += decision == own.texture
    shape, texture = (sum(one[at] for one in hits.values()) for at in (0, 1))
    return ShapeBias(
        shape,
        texture,
        len(counted_ones) - shape - texture,
        len(pairs) - len(counted_ones),
        {name: one[0] / sum(one) if sum(one) else None for name, one in hits.items()},
    )
