"""Classes of a model beside those of the data: which number of the one is which of the other, by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.function.sources.sources import Data, SegmentationData
from mmfan.utils.checks import list_of
from mmfan.utils.text import counted, did_you_mean, shortlist
from mmfan.visualization.coco_results import Detections

Names = Sequence[str] | Mapping[int, str]
NOTHING = -1  # the place of a class that the data do not have


class ClassFit:
    """Turns the class numbers of a model into places in the classes of the data.

    Names are the same whatever their case, ``_``, ``-`` and blanks. Every class of the data must be one of the model.
    What the model calls by another name is no class of the data: objects of it are left out, pixels of it count as
    ``ignore_index``, with which a model says nothing, so that a pixel of the data's classes is missed there.

    Args:
        data: What the model is judged on, or the names of its classes.
        classes: Names of the model's classes, in the order of their numbers, or number -> name; None where its numbers
            are the places in the data's classes already.
        rename: Name of the model's -> name of the data's, where they differ. Several may become one.

    Raises:
        MMFanError: Classes of the data are not among the model's, or ``rename`` names what is not there.
    """

    def __init__(
        self, data: Data | Sequence[str], classes: Names | None = None, rename: Mapping[str, str] | None = None
    ) -> None:
        self.wanted = data.classes if isinstance(data, Data) else tuple(list_of(str, "data", data))
        self.ignore_index = data.ignore_index if isinstance(data, SegmentationData) else 255
        if classes is None:
            if rename:
                raise MMFanError("`rename` needs `classes`, the names of the model's classes.")
            self.count: int = len(self.wanted)
            self._place: NDArray[np.int64] | None = None
            return
        names = _numbered(classes)
        self.count = max(names) + 1
        self._place = np.full(self.count, NOTHING, np.int64)
        for number, place in _places(names, self.wanted, rename or {}).items():
            self._place[number] = place

    def check_channels(self, count: int) -> None:
        """See that a model has as many scores a pixel as it has classes.

        Raises:
            MMFanError: It has another number.
        """
        if count == self.count:
            return
        advice = "" if self._place is not None else " Name the model's own by `classes`, in the order of its channels."
        if count == 1:
            advice = " Of one channel, the probability of one class, give class numbers: (p > 0.5)."
        raise MMFanError(f"Expected scores of {counted(self.count, 'class', 'classes')}, got {count} channels.{advice}")

    def labels(self, labels: NDArray[Any]) -> NDArray[np.integer]:
        """A label map of the model's numbers, (H, W) integers, as one of the data's.

        Raises:
            MMFanError: It holds a number that is no class of the model, other than the data's ``ignore_index``.
        """
        if self._place is None:
            return labels
        told = (labels >= 0) & (labels < self.count)
        if not told.all():
            others = [str(number) for number in np.unique(labels[~told]) if number != self.ignore_index]
            if others:
                raise MMFanError(
                    f"Expected class numbers of the model from 0 to {self.count - 1}, got {shortlist(others)}."
                )
        places = self._place[np.where(told, labels, 0)]
        said = told & (places != NOTHING)
        if said.all():
            return places
        if self.ignore_index < len(self.wanted):
            raise MMFanError(
                f"The model sees classes that the data do not have, and `ignore_index` ({self.ignore_index}), which "
                "would stand for them, is a class: give data with an `ignore_index` of their own."
            )
        return np.where(said, places, self.ignore_index)

    def own_labels(self, labels: NDArray[Any]) -> NDArray[Any]:
        """A label map of the data as one of the model's numbers, the lowest where several are one class of the data.

        ``ignore_index`` stays.
        """
        if self._place is None:
            return labels
        numbers = np.full(len(self.wanted), NOTHING, np.int64)
        for number in reversed(np.flatnonzero(self._place != NOTHING)):
            numbers[self._place[number]] = number
        told = labels < len(self.wanted)
        return np.where(told & (labels != self.ignore_index), numbers[np.where(told, labels, 0)], self.ignore_index)

    def objects(self, found: Detections) -> Detections:
        """Objects of the model's classes as objects of the data's; the others are left out.

        Raises:
            MMFanError: One has a number that is no class of the model.
        """
        if self._place is None or not len(found.labels):
            return found
        low, high = int(found.labels.min()), int(found.labels.max())
        if low < 0 or high >= self.count:
            raise MMFanError(f"Expected class numbers of the model from 0 to {self.count - 1}, got {low} to {high}.")
        places = self._place[found.labels]
        kept = places != NOTHING
        masks = None if found.masks is None else found.masks[kept]
        return Detections(found.boxes[kept], found.scores[kept], places[kept], masks)


def _numbered(classes: Names) -> dict[int, str]:
    if isinstance(classes, Mapping):
        pairs = {int(number): name for number, name in classes.items()}
    else:
        pairs = dict(enumerate(list_of(str, "classes", classes)))
    wrong = [name for name in pairs.values() if not isinstance(name, str)]
    if wrong or not pairs or min(pairs) < 0:
        raise WrongTypeError(f"Expected `classes` to be names, or number -> name from 0 on, got {classes!r:.80}.")
    return pairs


def plain_name(name: str) -> str:
    """The name of a class without what makes no difference: its case, ``_``, ``-`` and more blanks than one.

    >>> plain_name("Traffic_Light"), plain_name(" traffic-light")
    ('traffic light', 'traffic light')
    """
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _places(names: Mapping[int, str], wanted: Sequence[str], rename: Mapping[str, str]) -> dict[int, int]:
    """Number of the model's -> place in the data's, for those that both have."""
    there, places = (
        {plain_name(name) for name in names.values()},
        {plain_name(name): at for at, name in enumerate(wanted)},
    )
    for own, other in rename.items():
        if plain_name(own) not in there:
            raise MMFanError(f"`rename` names {own!r}, no class of the model.{did_you_mean(own, names.values())}")
        if plain_name(other) not in places:
            raise MMFanError(f"`rename` makes {own!r} {other!r}, no class of the data.{did_you_mean(other, wanted)}")
    renamed = {plain_name(own): plain_name(other) for own, other in rename.items()}
    found = {}
    for number, name in names.items():
        plain = renamed.get(plain_name(name), plain_name(name))
        if plain in places:
            found[number] = places[plain]
    missing = [name for at, name in enumerate(wanted) if at not in found.values()]
    if missing:
        raise MMFanError(
            f"{counted(len(missing), 'class', 'classes')} of {len(wanted)} in the data, {shortlist(missing, 20)}, "
            f"not among those of the model: {shortlist(list(dict.fromkeys(names.values())), 20)}. Say by `rename` what "
            "the model calls them, or judge on data of the others."
        )
    return found
