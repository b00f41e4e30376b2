"""Decisions by shape and by texture in OpenMMLab's loop: label maps in data samples, sums of all processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.loop.loading.stream import SampleNote
from mmfan.evaluation.metrics.dense_shape_bias import count_cues


class CueDecisions:
    """Counts the decisions of segmentors of OpenMMLab where textures were swapped.

    Args:
        classes: Names of the classes.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._counts: list[NDArray[np.int64]] = []

    def take(self, notes: Sequence[SampleNote], samples: Sequence[Any]) -> None:
        """Take in the predictions of a batch.

        Raises:
            MMFanError: They are no label maps, or of another size than the pictures.
        """
        for note, sample in zip(notes, samples, strict=True):
            if note.textures is None:
                continue
            said, truth = (getattr(getattr(sample, key, None), "data", None) for key in ("pred_sem_seg", "gt_sem_seg"))
            if said is None or truth is None:
                raise MMFanError(
                    "The shape bias is of the label maps of segmentors, and a data sample lacks `pred_sem_seg` or "
                    "`gt_sem_seg`: judge a segmentor whose test pipeline loads labels."
                )
            found, wanted = (one.squeeze(0).cpu().numpy() for one in (said, truth))
            self._counts.append(count_cues(found, wanted, note.textures, len(self.classes)))

    def of_all(self) -> list[NDArray[np.int64]]:
        """The counts of the cell in all processes together, and a new beginning; collective."""
        own = [np.sum(self._counts, axis=0)] if self._counts else []
        self._counts = []
        return [one for part in all_gather_object(own) for one in part]
