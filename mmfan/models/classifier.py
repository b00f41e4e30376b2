"""The ImageNet classifier around a FAN backbone: to check official weights against their published accuracy."""

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
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_classes)
        if checkpoint:
            state = read_official_weights(checkpoint, ema)
            named = {key if key.startswith(("norm.", "head.")) else f"backbone.{key}": state[key] for key in state}
            load_strictly(self, named, checkpoint)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, H, W)``, normalised, to logits ``(B, num_classes)``."""
        return self.head(self.norm(self.backbone.class_token(x)))
