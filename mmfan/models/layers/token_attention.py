"""Token mixing: multi-head self-attention over the tokens of a picture (FAN, arXiv 2204.12451, equation 1)."""

from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.models.layers.products import Linear


def check_heads(dim: int, num_heads: int) -> None:
    """Raise ValueError unless ``num_heads`` is positive and divides ``dim``."""
    if num_heads < 1 or dim % num_heads:
        raise MMFanError(f"Expected num_heads to divide the width {dim}, got num_heads={num_heads}.")


class TokenAttention(nn.Module):
    """Softmax(q k^T / sqrt(d)) v over N tokens, with d = E / heads.

    The N x N matrix is never stored: PyTorch's fused kernel works on blocks of it, in memory linear in N.

    Args:
        dim: Width E.
        num_heads: Divides E.

    Raises:
        MMFanError: ``num_heads`` does not divide ``dim``.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        check_heads(dim, num_heads)
        self.num_heads = num_heads
        self.q = Linear(dim, dim)
        self.kv = Linear(dim, 2 * dim)
        self.proj = Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, N, E)`` to the same shape."""
        heads = (self.num_heads, -1)
        q = self.q(x).unflatten(2, heads).transpose(1, 2)  # (B, heads, N, d)
        k, v = self.kv(x).unflatten(2, (2, *heads)).permute(2, 0, 3, 1, 4)  # (B, heads, N, d) each
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).flatten(2))
