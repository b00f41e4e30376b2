"""``ImageClassifier``: any network of logits as a model that mmengine's Runner trains, tests and judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS as ROOT_MODELS
from torch import Tensor, nn
from torch.nn import functional

from mmfan.errors import ConfigError, MMFanError
from mmfan.registry import MODELS
from mmfan.training.classification.mixing import Mix, Mixing


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """A classifier with its loss: cross-entropy with label smoothing, Mixup and CutMix.

    It takes the samples of mmfan (:class:`mmfan.PackClasses`) and of mmpretrain (``PackInputs``) and needs only
    mmengine. FAN's class token is no output of a backbone, so it stands in the place of mmpretrain's
    ``ImageClassifier``; around it everything may be mmpretrain's::

        model = dict(
            type="mmfan.ImageClassifier",
            network=dict(type="mmfan.FANClassifier", backbone=dict(type="mmfan.FANHybrid", arch="tiny")),
            data_preprocessor=dict(type="ImgDataPreprocessor", mean=[...], std=[...], bgr_to_rgb=True),
            smoothing=0.1,
            mixing=dict(mixup=0.8, cutmix=1.0),
        )

    Its predictions have ``pred_score`` (K,), probabilities, and ``pred_label`` (1,), as mmpretrain's.

    Args:
        network: Config of the network: from (B, 3, H, W), normalised, to logits (B, K).
        smoothing: Share of each label that is spread over all classes.
        mixing: Arguments of :class:`mmfan.training.classification.mixing.Mixing`; None mixes nothing.
        data_preprocessor: mmengine's ``ImgDataPreprocessor``, or one like it.
        init_cfg: As of mmengine's ``BaseModule``.

    Raises:
        MMFanError: An argument is out of range.
    """

    def __init__(
        self,
        network: dict[str, Any],
        smoothing: float = 0.0,
        mixing: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | nn.Module | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if isinstance(smoothing, bool) or not isinstance(smoothing, (int, float)) or not 0 <= smoothing < 1:
            raise MMFanError(f"Expected `smoothing` from 0 to less than 1, got {smoothing!r}.")
        self.network = ROOT_MODELS.build(network)
        self.smoothing = float(smoothing)
        self.mixing = None if mixing is None else Mixing.of(mixing)

    def forward(self, inputs: Tensor, data_samples: Sequence[Any] | None = None, mode: str = "tensor") -> Any:
        """The logits, the losses or the predictions of a batch, as mmengine's ``BaseModel`` has it.

        Args:
            inputs: (B, 3, H, W), normalised.
            data_samples: With ``gt_label``, (1,) int64; ``'loss'`` needs them.
            mode: ``'tensor'``, ``'loss'`` or ``'predict'``.

        Raises:
            MMFanError: There is no such mode, or a sample has no class or one that the network does not know.
        """
        if mode == "tensor":
            return self.network(inputs)
        if mode == "loss":
            return self.loss(inputs, list(data_samples or []))
        if mode == "predict":
            return self.predict(inputs, list(data_samples or []))
        raise MMFanError(f"Expected the mode 'tensor', 'loss' or 'predict', got {mode!r}.")

    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """The cross-entropy of a batch, mixed where that is asked for; ``accuracy`` where it is not."""
        mix = self.draw_mix(inputs)
        if mix is None:
            logits = self.network(inputs)
            truth = numbers_of(data_samples, logits.shape[1]).to(logits.device)
            entropy = functional.cross_entropy(logits, truth, label_smoothing=self.smoothing)
            return {"loss": entropy, "accuracy": (logits.detach().argmax(1) == truth).float().mean()}
        logits = self.network(mix.pictures(inputs))
        target = mix.labels(self.shares_of(data_samples, logits))
        return {"loss": functional.cross_entropy(logits, target, label_smoothing=self.smoothing)}

    def draw_mix(self, inputs: Tensor) -> Mix | None:
        """How this batch is mixed; None for not at all."""
        return None if self.mixing is None else self.mixing.draw(len(inputs), *inputs.shape[2:])

    @staticmethod
    def shares_of(data_samples: list[Any], logits: Tensor) -> Tensor:
        """The labels of a batch as shares of the classes, (B, K)."""
        numbers = numbers_of(data_samples, logits.shape[1]).to(logits.device)
        return functional.one_hot(numbers, logits.shape[1]).to(torch.float32)

    def predict(self, inputs: Tensor, data_samples: list[Any]) -> list[Any]:
        """The data samples with ``pred_score`` and ``pred_label``."""
        from mmengine.structures import BaseDataElement

        shares = self.network(inputs).float().softmax(dim=1)
        samples = data_samples or [BaseDataElement() for _ in shares]
        for sample, share in zip(samples, shares, strict=True):
            sample.set_field(share, "pred_score", dtype=torch.Tensor)
            sample.set_field(share.argmax().reshape(1), "pred_label", dtype=torch.Tensor)
        return samples


def numbers_of(data_samples: list[Any], classes: int) -> Tensor:
    """The classes of samples, (B,) int64.

    Raises:
        ConfigError: A sample has none, or one that is none of ``classes``.
    """
    found: list[Any] = [getattr(sample, "gt_label", None) for sample in data_samples]
    if not found or any(label is None or label.numel() != 1 for label in found):
        raise ConfigError(
            "A sample of training has no `gt_label` of one class: end the pipeline with mmfan.PackClasses."
        )
    numbers = torch.cat([label.reshape(1) for label in found])
    if int(numbers.min()) < 0 or int(numbers.max()) >= classes:
        raise ConfigError(
            f"Expected classes from 0 to {classes - 1}, as many as the network has, got {int(numbers.min())} to "
            f"{int(numbers.max())}: set num_classes of the network to that of the data."
        )
    return numbers
