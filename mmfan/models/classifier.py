"""ImageNet classifiers around a FAN backbone: to check official weights against their published accuracy."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfan.models.official_weights import load_strictly, read_official_weights
from mmfan.registry import MODELS


@MODELS.register_module()
class FANClassifier(BaseModule):
    """Class token -> layer norm -> linear; the published ImageNet models, whole official files load into it.

    Args:
        backbone: Config of a ``mmfan.FAN`` or ``mmfan.FANHybrid``.
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
        dim = self.backbone.cls_token.shape[2]
        self.num_classes = num_classes
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_classes)
        self._add_heads(dim)
        if checkpoint:
            state = read_official_weights(checkpoint, ema)
            own = tuple(f"{name}." for name, _ in self.named_children() if name != "backbone")
            named = {key if key.startswith(own) else f"backbone.{key}": state[key] for key in state}
            load_strictly(self, named, checkpoint)

    def _add_heads(self, dim: int) -> None:
        """More heads, of a subclass."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, H, W)``, normalised, to logits ``(B, num_classes)``."""
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
