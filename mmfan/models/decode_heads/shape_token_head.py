"""``ShapeTokenHead``: a second read-out of the backbone, which learns what a teacher of shapes says.

The dense form of the shape token (Naseer et al., "Intriguing Properties of Vision Transformers", arXiv 2105.10497,
section 3.2): there an extra token of a vision transformer learns the decisions of a teacher that was trained on
stylised pictures, by hard labels, while the class token learns the labels. Here a 1x1 convolution on a map of the
backbone learns the teacher's label map, while the decode head learns the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from mmfan.errors import MMFanError
from mmfan.registry import MODELS

SHAPE_LABELS = "shape_sem_seg"  # where a sample holds the teacher's label map
WEIGHT = 0.4


@MODELS.register_module()
class ShapeTokenHead(BaseDecodeHead):
    """Two 1x1 convolutions, token and classifier, whose labels are the teacher's; an auxiliary head.

    Its loss is the cross entropy with the teacher's label map, 0.4 of it by default, where a pixel has a label at all.
    :func:`mmfan.ShapeTeacherWrapper` puts that map into the samples.

    Args:
        in_channels: Channels of the map it reads.
        channels: Width of the token.
        in_index: Which output of the backbone it reads.
        norm_cfg: Of the token.
        loss_decode: Of the classifier.
        kwargs: See mmseg's ``BaseDecodeHead``; ``num_classes`` is required.

    Attributes:
        last_logits: Those of the last loss, (B, classes, h, w), without gradients; None before.

    Raises:
        MMFanError: In its loss, a sample has no label map of a teacher.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 128,
        in_index: int = -1,
        norm_cfg: dict[str, Any] | None = None,
        loss_decode: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            channels=channels,
            in_index=in_index,
            norm_cfg=norm_cfg or {"type": "BN"},
            loss_decode=loss_decode or {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": WEIGHT},
            **kwargs,
        )
        self.token = ConvModule(in_channels, channels, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.last_logits: Tensor | None = None

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The class logits at the resolution of the map.

        Args:
            inputs: The backbone's outputs, ``(B, C_i, H_i, W_i)`` each.
        """
        return self.cls_seg(self.token(self._transform_inputs(inputs)))

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: Any) -> dict[str, Tensor]:
        """The loss against the teacher's label map."""
        self.last_logits = seg_logits.detach()
        return super().loss_by_feat(seg_logits, batch_data_samples)

    def _stack_batch_gt(self, batch_data_samples: Any) -> Tensor:
        return torch.stack([self._labels(sample) for sample in batch_data_samples])

    def _labels(self, sample: Any) -> Tensor:
        """The teacher's labels where the sample has some, (1, H, W)."""
        if SHAPE_LABELS not in sample:
            raise MMFanError(
                "mmfan.ShapeTokenHead learns what a teacher says, and a sample holds no label map of one: train with "
                "model=dict(type='mmfan.ShapeTeacherWrapper', of='EncoderDecoder', teacher=..., ...)."
            )
        said, own = getattr(sample, SHAPE_LABELS).data, sample.gt_sem_seg.data
        return said.masked_fill(own == self.ignore_index, self.ignore_index)
