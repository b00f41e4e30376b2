"""Linear probe for segmentation: what the features of a frozen backbone say by themselves, without a decoder.

A batch norm and a 1x1 convolution (the linear protocol of DINOv2, arXiv 2304.07193) on the features of the last blocks
(Naseer et al., arXiv 2105.10497, section 3.5, which does it for classes of pictures).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.registry import MODELS


@MODELS.register_module()
class LinearProbeHead(BaseDecodeHead):
    """Norm and linear classifier on one or several maps; of :class:`mmfan.FrozenBlocks`, or of any other backbone.

    The function is that of maps resized to the finest, concatenated and classified by one 1x1 convolution. The
    classifier is applied before the resizing, with which it commutes, so only class scores are enlarged. Each map has a
    norm of its own, at its own size.

    Args:
        in_channels: Channels of each map; the ``out_channels`` of ``mmfan.FrozenBlocks``.
        in_index: Which outputs of the backbone the maps are; by default all, in order.
        norm_cfg: The norm before the classifier.
        norm: False leaves it out: then one map is read as by an ordinary 1x1 head.
        dropout_ratio: Of whole channels, before the classifier.
        kwargs: See mmseg's ``BaseDecodeHead``; ``num_classes`` is required.

    Raises:
        MMFanError: ``in_channels`` and ``in_index`` differ in length, or ``channels`` is given; in the first run, the
            maps have other channels.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        in_index: Sequence[int] | None = None,
        norm_cfg: dict[str, Any] | None = None,
        norm: bool = True,
        dropout_ratio: float = 0.0,
        **kwargs: Any,
    ) -> None:
        widths = [in_channels] if isinstance(in_channels, int) else list(in_channels)
        if not widths:
            raise MMFanError("Expected in_channels to list the channels of each map, got none.")
        in_index = list(range(len(widths))) if in_index is None else in_index
        if isinstance(in_index, int) or len(in_index) != len(widths):
            raise MMFanError(f"Expected one in_index for each of in_channels={widths}, got {in_index!r}.")
        if kwargs.pop("channels", sum(widths)) != sum(widths):
            raise MMFanError("Expected no `channels`: those of the classifier are the sum of `in_channels`.")
        super().__init__(
            in_channels=widths,
            channels=sum(widths),
            in_index=list(in_index),
            input_transform="multiple_select",
            norm_cfg=norm_cfg or {"type": "BN"},
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        self.norms = nn.ModuleList(
            build_norm_layer(self.norm_cfg, width)[1] if norm else nn.Identity() for width in widths
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The class logits at the resolution of the finest map.

        Args:
            inputs: The backbone's outputs, ``(B, C_i, H_i, W_i)`` each.

        Returns:
            ``(B, num_classes, H, W)`` with the largest ``H, W``.

        Raises:
            MMFanError: The maps have other channels than ``in_channels``.
        """
        maps = self._transform_inputs(inputs)
        widths = [values.shape[1] for values in maps]
        if widths != self.in_channels:
            raise MMFanError(
                f"Expected maps of in_channels={self.in_channels} channels, got {widths}: write the latter."
            )
        finest = max((values.shape[2:] for values in maps), key=lambda size: size[0] * size[1])
        by_size: dict[Any, Tensor] = {}
        for values, norm, weight in zip(maps, self.norms, self.conv_seg.weight.split(widths, dim=1), strict=True):
            read = norm(values)
            read = read if self.dropout is None else self.dropout(read)
            scores = F.conv2d(read, weight)
            by_size[scores.shape[2:]] = by_size[scores.shape[2:]] + scores if scores.shape[2:] in by_size else scores
        logits = self.conv_seg.bias[None, :, None, None]
        for scores in by_size.values():
            if scores.shape[2:] != finest:
                scores = F.interpolate(scores, tuple(finest), mode="bilinear", align_corners=self.align_corners)
            logits = logits + scores
        return logits
