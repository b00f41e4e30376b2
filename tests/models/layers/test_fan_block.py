import torch

from mmfan.models.layers.fan_block import FANBlock, OverlapDownsample


def test_block_is_two_scaled_residuals():
    block = FANBlock(8, 2).eval()
    torch.nn.init.normal_(block.gamma1)
    torch.nn.init.normal_(block.gamma2)
    x = torch.randn(2, 12, 8)
    y = x + block.gamma1 * block.attn(block.norm1(x))
    y = y + block.gamma2 * block.mlp(block.norm2(y), (3, 4))
    found, size = block(x, (3, 4))
    assert size == (3, 4)
    torch.testing.assert_close(found, y, rtol=1e-5, atol=1e-5)


def test_downsample_rounds_up():
    tokens, size = OverlapDownsample(8, 12)(torch.randn(2, 15, 8), (3, 5))
    assert size == (2, 3)
    assert tokens.shape == (2, 6, 12)
