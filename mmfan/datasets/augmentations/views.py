"""``Views``, a pipeline step: a picture and changed copies of it, for losses that compare the predictions on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, Compose
from numpy.typing import NDArray

from mmfan.datasets.augmentations.overlaps import check_still, overlap_of
from mmfan.datasets.augmentations.steps import fraction, happens, picture_of
from mmfan.errors import MMFanError
from mmfan.registry import TRANSFORMS
from mmfan.utils.checks import whole_number

CHANNELS = 3
LABELS = "gt_"  # how their keys begin
MOST = 8


@TRANSFORMS.register_module()
class Views(BaseTransform):
    """Put changed copies of a picture behind it, channel by channel; the last step before packing.

    The copies share the labels, so the steps must leave everything in its place. Only a model in
    :class:`mmfan.ConsistencyWrapper` or :class:`mmfan.TeacherWrapper` takes such pictures::

        dict(type="mmfan.Views", views=3, steps=[dict(type="mmfan.AugMix")])

    Required Keys:

    - img (np.ndarray): (H, W, 3) BGR.

    Modified Keys:

    - img (np.ndarray): (H, W, 3 * views), the picture itself first; of a picture that gets no copies (H, W, 3).

    Args:
        views: Number of pictures, the clean one counted, 2 to 8.
        steps: Configs of the steps that make a copy.
        prob: Probability that a picture gets copies: the share of the batch that the second loss is taken over, which
            is what it costs.

    Attributes:
        overlaps: Names of the test corruptions that the steps overlap.

    Raises:
        MMFanError: An argument is out of range, or a step moves or loads pictures; or, at work, a step moved the
            picture or changed its labels.
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]], views: int = 3, prob: float = 1.0) -> None:
        listed = isinstance(steps, (list, tuple)) and steps
        if not listed or not all(callable(one) or (isinstance(one, Mapping) and "type" in one) for one in steps):
            raise MMFanError(f"Expected `steps` to be a list of configs, got {steps!r:.80}.")
        self.views = whole_number("views", views, 2)
        if self.views > MOST:
            raise MMFanError(f"Expected at most {MOST} views, got {views}.")
        self.prob = fraction("prob", prob)
        self.steps = Compose(list(steps))
        self.overlaps = frozenset(overlap_of(self.steps).types)
        self._unknown = overlap_of(self.steps).unknown
        if self._unknown:
            raise MMFanError(
                f"Nobody has said which corruptions {', '.join(self._unknown)} overlaps: give its class `overlaps`."
            )
        check_still("mmfan.Views", self.steps)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Put the copies into ``results['img']``."""
        image = picture_of(results, self)
        if not happens(self.prob):
            return results
        copies = [image]
        labels = {
            key: value.copy()
            for key, value in results.items()
            if isinstance(value, np.ndarray) and key.startswith(LABELS)
        }
        for _ in range(1, self.views):
            changed = self.steps({**results, "img": image.copy()})
            self._check(results, changed, labels)
            copies.append(changed["img"])
        results["img"] = np.concatenate(copies, axis=2)
        return results

    def _check(
        self, results: dict[str, Any], changed: dict[str, Any] | None, labels: Mapping[str, NDArray[Any]]
    ) -> None:
        if changed is None or changed["img"].shape != results["img"].shape:
            raise MMFanError("A step of mmfan.Views changed the size of the picture or dropped it.")
        moved = [key for key in results if key.startswith(LABELS) and changed.get(key) is not results[key]]
        moved += [
            key for key, before in labels.items() if key not in moved and not np.array_equal(results[key], before)
        ]
        if moved:
            raise MMFanError(f"A step of mmfan.Views changed {', '.join(moved)}, which all copies share.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(views={self.views}, steps={self.steps.transforms}, prob={self.prob})"
