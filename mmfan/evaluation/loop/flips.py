"""Flips in OpenMMLab's loop: the label maps in data samples, and the sums of several processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dist import all_gather_object

from mmfan.errors import MMFanError
from mmfan.evaluation.judging.flip_counter import FlipCounter
from mmfan.evaluation.loop.loading.stream import SampleNote
from mmfan.evaluation.metrics.flips import Flips, sum_of


class LoopFlips(FlipCounter):
    """Counts flips of what segmentors of OpenMMLab predict; see :class:`FlipCounter`."""

    def take(self, notes: Sequence[SampleNote], samples: Sequence[Any]) -> None:
        """Take in the predictions of a batch.

        Raises:
            MMFanError: They are no label maps.
        """
        for note, sample in zip(notes, samples, strict=True):
            labels = getattr(getattr(sample, "pred_sem_seg", None), "data", None)
            if labels is None:
                raise MMFanError(
                    "Flips are counted of the label maps of segmentors, and this model's predictions have no "
                    "`pred_sem_seg`: leave `flips` out."
                )
            self.add(note.picture, labels.squeeze(0).cpu().numpy())

    def of_all(self) -> Flips | None:
        """The flips of the cell in all processes together; collective."""
        parts = [one for one in all_gather_object(self.end()) if one is not None]
        return sum_of(parts) if parts else None
