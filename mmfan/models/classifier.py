"""ImageNet classifiers around a FAN backbone: to check official weights against their published accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfan.models.identify import identify_backbone
from mmfan.models.official_weights import (
    CLASSIFIER_KEYS,
    convert_official,
    describe,
    load_strictly,
    read_official_weights,
)
from mmfan.models.safe_load import CheckpointError
from mmfan.registry import MODELS

TRAINED = "network."  # before the keys of a classifier in a checkpoint of its training


def published_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a classifier under the published names, whether from an official file or from a training's checkpoint.

    >>> sorted(published_state({"network.backbone.cls_token": 0, "network.head.bias": 0, "data_preprocessor.mean": 0}))
    ['cls_token', 'head.bias']
    """
    if not any(key.startswith(TRAINED) for key in state):
        return state
    return {
        key.removeprefix(TRAINED).removeprefix("backbone."): value
        for key, value in state.items()
        if key.startswith(TRAINED)
    }


@MODELS.register_module()
class FANClassifier(BaseModule):
    """Class token -> layer norm -> linear; the published ImageNet models, whole official files load into it.

    A ``mmfan.FANSwin`` has no class token: of it the tokens of the last stage are normed and averaged, as of Swin.

    Args:
        backbone: Config of a ``mmfan.FAN``, ``mmfan.FANHybrid`` or ``mmfan.FANSwin``.
        num_classes: Number of classes.
        checkpoint: Official file or URL to load, classifier included.
        ema: Take the averaged weights of the file.
    """

    def __init__(
        self, backbone: dict[str, Any], num_classes: int = 1000, checkpoint: str | None = None, ema: bool = False
    ) -> None:
        super().__init__()
        self.backbone = MODELS.build(backbone)
        # the class token is the output here, so its parameters take part again
        for parameter in self.backbone.unused_in_dense():
            parameter.requires_grad_(True)
        self.pooled = not hasattr(self.backbone, "cls_token")
        dim = self.backbone.out_channels[-1] if self.pooled else self.backbone.cls_token.shape[2]
        self.num_classes = num_classes
        self.norm = nn.LayerNorm(dim, eps=1e-5 if self.pooled else 1e-6)
        self.head = nn.Linear(dim, num_classes)
        self._add_heads(dim)
        if checkpoint:
            state = published_state(read_official_weights(checkpoint, ema))
            own = tuple(f"{name}." for name, _ in self.named_children() if name != "backbone")
            heads = {key: state[key] for key in state if key.startswith(CLASSIFIER_KEYS)}
            named = {f"backbone.{key}": value for key, value in convert_official(state).items()}
            # a head that this model has not is not passed over
            named |= {key if key.startswith(own) else f"backbone.{key}": value for key, value in heads.items()}
            load_strictly(self, named, checkpoint)

    @staticmethod
    def of_file(checkpoint: str | Path, ema: bool = False) -> FANClassifier:
        """The classifier in an official file, whose size and number of classes are found by its tensors.

        Args:
            checkpoint: File or URL; or a checkpoint of a training of :class:`mmfan.ImageClassifier` with FAN.
            ema: Take the averaged weights of the file.

        Returns:
            A :class:`FANTokenClassifier` where the file has the second head of STL's models.

        Raises:
            FileNotFoundError: There is no such file.
            CheckpointError: The file cannot be read, has no classifier, or fits no published model.
        """
        state = published_state(read_official_weights(checkpoint, ema))
        if "head.weight" not in state:
            raise CheckpointError(
                f"{checkpoint} has no classifier, no `head.weight`: it holds {describe(state)}. Expected a whole "
                "ImageNet file."
            )
        backbone = identify_backbone(convert_official(state))
        kind = FANTokenClassifier if "aux_head.weight" in state else FANClassifier
        return kind(backbone, len(state["head.weight"]), str(checkpoint), ema)

    def _add_heads(self, dim: int) -> None:
        """More heads, of a subclass."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, H, W)``, normalised, to logits ``(B, num_classes)``."""
        if self.pooled:
            return self.head(self.norm(self.backbone(x)[-1].flatten(2).transpose(1, 2)).mean(dim=1))
        return self.head(self.norm(self.backbone.class_token(x)))


@MODELS.register_module()
class FANTokenClassifier(FANClassifier):
    """FAN with a second head on the patch tokens: the models of STL (arXiv 2401.03844), whose whole files load into it.

    Its losses are in :mod:`mmfan.training.token_labels`. For dense prediction the backbone takes the same files and
    leaves both heads out. Arguments are those of :class:`FANClassifier`.
    """

    def _add_heads(self, dim: int) -> None:
        self.aux_head = nn.Linear(dim, self.num_classes)

    def with_patches(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, 3, H, W)``, normalised, to class logits ``(B, C)`` and logits of the patches ``(B, N, C)``."""
        tokens = self.norm(self.backbone.all_tokens(x))
        return self.head(tokens[:, 0]), self.aux_head(tokens[:, 1:])


@MODELS.register_module()
class AlterNetClassifier(BaseModule):
    """The norm and ReLU that end the last stage of an AlterNet -> mean over the map -> linear: the paper's classifier.

    Args:
        backbone: Config of a ``mmfan.AlterNet``, with its ``out_norm``; or of any backbone, whose last map is averaged.
        num_classes: Number of classes.
    """

    def __init__(self, backbone: dict[str, Any], num_classes: int = 1000) -> None:
        super().__init__()
        self.backbone = MODELS.build(backbone)
        self.num_classes = num_classes
        self.head = nn.Linear(self.backbone.out_channels[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, H, W)``, normalised, to logits ``(B, num_classes)``."""
        return self.head(self.backbone(x)[-1].mean(dim=(2, 3)))
