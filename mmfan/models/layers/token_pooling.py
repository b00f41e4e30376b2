"""Token-aware average pooling (TAP): each token picks how far around it the attention branch looks.

Paper: Robustifying Token Attention for Vision Transformers, Guo et al., ICCV 2023. Written from published facts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.token_map import to_map, to_tokens


def dilated_mean(features: Tensor, dilation: int) -> Tensor:
    """The mean of 3 x 3 places that are ``dilation`` apart; outside of the map are zeros, which count.

    Args:
        features: ``(B, C, H, W)``.
        dilation: 1 or more; 0 is the map itself.
    """
    if not dilation:
        return features
    height, width = features.shape[2:]
    padded = F.pad(features, (dilation, dilation, dilation, dilation))
    up, middle, down = (padded[:, :, at : at + height] for at in (0, dilation, 2 * dilation))
    rows = up + middle + down
    left, centre, right = (rows[..., at : at + width] for at in (0, dilation, 2 * dilation))
    return (left + centre + right) / 9


class TokenPooling(nn.Module):
    """A mean of poolings with weights of each token's own.

    Pooling number 0 is the token itself, number d the mean of 3 x 3 tokens at dilation d. The weights are a softmax
    over the poolings of two 3 x 3 convolutions with a batch norm between them. As published, zeros outside of the map
    count in the means, which darkens its border.

    Args:
        dim: Width E.
        count: Number of poolings K; 4 in the paper.
        norm_layer: Builds the batch norm.
    """

    def __init__(self, dim: int, count: int = 4, norm_layer: NormLayer = nn.BatchNorm2d) -> None:
        super().__init__()
        self.count = count
        self.conv1 = nn.Conv2d(dim, count, kernel_size=3, padding=1, bias=False)
        self.norm = norm_layer(count)
        self.conv2 = nn.Conv2d(count, count, kernel_size=3, padding=1, bias=False)

    def weights(self, features: Tensor) -> Tensor:
        """The weights of the poolings at each place, ``(B, E, H, W)`` to ``(B, K, H, W)``; they sum to 1."""
        scores: Tensor = self.conv2(self.norm(self.conv1(features)))
        return scores.softmax(dim=1)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """``(B, H*W, E)`` and ``(H, W)`` to ``(B, H*W, E)``."""
        features = to_map(x, size)
        weights = self.weights(features)
        pooled = torch.zeros_like(features)
        for at in range(self.count):
            pooled = torch.addcmul(pooled, weights[:, at : at + 1], dilated_mean(features, at))
        return to_tokens(pooled)
