"""Truth of pictures that a detector is attacked with: objects in the frame of what the model is given.

Test pipelines of mmdetection load objects after they resize the picture, in the frame of the picture before, or do not
load them: so they are taken from the data set itself.
"""

from __future__ import annotations

from typing import Any

import torch

from mmfan.evaluation.conditions.attack.frames import within_padding
from mmfan.evaluation.conditions.work import NotToModelError, Situation, is_a

MASKED = ("RTMDetInsHead", "MaskFormerHead")  # heads that learn from masks in detectors that do not say so


class DetectorTruth:
    """The objects of a data set, for the losses of a detector.

    Args:
        situation: With the data set and the detector.

    Raises:
        NotToModelError: There is no data set to ask.
    """

    def __init__(self, situation: Situation) -> None:
        from mmengine.registry import TRANSFORMS

        if situation.dataset is None:
            raise NotToModelError("An attack on a detector needs its data set, for the objects.")
        self.dataset = situation.dataset
        self.masks = _learns_masks(situation.model)
        self._load = TRANSFORMS.build(
            {"type": "mmdet.LoadAnnotations", "with_bbox": True, "with_mask": self.masks, "box_type": None}
        )
        self._place = {self.dataset.get_data_info(number)["img_path"]: number for number in range(len(self.dataset))}

    def sample(self, sample: Any) -> Any:
        """A copy of a data sample with the objects in the frame of the model's input, and without those to ignore.

        Raises:
            NotToModelError: The pipeline does more than to resize and pad the picture.
        """
        from mmengine.structures import InstanceData

        meta = sample.metainfo
        size: tuple[int, int] = tuple(meta["img_shape"][:2])
        part = within_padding(size, meta)
        if meta.get("flip") or part is None:
            raise NotToModelError(
                "An attack on a detector needs a test pipeline that does not flip or crop the picture: the model gets "
                f"{size} (rows x columns) of {tuple(meta['ori_shape'][:2])}, `scale_factor` "
                f"{meta.get('scale_factor')}, flipped: {bool(meta.get('flip'))}."
            )
        info = self.dataset.get_data_info(self._place[sample.img_path])
        loaded = self._load({**info, "img_shape": meta["ori_shape"], "ori_shape": meta["ori_shape"]})
        wide, tall = meta.get("scale_factor", (1.0, 1.0))[:2]
        counted = torch.as_tensor(~loaded["gt_ignore_flags"])
        boxes = torch.as_tensor(loaded["gt_bboxes"], dtype=torch.float32).reshape(-1, 4)
        objects = InstanceData()
        objects.bboxes = (boxes * boxes.new_tensor([wide, tall, wide, tall]))[counted]
        objects.labels = torch.as_tensor(loaded["gt_bboxes_labels"], dtype=torch.long)[counted]
        if self.masks:
            objects.masks = loaded["gt_masks"].resize(part).pad(size)[counted.numpy()]
        found = sample.clone()
        found.gt_instances = objects
        return found


def _learns_masks(model: Any) -> bool:
    """Whether a detector's losses need masks."""
    heads = (is_a(module, name) for module in model.modules() for name in MASKED)
    return bool(getattr(model, "with_mask", False)) or any(heads)
