import pytest
import torch
from torch.nn import functional as F

from mmfan.models.layers.convnext import ConvNeXtBlock, HybridPatchEmbed, UnbiasedLayerNorm


def test_unbiased_layer_norm_divides_by_one_less():
    norm = UnbiasedLayerNorm(6, eps=1e-3).double()
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(4, 6, dtype=torch.float64)
    variance, mean = torch.var_mean(x, dim=1, keepdim=True)  # torch's default is the unbiased one
    expected = (x - mean) / torch.sqrt(variance + 1e-3) * norm.weight + norm.bias
    torch.testing.assert_close(norm(x), expected)


def written_out(block, x):
    y = block.norm(F.conv2d(x, block.conv_dw.weight, block.conv_dw.bias, padding=3, groups=8).permute(0, 2, 3, 1))
    y = y.permute(0, 3, 1, 2)
    mlp = block.mlp
    y = F.conv2d(F.gelu(F.conv2d(y, mlp.fc1.weight, mlp.fc1.bias)), mlp.fc2.weight, mlp.fc2.bias)
    return x + block.gamma.view(-1, 1, 1) * y


def test_block_written_out_in_pieces_and_whole():
    block = ConvNeXtBlock(8, layer_scale=0.7)
    x = torch.randn(2, 8, 40, 30)
    expected = written_out(block, x)
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)
    with torch.no_grad():  # 2400 pixels are three pieces
        torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("piece", [1000, 10000])
def test_gradients_of_the_block(piece, monkeypatch):
    monkeypatch.setattr("mmfan.models.layers.chunked.TRAINING_PIECE", piece)
    block = ConvNeXtBlock(8, layer_scale=0.7).double()
    x = torch.randn(2, 8, 40, 30, dtype=torch.float64, requires_grad=True)
    grad = torch.randn_like(x)
    wanted = (x, *block.parameters())
    found = torch.autograd.grad(block(x), wanted, grad)
    for one, other in zip(found, torch.autograd.grad(written_out(block, x), wanted, grad), strict=True):
        torch.testing.assert_close(one, other)


def test_strides_and_channels():
    embed = HybridPatchEmbed(24, (1, 2))
    tokens, maps = embed(torch.randn(2, 3, 32, 64))
    assert [tuple(m.shape) for m in (*maps, tokens)] == [(2, 128, 8, 16), (2, 256, 4, 8), (2, 24, 2, 4)]
    assert maps[0].is_contiguous(memory_format=torch.channels_last)
