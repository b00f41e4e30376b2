"""A detector that peeks at the truth and errs by as much as the picture's own pixels say: scores without a training."""

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModel
from mmengine.structures import InstanceData

PEEKING = """
custom_imports = dict(imports=["helpers.peeking_detector"])
model = dict(
    _delete_=True,
    type="mmdet.PeekingDetector",
    data_preprocessor=dict(type="mmdet.DetDataPreprocessor", bgr_to_rgb=True),
)
"""


@MODELS.register_module(force=True)  # the doctests of this folder import it a second time
class PeekingDetector(BaseModel):
    """Boxes and masks of the truth, shifted by pixels drawn from a seed that is the sum of the picture's pixels."""

    def __init__(self, data_preprocessor):
        super().__init__(data_preprocessor=data_preprocessor)
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, data_samples=None, mode="tensor"):
        """Predict; nothing else is asked of it."""
        for picture, sample in zip(inputs, data_samples, strict=True):
            generator = torch.Generator().manual_seed(int(picture.double().sum()))
            truth = sample.gt_instances
            count = len(truth)
            shifts = torch.randint(-2, 3, (count, 2), generator=generator)
            boxes = getattr(truth.bboxes, "tensor", truth.bboxes) + shifts.repeat(1, 2)
            masks = torch.tensor(truth.masks.to_ndarray()).bool().reshape(count, *sample.ori_shape)
            shifted = [
                mask.roll((int(down), int(right)), (0, 1)) for mask, (right, down) in zip(masks, shifts, strict=True)
            ]
            sample.pred_instances = InstanceData(
                bboxes=boxes,
                labels=truth.labels,
                scores=torch.rand(count, generator=generator),
                masks=torch.stack(shifted) if shifted else masks,
            )
        return data_samples
