"""Work of a condition while a cell is judged: what the drivers ask of it, and what they tell it. Free of torch.

A driver makes one :class:`Work` for each setting of a condition (a family) that has cells to be judged, and takes the
batches of these cells through it::

    work = kind.work_of(condition, situation)
    for cell in cells:
        work.begin(cell)  # the model is as it was trained, in evaluation mode
        for batch in batches:
            outputs = work.forward(step, batch)  # instead of step(batch)
        scores = work.end()  # the model is as it was trained again, bit for bit

In the OpenMMLab loop ``batch`` is what the dataloader gave: ``batch['inputs']`` a list of (3, H, W) uint8 tensors in
the channel order of the pipeline (BGR, as a rule), ``batch['data_samples']`` as many data samples, whose
``gt_sem_seg.data`` (1, H, W) or ``gt_instances`` is the truth. ``step(batch)`` is the model's ``test_step``: it takes
inputs of floats in 0..255 as well, normalises them, and returns data samples with ``pred_sem_seg`` and ``seg_logits``,
or ``pred_instances``. It runs without gradients unless the work turns them on (``torch.enable_grad()``), and in the
precision of the run; who needs float32 turns autocast off within itself.

In :func:`mmfan.judge` with a module of torch (:mod:`mmfan.adapters.torch_modules`) ``batch`` is a
:class:`PictureBatch`, and ``step(batch)`` returns the module's scores (N, C, H, W), differentiable by the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError

LOOP, FUNCTION = "loop", "function"


def is_a(model: Any, name: str) -> bool:
    """Whether a model is of a class of this name, or of one made from it: that of a package that may not be there."""
    return name in {kind.__name__ for kind in type(model).__mro__}


class NotToModelError(MMFanError):
    """A condition was asked of a model that it cannot be done to."""


@dataclass(frozen=True)
class Situation:
    """What a work is told of the run that it is part of.

    Attributes:
        model: The module of torch, on its device, without wrappers.
        driver: ``'loop'`` for OpenMMLab's loop, ``'function'`` for ``judge``: what a batch is, see the module's head.
        batch_size: Pictures in a batch; the last one of a cell may be smaller.
        seed: Base seed of the run, for draws of a work's own.
        ignore_index: Number of the label pixels that do not count; None where there are none.
        dataset: OpenMMLab's data set, for truth that its pipeline does not give; None in ``judge``.
        names: Path of a picture -> its name, in OpenMMLab's loop.
    """

    model: Any
    driver: str = LOOP
    batch_size: int = 1
    seed: int = 0
    ignore_index: int | None = None
    dataset: Any = None
    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, sample: Any) -> str:
        """The name of a data sample's picture, which draws of a work's own are derived from.

        Raises:
            NotToModelError: The sample does not say which picture it is of.
        """
        path = str(getattr(sample, "img_path", None))
        if path not in self.names:
            raise NotToModelError(
                f"A data sample does not say which picture it is of: its `img_path` is {path!r:.200}. Leave `img_path` "
                "among the `meta_keys` of the pipeline's last step."
            )
        return self.names[path]


@dataclass
class PictureBatch:
    """Pictures as ``judge`` has them, for a work that changes them.

    Attributes:
        pixels: (N, 3, H, W) float32 tensor on the module's device, RGB in 0..1, before anything is normalised.
        truth: As many (H, W) uint8 arrays of the module's class numbers; empty where the truth is no label map.
        names: Names of the pictures.
        padded: Height and width that scores of the module are of, before its padding goes; None for those of the
            pictures.
        padded_size: The same of pictures in another size, a function of their height and width; None where nothing is
            padded.
    """

    pixels: Any
    truth: Sequence[Any] = field(default_factory=tuple)
    names: Sequence[str] = field(default_factory=tuple)
    padded: tuple[int, int] | None = None
    padded_size: Callable[[Sequence[int]], tuple[int, int]] | None = None


class Work:
    """The work of a condition that does nothing; the base of those that do something.

    Args:
        situation: What it is done in.
    """

    def __init__(self, situation: Situation) -> None:
        self.situation = situation

    def begin(self, cell: Cell) -> None:
        """Told the cell before its first batch: its strength is ``cell.condition.strength``."""

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take a batch through the model; returns what ``step`` returns."""
        return step(batch)

    def counted(self, truth: Any, name: str) -> Any:
        """The label map that scores of the cell are of, in ``judge``: itself, unless the work leaves pixels out.

        In the OpenMMLab loop a work leaves pixels out in the samples that it gives to ``step``.

        Args:
            truth: (H, W) uint8 in the class numbers of the data, not to be written on.
            name: Of the picture.
        """
        return truth

    def given(self, of: Any, picture: Any) -> Any:
        """What the model was given of a picture of the last batch, to be shown: itself, unless the work changes it.

        Args:
            of: The data sample, in OpenMMLab's loop; the name of the picture, in ``judge``.
            picture: (H, W, 3) uint8, as it was loaded and corrupted: BGR in the loop, RGB in ``judge``.

        Returns:
            In the same form.
        """
        return picture

    def end(self) -> dict[str, float]:
        """Give the model back as it was; called after the last batch, and where one failed.

        Returns:
            Scores of the condition's own, fractions by name, which stand in the record beside those of the metric.
        """
        return {}
