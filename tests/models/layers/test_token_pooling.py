"""Token-aware pooling: the known answers of TAP, and its place in a block."""

import torch
from torch.nn import functional as F

from mmfan.models.layers.fan_block import FANBlock
from mmfan.models.layers.token_pooling import TokenPooling, dilated_mean


def test_a_mean_of_nine_places_with_zeros_outside():
    features = torch.randn(2, 3, 7, 5)
    for dilation in (1, 2, 3):
        kernel = torch.full((3, 1, 3, 3), 1 / 9)
        wanted = F.conv2d(features, kernel, padding=dilation, dilation=dilation, groups=3)
        torch.testing.assert_close(dilated_mean(features, dilation), wanted)
    ones = dilated_mean(torch.ones(1, 1, 4, 4), 1)[0, 0]
    assert ones[1, 1] == 1
    torch.testing.assert_close(ones[0, 0], torch.tensor(4 / 9))
    torch.testing.assert_close(ones[0, 1], torch.tensor(6 / 9))
    assert dilated_mean(features, 0) is features


def test_weights_of_a_token_sum_to_one():
    pool = TokenPooling(6).eval()
    weights = pool.weights(torch.randn(2, 6, 4, 5))
    assert weights.shape == (2, 4, 4, 5)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2, 4, 5))
    assert weights.std() > 0


def test_without_scores_it_is_the_mean_of_the_poolings():
    pool = TokenPooling(6).eval()
    torch.nn.init.zeros_(pool.conv2.weight)
    x = torch.randn(2, 20, 6)
    features = x.transpose(1, 2).unflatten(2, (4, 5))
    wanted = torch.stack([dilated_mean(features, at) for at in range(4)]).mean(dim=0)
    torch.testing.assert_close(pool(x, (4, 5)), wanted.flatten(2).transpose(1, 2))


def test_it_chooses_by_its_scores():
    pool = TokenPooling(6, count=3).eval()
    pool.weights = lambda features: torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    x = torch.randn(2, 20, 6)
    wanted = dilated_mean(x.transpose(1, 2).unflatten(2, (4, 5)), 2)
    torch.testing.assert_close(pool(x, (4, 5)), wanted.flatten(2).transpose(1, 2))


def test_a_block_pools_in_its_branch_alone():
    block = FANBlock(8, 2, token_pooling=4).eval()
    torch.nn.init.normal_(block.gamma1)
    x = torch.randn(2, 12, 8)
    assert block.pool is not None
    y = x + block.gamma1 * block.attn(block.norm1(block.pool(x, (3, 4))))
    y = y + block.gamma2 * block.mlp(block.norm2(y), (3, 4))
    torch.testing.assert_close(block(x, (3, 4))[0], y, rtol=1e-5, atol=1e-5)
    assert FANBlock(8, 2).pool is None
