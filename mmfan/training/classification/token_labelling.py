"""Token labelling (STL, arXiv 2401.03844) as two models: the teacher that learns classes of patches, and its student.

Both are trained by mmengine's Runner as :class:`mmfan.ImageClassifier` is. What each loss is stands in
:mod:`mmfan.training.token_labels`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from mmengine.registry import MODELS as ROOT_MODELS
from torch import Tensor, nn
from torch.nn import functional

from mmfan.datasets.augmentations.steps import number
from mmfan.errors import ConfigError, MMFanError
from mmfan.registry import MODELS
from mmfan.training.classification.image_classifier import ImageClassifier
from mmfan.training.token_labels import labeler_loss, sampled_labels, student_loss

# what becomes of the teacher's logits of a patch: a class drawn from their softmax (as published), the highest, or all
LABELS: dict[str, Callable[[Tensor], Tensor]] = {
    "sampled": sampled_labels,
    "highest": lambda teacher: teacher.argmax(dim=2),
    "soft": lambda teacher: teacher.float().softmax(dim=2),
}


def _check_heads(network: nn.Module, whose: str) -> None:
    if not callable(getattr(network, "with_patches", None)):
        raise ConfigError(
            f"{whose} {type(network).__name__} has no logits of patches: take mmfan.FANTokenClassifier, which has a "
            "second head."
        )


@MODELS.register_module()
class TokenLabeler(ImageClassifier):
    """The teacher: learns classes of patches from the labels of pictures alone.

    Args:
        network: Config of a ``mmfan.FANTokenClassifier``.
        smoothing: Share of each label that is spread over all classes.
        **more: As :class:`mmfan.ImageClassifier`.

    Raises:
        ConfigError: The network has no logits of patches.
    """

    def __init__(self, network: dict[str, Any], smoothing: float = 0.1, **more: Any) -> None:
        super().__init__(network, smoothing, **more)
        _check_heads(self.network, "The network")

    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """Cross-entropy of the class logits and of the mean of the patch logits, both with the picture's label."""
        mix = self.draw_mix(inputs)
        classes, patches = self.network.with_patches(inputs if mix is None else mix.pictures(inputs))
        target = self.shares_of(data_samples, classes)
        return {"loss": labeler_loss(classes, patches, target if mix is None else mix.labels(target), self.smoothing)}


@MODELS.register_module()
class TokenLabelStudent(ImageClassifier):
    """The student: learns a class for each patch from a frozen teacher, beside the picture's label.

    The teacher sees the copy that :class:`mmfan.KeepClean` left of each picture, before colours were changed or parts
    hidden, mixed as the student's is; without such copies it sees what the student sees. It is no part of the
    checkpoint, so the config of a resumed training must still find its file.

    Args:
        network: Config of a ``mmfan.FANTokenClassifier``.
        teacher: Config of another one, with ``checkpoint``: a published file of STL's teachers, or the checkpoint of a
            training of :class:`mmfan.TokenLabeler`.
        weight: Of the loss of the patches.
        labels: ``'sampled'`` from the teacher's softmax, anew at each step (published); ``'highest'``; ``'soft'``, its
            whole softmax.
        smoothing: Share of each label that is spread over all classes.
        **more: As :class:`mmfan.ImageClassifier`.

    Raises:
        ConfigError: A network has no logits of patches, the two differ in classes, or the teacher has no checkpoint.
        MMFanError: An argument is out of range.
    """

    def __init__(
        self,
        network: dict[str, Any],
        teacher: dict[str, Any],
        weight: float = 1.0,
        labels: str = "sampled",
        smoothing: float = 0.1,
        **more: Any,
    ) -> None:
        super().__init__(network, smoothing, **more)
        if not isinstance(labels, str) or labels not in LABELS:
            raise MMFanError(f"Expected `labels` of {', '.join(LABELS)}, got {labels!r:.80}.")
        self.weight, self.labels = number("weight", weight), labels
        _check_heads(self.network, "The network")
        if not isinstance(teacher, Mapping) or not teacher.get("checkpoint"):
            raise ConfigError(
                "The teacher has no weights to teach by: give its config `checkpoint`, the file of a training of "
                f"mmfan.TokenLabeler or a published one, got {teacher!r:.120}."
            )
        built = ROOT_MODELS.build(teacher).requires_grad_(False).eval()
        _check_heads(built, "The teacher")
        if built.num_classes != self.network.num_classes:
            raise ConfigError(
                f"The teacher tells {built.num_classes} classes apart and the student {self.network.num_classes}: they "
                "must be the same."
            )
        self._aside = (built,)  # in a tuple: its weights belong to no checkpoint, no average and no optimiser

    @property
    def teacher(self) -> nn.Module:
        """The teacher, frozen."""
        return self._aside[0]

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> TokenLabelStudent:
        """Move the teacher where the model goes."""
        self.teacher._apply(fn)
        super()._apply(fn, *args, **kwargs)
        return self

    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """Cross-entropy of the class logits, plus that of the patches with the teacher's labels."""
        mix = self.draw_mix(inputs)
        clean = self.clean_of(inputs, data_samples)
        classes, patches = self.network.with_patches(inputs if mix is None else mix.pictures(inputs))
        target = self.shares_of(data_samples, classes)
        target = target if mix is None else mix.labels(target)
        teacher: Any = self.teacher
        with torch.no_grad():
            _, told = teacher.with_patches(clean if mix is None else mix.pictures(clean))
        if told.shape != patches.shape:
            raise ConfigError(
                f"The teacher has {told.shape[1]} patches and the student {patches.shape[1]}: their backbones must end "
                "at the same stride."
            )
        labels = LABELS[self.labels](told)
        own = functional.cross_entropy(classes, target, label_smoothing=self.smoothing)
        whole = student_loss(classes, patches, target, labels, self.weight, self.smoothing)
        return {"loss_class": own, "loss_patch": whole - own}

    def clean_of(self, inputs: Tensor, data_samples: list[Any]) -> Tensor:
        """What the teacher sees: the clean copies, normalised as the inputs are, or the inputs."""
        if not all("clean_img" in sample for sample in data_samples):
            return inputs
        pictures = [sample.clean_img for sample in data_samples]
        found: Tensor = self.data_preprocessor({"inputs": pictures, "data_samples": None}, True)["inputs"]
        return found
