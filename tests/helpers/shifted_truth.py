"""Models whose predictions are the truth, moved a little: scores between 0 and 1 for every class, without training."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import InstanceData, PixelData


@MODELS.register_module(force=True)
class ShiftedLabels(BaseModel):
    """Label maps moved by a few pixels; what is ignored becomes the first class."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, data_samples=None, mode="tensor"):
        for sample in data_samples:
            labels = torch.roll(sample.gt_sem_seg.data, (3, 5), (1, 2))
            sample.pred_sem_seg = PixelData(data=torch.where(labels == 255, 0, labels).long())
        return data_samples


@MODELS.register_module(force=True)
class ShiftedObjects(BaseModel):
    """Boxes and masks moved by a pixel, with scores by their place; masks are judged apart, in another order."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, data_samples=None, mode="tensor"):
        for sample in data_samples:
            truth = sample.gt_instances
            count = len(truth)
            boxes = torch.as_tensor(getattr(truth.bboxes, "tensor", truth.bboxes))
            masks = torch.from_numpy(truth.masks.to_ndarray().astype(bool)).reshape(count, *sample.ori_shape)
            generator = np.random.default_rng(sample.img_id)
            scores = torch.from_numpy(generator.random((2, count), np.float32))
            sample.pred_instances = InstanceData(
                bboxes=boxes + 1.0, labels=truth.labels, scores=scores[0], mask_scores=scores[1],
                masks=torch.roll(masks, 1, 2),
            )  # fmt: skip
        return data_samples


def loader(dataset: dict, **more) -> dict:
    """A test_dataloader of a dataset's config, in this process."""
    sampler = {"type": "DefaultSampler", "shuffle": False}
    return {"batch_size": 2, "num_workers": 0, "sampler": sampler, "dataset": dataset, **more}


def config(scope: str, model: str, dataset: dict, evaluator: dict, folder: Path) -> Config:
    """The config of a test; ``folder`` gives it a name, and so a log of its own."""
    return Config(
        {
            "default_scope": scope, "model": {"type": model}, "test_dataloader": loader(dataset),
            "test_evaluator": evaluator, "test_cfg": {"type": "TestLoop"},
            "experiment_name": str(folder).replace("/", "_"),
        }
    )  # fmt: skip
