"""Channel processing, FAN's counterpart of a transformer's MLP, and the alternatives of its ablation.

Paper: Fully Attentional Networks, arXiv 2204.12451, section 3.2 and table 6. Every mixer maps tokens ``(B, N, E)`` of a
map ``(H, W)`` to the same shape:

========  =================================================================================================
``eca``   efficient channel attention (equation 7), the published FAN
``xca``   full channel self-attention (equation 6), an E x E matrix
``se``    the same MLP followed by squeeze and excitation (arXiv 1709.01507)
``mlp``   fc - GELU - fc, the plain vision transformer
========  =================================================================================================

The published models differ from equation 7 in four places, and so does this code: the softmax over tokens comes after
the query's linear layer, the prototype is the mean of softmaxes and not the softmax of a mean, there is no 1/sqrt(n),
and a learned temperature a head scales the gate.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.models.layers.checkpointing import LightSteps, recomputed
from mmfan.models.layers.conv_mlp import ConvMlp
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.products import Linear
from mmfan.models.layers.token_attention import check_heads

MLP_RATIO = 4


def channel_gate(q: Tensor, k: Tensor, temperature: Tensor) -> Tensor:
    """The gate of every channel: temperature * sigmoid(<softmax(q), prototype>), all softmaxes over the tokens.

    Both factors of the inner product are probability vectors over the tokens, so it lies in (0, 1] and
    ``gate / temperature`` in (0.5, 0.731].

    Args:
        q: ``(B, N, E)`` queries.
        k: ``(B, N, E)`` keys; the mean over a head's channels of their softmax is that head's prototype.
        temperature: ``(heads, 1, 1)``.

    Returns:
        ``(B, 1, E)``.
    """
    heads = (temperature.shape[0], -1)
    q = q.softmax(dim=1).unflatten(2, heads)  # (B, N, heads, c)
    prototype = k.softmax(dim=1).unflatten(2, heads).mean(dim=3, keepdim=True)  # (B, N, heads, 1)
    gate = (q * prototype).sum(dim=1).sigmoid() * temperature.squeeze(2)  # (B, heads, c)
    return gate.flatten(1)[:, None]


class EfficientChannelAttention(LightSteps):
    """gate(x) * LN(ConvMlp(x)): the channel processing of the published FAN models (equation 7).

    Args:
        dim: Width E.
        num_heads: Heads that share a prototype; divides E.
        norm_layer: Builds the batch norm of the MLP.
        residual: See :class:`~mmfan.models.layers.conv_mlp.ConvMlp`.

    Raises:
        MMFanError: ``num_heads`` does not divide ``dim``.
    """

    def __init__(self, dim: int, num_heads: int, norm_layer: NormLayer = nn.BatchNorm2d, residual: bool = True) -> None:
        super().__init__()
        check_heads(dim, num_heads)
        self.temperature = nn.Parameter(torch.ones(num_heads, 1, 1))
        self.q = Linear(dim, dim)
        self.mlp_v = ConvMlp(dim, MLP_RATIO * dim, norm_layer, residual=residual)
        self.norm_v = nn.LayerNorm(dim)  # eps 1e-5 here, 1e-6 in every other norm of FAN

    def gate(self, x: Tensor) -> Tensor:
        """The gate of every channel, ``(B, N, E)`` to ``(B, 1, E)``; see :func:`channel_gate`."""
        return recomputed(channel_gate, self.q(x), x, self.temperature, light=self.light)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """``(B, N, E)`` to the same shape; ``size = (H, W)`` of the map."""
        return recomputed(self._gated, self.gate(x), self.mlp_v(x, size), light=self.light)

    def _gated(self, gate: Tensor, value: Tensor) -> Tensor:
        return gate * self.norm_v(value)


class ChannelSelfAttention(nn.Module):
    """Softmax((W_q Z)(W_k Z)^T / sqrt(n)) MLP(Z) with Z of shape (E, n): full channel attention (equation 6).

    The softmax runs over channels; the matrix is E x E, whatever the size of the picture. It was not in the released
    code; everything the equation leaves open is taken from :class:`EfficientChannelAttention` (its MLP, and that there
    is no output projection). One attention over all channels, as written: ``num_heads`` has no part in it.

    Args:
        dim: Width E.
        num_heads: Ignored by the equation; taken so that all mixers are built alike.
        norm_layer: Builds the batch norm of the MLP.
    """

    def __init__(self, dim: int, num_heads: int, norm_layer: NormLayer = nn.BatchNorm2d) -> None:
        super().__init__()
        self.q = Linear(dim, dim)
        self.k = Linear(dim, dim)
        self.mlp_v = ConvMlp(dim, MLP_RATIO * dim, norm_layer)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """``(B, N, E)`` to the same shape; ``size = (H, W)`` of the map."""
        q, k = self.q(x).transpose(1, 2), self.k(x)  # (B, E, N) and (B, N, E)
        weights = (q @ k * x.shape[1] ** -0.5).softmax(dim=2)  # (B, E, E), rows sum to 1
        return self.mlp_v(x, size) @ weights.transpose(1, 2)


class SqueezeExcite(nn.Module):
    """A gate per channel from the mean over the tokens, through a bottleneck of a quarter of the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(dim, dim // 4, kernel_size=1)
        self.conv_expand = nn.Conv2d(dim // 4, dim, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, N, E)`` to the same shape."""
        mean = x.mean(dim=1, keepdim=True)  # (B, 1, E)
        hidden = F.linear(mean, self.conv_reduce.weight.flatten(1), self.conv_reduce.bias).relu()
        return x * F.linear(hidden, self.conv_expand.weight.flatten(1), self.conv_expand.bias).sigmoid()


class SqueezeExciteMlp(ConvMlp):
    """FAN's MLP followed by squeeze and excitation (the released FAN-SE variant)."""

    def __init__(self, dim: int, num_heads: int, norm_layer: NormLayer = nn.BatchNorm2d) -> None:
        super().__init__(dim, MLP_RATIO * dim, norm_layer)
        self.se = SqueezeExcite(dim)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """``(B, N, E)`` to the same shape; ``size = (H, W)`` of the map."""
        return self.se(super().forward(x, size))


class Mlp(nn.Module):
    """fc - GELU - fc on every token by itself."""

    def __init__(self, dim: int, num_heads: int = 1, norm_layer: NormLayer | None = None) -> None:
        super().__init__()
        self.fc1 = Linear(dim, MLP_RATIO * dim)
        self.fc2 = Linear(MLP_RATIO * dim, dim)

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """``(B, N, E)`` to the same shape."""
        return self.fc2(F.gelu(self.fc1(x)))


CHANNEL_MIXERS: dict[str, Callable[..., nn.Module]] = {
    "eca": EfficientChannelAttention,
    "xca": ChannelSelfAttention,
    "se": SqueezeExciteMlp,
    "mlp": Mlp,
}


def build_channel_mixer(name: str, dim: int, num_heads: int, norm_layer: NormLayer) -> nn.Module:
    """Build one of :data:`CHANNEL_MIXERS`.

    Raises:
        MMFanError: The name is unknown, or ``num_heads`` does not divide ``dim``.
    """
    if name not in CHANNEL_MIXERS:
        raise MMFanError(f"Expected channel_mixer to be one of {sorted(CHANNEL_MIXERS)}, got {name!r}.")
    return CHANNEL_MIXERS[name](dim, num_heads, norm_layer)
