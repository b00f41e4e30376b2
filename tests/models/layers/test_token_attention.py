import pytest
import torch

from mmfan.models.layers.token_attention import TokenAttention


def test_against_an_explicit_matrix():
    layer = TokenAttention(12, 3)
    x = torch.randn(2, 9, 12)
    q = layer.q(x)
    k, v = layer.kv(x).split(12, dim=2)
    heads = []
    for h in range(3):
        part = slice(4 * h, 4 * h + 4)
        heads.append((q[..., part] @ k[..., part].transpose(1, 2) / 4**0.5).softmax(-1) @ v[..., part])
    torch.testing.assert_close(layer(x), layer.proj(torch.cat(heads, -1)), rtol=1e-5, atol=1e-5)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="num_heads to divide the width 12, got num_heads=5"):
        TokenAttention(12, 5)
