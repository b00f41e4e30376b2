"""Class attention (CaiT, arXiv 2103.17239): a class token gathers from the patch tokens.

FAN ends in two such blocks. With its normalised tokens the patch tokens never read the class token, so for dense
prediction a block has a closed form, :meth:`ClassAttentionBlock.dense`, that touches only two norms and one scale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.models.layers.channel_processing import Mlp
from mmfan.models.layers.products import Linear
from mmfan.models.layers.token_attention import check_heads


class ClassAttention(nn.Module):
    """Attention of the first token over all tokens.

    Args:
        dim: Width E.
        num_heads: Divides E.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        check_heads(dim, num_heads)
        self.num_heads = num_heads
        self.q = Linear(dim, dim)
        self.k = Linear(dim, dim)
        self.v = Linear(dim, dim)
        self.proj = Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 1 + N, E)``, class token first, to ``(B, 1, E)``."""
        heads = (self.num_heads, -1)
        q = self.q(x[:, :1]).unflatten(2, heads).transpose(1, 2)  # (B, heads, 1, d)
        k = self.k(x).unflatten(2, heads).transpose(1, 2)  # (B, heads, 1 + N, d)
        v = self.v(x).unflatten(2, heads).transpose(1, 2)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class ClassAttentionBlock(nn.Module):
    """Attention and MLP of the class token; the patch tokens are normalised on the way.

    With t = LN2(x + gamma1 * a), where a is the attention's output for the class token and LN1(x) for a patch token,
    the block returns t + gamma2 * MLP(t) for the class token and 2 t for a patch token.

    Args:
        dim: Width E.
        num_heads: Divides E.
        layer_scale: Initial value of both gammas.
    """

    def __init__(self, dim: int, num_heads: int, layer_scale: float = 1.0) -> None:
        super().__init__()
        self.gamma1 = nn.Parameter(torch.full((dim,), layer_scale))
        self.gamma2 = nn.Parameter(torch.full((dim,), layer_scale))
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = ClassAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 1 + N, E)``, class token first, to the same shape."""
        y = self.norm1(x)
        y = torch.cat((self.attn(y), y[:, 1:]), dim=1)
        t = self.norm2(torch.addcmul(x, self.gamma1, y))
        head = torch.addcmul(t[:, :1], self.gamma2, self.mlp(t[:, :1]))
        return torch.cat((head, 2 * t[:, 1:]), dim=1)

    def dense(self, x: Tensor) -> Tensor:
        """What the block does to patch tokens, exactly: ``(B, N, E)`` to ``2 * LN2(x + gamma1 * LN1(x))``."""
        return 2 * self.norm2(torch.addcmul(x, self.gamma1, self.norm1(x)))

    def unused_in_dense(self) -> list[nn.Parameter]:
        """The parameters that :meth:`dense` does not read."""
        return [self.gamma2, *self.attn.parameters(), *self.mlp.parameters()]
