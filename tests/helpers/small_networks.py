"""Networks of every family of backbones with FAN's head, small enough to be traced, exported and compiled in tests."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

BACKBONES: dict[str, dict[str, Any]] = {
    "fan": {"type": "mmfan.FAN", "arch": {"embed_dims": 32, "depth": 3, "num_heads": 4}},
    "hybrid": {
        "type": "mmfan.FANHybrid",
        "arch": {"embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 1)},
        "stem_layer_scale": 1.0,
    },
    "hybrid_tail": {
        "type": "mmfan.FANHybrid",
        "arch": {
            "embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 1),
            "tail": {"embed_dims": 48, "depth": 1, "num_heads": 4},
        },
        "stem_layer_scale": 1.0,
    },
    "swin": {
        "type": "mmfan.FANSwin",
        "arch": {"embed_dims": 16, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 2, 4)},
    },
    "alternet": {
        "type": "mmfan.AlterNet",
        "arch": {"depths": (1, 2, 2, 2), "expansion": 1, "stem_width": 16},
        "num_msa": (0, 1, 1, 1),
    },
}  # fmt: skip
CLASSES = 5


class SmallNetwork(nn.Module):
    """A backbone and FAN's head: pictures to logits."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


def small_network(name: str, **more: Any) -> SmallNetwork:
    """One of ``BACKBONES`` with its head, in eval mode; the same weights every time, batch norms not the identity."""
    from mmengine.registry import DefaultScope

    import mmfan.models.registered  # noqa: F401
    from mmfan.registry import MODELS

    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        backbone = MODELS.build({**BACKBONES[name], **more})
        channels = list(backbone.out_channels)
        head = {"type": "mmfan.FANSegformerHead", "in_channels": channels, "embed_dim": 24, "num_classes": CLASSES}
        network = SmallNetwork(backbone, MODELS.build({**head, "dropout_ratio": 0.0}))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def pictures(size: Sequence[int]) -> Tensor:
    """``(B, 3, H, W)`` normally distributed values, the same for a size every time."""
    batch, height, width = size
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))
