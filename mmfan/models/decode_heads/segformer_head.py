"""The SegFormer head behind FAN's published segmentation numbers.

Papers: SegFormer, arXiv 2105.15203, section 3.2; FAN, arXiv 2204.12451. It differs from mmseg's ``SegformerHead``: the
projection of a level is linear only (no norm, no activation), the levels are concatenated from the last to the first,
and the width is 768 for every size of backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from mmcv.cnn import build_activation_layer, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmfan.errors import MMFanError
from mmfan.models.layers.chunked import pieces_pay
from mmfan.models.layers.level_fusion import fold, fuse_levels, fused_strips, norm_as_affine
from mmfan.models.layers.products import product
from mmfan.registry import MODELS
from mmfan.utils.type_names import package_and_name


@MODELS.register_module()
class FANSegformerHead(BaseDecodeHead):
    """Linear projection a level, resize to the finest, concatenate, 1x1 fuse, norm, ReLU, dropout, classifier.

    Everything before the norm is linear and is computed in the cheap order, see
    :mod:`mmfan.models.layers.level_fusion`; the function and its gradients are those of the written-out form.

    Args:
        in_channels: Channels of each level; a backbone's ``out_channels``.
        in_index: Which outputs of the backbone are the levels; by default all, in order.
        embed_dim: Width of the head.
        norm_cfg: The norm after the fuse.
        kwargs: See mmseg's ``BaseDecodeHead``; ``num_classes`` is required. Dropout is by whole channels.

    Raises:
        MMFanError: ``in_channels`` and ``in_index`` differ in length, or ``channels`` is not ``embed_dim``.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int] | None = None,
        embed_dim: int = 768,
        norm_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(in_channels, int) or not in_channels:
            raise MMFanError(f"Expected in_channels to list the channels of each level, got {in_channels!r}.")
        in_index = list(range(len(in_channels))) if in_index is None else in_index
        if isinstance(in_index, int) or len(in_index) != len(in_channels):
            raise MMFanError(f"Expected one in_index for each of in_channels={list(in_channels)}, got {in_index!r}.")
        if kwargs.pop("channels", embed_dim) != embed_dim:
            raise MMFanError("Expected no `channels`: the width of this head is `embed_dim`, and channels follows it.")
        super().__init__(
            in_channels=list(in_channels),
            channels=embed_dim,
            in_index=list(in_index),
            input_transform="multiple_select",
            norm_cfg=norm_cfg or {"type": "BN"},
            **kwargs,
        )
        self.projections = nn.ModuleList(nn.Linear(channels, embed_dim) for channels in self.in_channels)
        # slices of the input: the last level first, as published
        self.fuse = nn.Conv2d(len(self.in_channels) * embed_dim, embed_dim, kernel_size=1, bias=False)
        nn.init.kaiming_normal_(self.fuse.weight, mode="fan_out", nonlinearity="relu")
        self.fuse_norm = build_norm_layer(self.norm_cfg, embed_dim)[1]
        # in place: what comes before does not need its output in the backward pass
        in_place = {"inplace": True} if package_and_name(self.act_cfg["type"])[1] == "ReLU" else {}
        self.activate = build_activation_layer({**in_place, **self.act_cfg})

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The class logits at the resolution of the finest level.

        Args:
            inputs: The backbone's outputs, ``(B, C_i, H_i, W_i)`` each.

        Returns:
            ``(B, num_classes, H, W)`` with the largest ``H, W`` of the levels.
        """
        levels = self._transform_inputs(inputs)
        # In eval mode a batch norm is a fixed scale and shift a channel, which the linear part takes up for nothing.
        affine = norm_as_affine(self.fuse_norm)
        matrices, bias = fold(cast("list[nn.Linear]", list(self.projections)), self.fuse.weight, affine)
        if affine is not None and pieces_pay(levels[0]):
            strips = fused_strips(levels, matrices, bias, self.align_corners)  # (B, rows, W, D)
            return torch.cat([self._classified(strip) for strip in strips], dim=2)
        features = fuse_levels(levels, matrices, bias, self.align_corners)
        if affine is None:
            features = self.fuse_norm(features)
        return self.cls_seg(self.activate(features))

    def _classified(self, strip: Tensor) -> Tensor:
        """The logits ``(B, num_classes, rows, W)`` of a strip ``(B, rows, W, D)``."""
        active = self.activate(strip.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        logits = product(active, self.conv_seg.weight.flatten(1), self.conv_seg.bias)
        return logits.permute(0, 3, 1, 2).contiguous()

    def cls_seg(self, feat: Tensor) -> Tensor:
        """Dropout of whole channels, then the classifier: ``(B, D, H, W)`` to ``(B, num_classes, H, W)``.

        Scaling a channel of the map is scaling a column of the classifier, so the mask goes there: the map is neither
        copied nor kept twice for the backward pass.
        """
        if self.dropout is None or not self.dropout.training:
            return self.conv_seg(feat)
        keep = self.dropout(feat.new_ones(feat.shape[0], feat.shape[1], 1, 1)).flatten(1)  # 0 or 1 / (1 - ratio)
        weight = self.conv_seg.weight.flatten(1) * keep[:, None]  # (B, num_classes, D)
        if feat.is_contiguous():
            logits = torch.baddbmm(self.conv_seg.bias[:, None], weight, feat.flatten(2))
        else:  # channels-last: its gradient is to be laid out alike
            rows = feat.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H*W, D)
            logits = torch.baddbmm(self.conv_seg.bias, rows, weight.transpose(1, 2)).transpose(1, 2)
        return logits.unflatten(2, feat.shape[2:]).contiguous()
