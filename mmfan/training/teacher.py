"""``TeacherWrapper``: a student on the changed copy, taught by its own running mean on the picture.

Self-distillation for dense prediction, after the teachers of MIC (arXiv 2212.01322) and mean teachers (arXiv
1703.01780): the student sees the changed copy of a crop with the crop's labels, the teacher the crop itself, and

    loss = loss of the student + weight * mean over places of KL(teacher || student)

The teacher's weights follow the student's: ``t <- m t + (1 - m) s`` with ``m = min(momentum, 1 - 1 / (step + 1))``; a
step is a batch, also where the gradients of several batches are gathered.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from mmengine.registry import MODELS as ROOT_MODELS
from torch import Tensor, nn

from mmfan.datasets.augmentations.steps import fraction, number
from mmfan.errors import ConfigError
from mmfan.registry import MODELS
from mmfan.training.comparison.class_scores import check_comparable, watched
from mmfan.training.comparison.divergence import bernoulli_divergence_from, divergence_from, mean_over
from mmfan.training.view_batches import copies_of, extend, take_views

LOSS = "loss_teacher"


class Taught:
    """Mixed into the class of a segmentor or detector: it learns from changed copies and from its teacher.

    Attributes:
        teacher: The running mean of the model; it is saved with it.
        taught: How many steps it has followed.
        teacher_weight: Of the second loss.
        teacher_momentum: Of the running mean.
    """

    teacher: nn.Module
    taught: Tensor
    teacher_weight: float
    teacher_momentum: float

    def train(self, mode: bool = True) -> Any:
        """Set the mode of the model; the teacher always predicts as in testing."""
        super().train(mode)  # type: ignore[misc]
        self.teacher.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Any]:
        """The losses of the model on the copies, and the distance from its teacher for each kind of head.

        Args:
            inputs: ``(B + copies, 3, H, W)``, as :class:`mmfan.training.view_batches.TakesViews` makes it.
            data_samples: B of them.
        """
        size, copies = len(data_samples), copies_of(data_samples)
        if copies.each > 1:
            raise ConfigError(f"mmfan.TeacherWrapper takes one copy of a picture (views=2), got {copies.each}.")
        self.follow()
        rows, clean = list(copies.rows), inputs[:size]
        seen = clean.clone()
        seen[rows] = inputs[size:]
        with watched(self, data_samples) as scored:  # type: ignore[arg-type]
            losses: dict[str, Any] = super().loss(seen, data_samples)  # type: ignore[misc]
        sums = {f"{LOSS}_{one.kind}": inputs.new_zeros(()) for one in scored}
        if rows:
            with torch.no_grad():
                features = self.teacher.extract_feat(clean[rows])  # type: ignore[operator]
                wanted = [one.again(self.teacher, features, rows) for one in scored]
            for one, told in zip(scored, wanted, strict=True):
                distance = divergence_from if one.exclusive else bernoulli_divergence_from
                found = mean_over(distance(told, one.own(rows)), one.valid(rows))
                sums[f"{LOSS}_{one.kind}"] = sums[f"{LOSS}_{one.kind}"] + self.teacher_weight * found
        return {**losses, **sums}

    @torch.no_grad()
    def follow(self) -> None:
        """Move the teacher's weights towards the student's; its first step takes them over."""
        momentum = min(self.teacher_momentum, 1 - 1 / (int(self.taught) + 1))
        own = dict(self.named_parameters())  # type: ignore[attr-defined]
        for name, mean in self.teacher.named_parameters():
            mean.lerp_(own[name].detach(), 1 - momentum)
        buffers = dict(self.named_buffers())  # type: ignore[attr-defined]
        for name, buffer in self.teacher.named_buffers():
            buffer.copy_(buffers[name])
        self.taught += 1


@MODELS.register_module(name="TeacherWrapper")
def TeacherWrapper(  # noqa: N802
    of: str, weight: float = 0.5, momentum: float = 0.999, **model: Any
) -> nn.Module:
    """A segmentor or detector that learns from changed copies, beside a teacher that sees the pictures.

    As :class:`mmfan.ConsistencyWrapper` it leaves the config, the parts and the names what they are; the checkpoint has
    the teacher's weights as well, under ``teacher.``, which the plain model has no use for::

        model = dict(type="mmfan.TeacherWrapper", of="EncoderDecoder")
        train_pipeline = [..., dict(type="mmfan.Views", views=2, steps=[dict(type="mmfan.AugMix")]), pack]

    Args:
        of: Type of the model.
        weight: Of the distance from the teacher.
        momentum: Of its running mean, 0 to 1.
        model: The rest of the model's config.

    Raises:
        ConfigError: The model cannot be trained so.
    """
    built = ROOT_MODELS.build({"type": of, **model})
    check_comparable(built, "mmfan.TeacherWrapper", of)
    teacher = copy.deepcopy(built).requires_grad_(False).eval()
    del teacher.data_preprocessor
    teacher.is_init = True  # it takes the student's weights: init_weights passes it by
    take_views(built, "mmfan.TeacherWrapper")
    extend(built, Taught, "Taught")
    built.teacher = teacher
    built.register_buffer("taught", torch.zeros((), dtype=torch.long))
    built.teacher_weight, built.teacher_momentum = number("weight", weight), fraction("momentum", momentum)
    return built
