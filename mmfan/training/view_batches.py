"""Batches with changed copies of their pictures, as :class:`mmfan.Views` makes them: taken apart, normalised, padded.

A data preprocessor of mmengine, mmsegmentation or mmdetection handles the copies as it handles pictures: one batch, the
pictures themselves first, then their first copies, then their second ones.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from mmfan.datasets.augmentations.views import Views
from mmfan.datasets.transforms.pipelines import walk
from mmfan.errors import ConfigError
from mmfan.utils.type_names import package_and_name

CHANNELS = 3
COPIES = "view_copies"  # in the metainfo of a sample: how many copies of its picture the batch holds


class Copies(NamedTuple):
    """The copies in a batch.

    Attributes:
        rows: Numbers of the pictures that have copies.
        each: Copies of each; 0 where none has any.
    """

    rows: tuple[int, ...]
    each: int


def copies_of(data_samples: Sequence[Any]) -> Copies:
    """What the samples of a batch say of copies.

    Raises:
        ConfigError: Their pictures have different numbers of copies.
    """
    counts = [int(sample.metainfo.get(COPIES, 0)) for sample in data_samples]
    rows = tuple(row for row, count in enumerate(counts) if count)
    different = {counts[row] for row in rows}
    if len(different) > 1:
        raise ConfigError(f"Expected one number of views for all pictures of a batch, got {sorted(different)} copies.")
    return Copies(rows, different.pop() if different else 0)


class TakesViews:
    """Mixed into the class of a data preprocessor: takes the copies apart in training."""

    def forward(self, data: Any, training: bool = False) -> Any:
        """As the preprocessor has it; the inputs hold ``B + copies`` pictures, the samples stay ``B``."""
        inputs = data.get("inputs") if isinstance(data, dict) else None
        if not training or not isinstance(inputs, (list, tuple)):
            return super().forward(data, training)  # type: ignore[misc]
        samples = list(data["data_samples"])
        counts = [_views_in(picture) for picture in inputs]
        pictures = [picture[:CHANNELS] for picture in inputs]
        owners = []
        for view in range(1, max(counts, default=1)):
            for row, count in enumerate(counts):
                if view < count:
                    pictures.append(inputs[row][CHANNELS * view : CHANNELS * (view + 1)])
                    owners.append(row)
        every = [*samples, *(copy.deepcopy(samples[row]) for row in owners)]
        made = super().forward({**data, "inputs": pictures, "data_samples": every}, training)  # type: ignore[misc]
        made["data_samples"] = made["data_samples"][: len(samples)]
        for sample, count in zip(made["data_samples"], counts, strict=True):
            sample.set_metainfo({COPIES: count - 1})
        return made


def _views_in(picture: Tensor) -> int:
    count, rest = divmod(picture.shape[0], CHANNELS)
    if rest or not count:
        raise ConfigError(
            f"Expected pictures of 3 channels, or of 3 times the views of mmfan.Views, got {picture.shape[0]} channels."
        )
    return count


def extend(module: nn.Module, mixin: type, prefix: str) -> nn.Module:
    """Give a module a class of its own, derived from a mixin and its class; its parts, names and weights stay.

    Args:
        module: Changed in place.
        mixin: Its methods come before those of the class.
        prefix: Of the name of the new class.
    """
    own = type(module)
    module.__class__ = type(f"{prefix}{own.__name__}", (mixin, own), {"__module__": own.__module__})
    return module


def take_views(model: nn.Module, whose: str) -> None:
    """Let the data preprocessor of a model take pictures with copies.

    Raises:
        ConfigError: It has none that makes a batch of pictures.
    """
    preprocessor = getattr(model, "data_preprocessor", None)
    # that of mmengine itself only moves what it gets to the device; those that make batches are derived from it
    if not isinstance(preprocessor, BaseDataPreprocessor) or type(preprocessor) is BaseDataPreprocessor:
        raise ConfigError(
            f"{whose} needs a `data_preprocessor` that makes a batch of pictures (SegDataPreProcessor, "
            f"DetDataPreprocessor), got {type(preprocessor).__name__}."
        )
    if not isinstance(preprocessor, TakesViews):
        extend(preprocessor, TakesViews, "Views")


def check_views(model: nn.Module, pipelines: Sequence[Any]) -> None:
    """Check that the pictures of a training have copies where the model learns from copies, and only there.

    Without the first the loss of consistency would be 0 to the end; without the second a batch has too many channels.

    Args:
        model: The model.
        pipelines: Those of the training, as built or as a config has them.

    Raises:
        ConfigError: One of the two is missing.
    """
    made = any(_makes_views(step) for step in walk(list(pipelines)))
    taken = isinstance(getattr(model, "data_preprocessor", None), TakesViews)
    if made and not taken:
        raise ConfigError(
            f"The pipeline of the training has mmfan.Views, but {type(model).__name__} takes plain pictures: set "
            "`model.type` to mmfan.ConsistencyWrapper or mmfan.TeacherWrapper and `model.of` to the type it has now, "
            "or take the step out."
        )
    if taken and not made:
        raise ConfigError(
            "The model learns from changed copies of the pictures, but no pipeline of the training makes any: put "
            "dict(type='mmfan.Views', steps=[dict(type='mmfan.AugMix')]) before the step that packs."
        )


def _makes_views(step: Any) -> bool:
    if isinstance(step, Mapping):
        return package_and_name(step.get("type")) in (("", "Views"), ("mmfan", "Views"))
    return isinstance(step, Views)
