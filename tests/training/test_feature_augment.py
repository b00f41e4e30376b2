"""CWFA: what is added is eps long, constant over space and along the mean; the ablations; nothing else changes."""

import pytest
import torch

from mmfan.training.feature_augment import augment, mean_direction, place_length

ALL = torch.ones(3, dtype=torch.bool)


def features(shape=(3, 8, 5, 6)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float32)


def test_constant_over_space_parallel_to_the_mean_and_eps_long():
    maps = features()
    added = augment(maps, ALL, eps=9.0) - maps
    vector = added[:, :, 0, 0]
    assert (added - vector[..., None, None]).abs().max() < 1e-5
    torch.testing.assert_close(vector.norm(dim=1), torch.full((3,), 9.0), rtol=1e-5, atol=0)
    mean = maps.mean((2, 3))
    torch.testing.assert_close(torch.cosine_similarity(vector, mean), torch.ones(3), rtol=0, atol=1e-6)


def test_by_hand():
    maps = torch.tensor([[3.0, 5.0], [8.0, 0.0]])[None, :, None, :]  # means 4 and 4
    result = augment(maps, torch.tensor([True]), eps=2**0.5)
    torch.testing.assert_close(result, maps + 1.0)


def test_tokens_are_maps_with_the_channels_last():
    maps = features()
    tokens = maps.flatten(2).transpose(1, 2)
    changed = augment(tokens, ALL, eps=4.0, channel_dim=2)
    torch.testing.assert_close(changed.transpose(1, 2).unflatten(2, (5, 6)), augment(maps, ALL, eps=4.0))


def test_a_share_of_the_features_own_length_scales_with_them():
    maps = features()
    length = place_length(maps)
    torch.testing.assert_close(length, maps.norm(dim=1).square().mean((1, 2)).sqrt())
    added = augment(maps, ALL, eps_rel=0.5) - maps
    torch.testing.assert_close(added[:, :, 0, 0].norm(dim=1), 0.5 * length, rtol=1e-4, atol=0)
    torch.testing.assert_close(augment(7 * maps, ALL, eps_rel=0.5), 7 * augment(maps, ALL, eps_rel=0.5))


def test_only_the_pictures_whose_coin_fell():
    maps = features()
    changed = augment(maps, torch.tensor([False, True, False]), eps=1.0)
    assert torch.equal(changed[[0, 2]], maps[[0, 2]])
    assert not torch.equal(changed[1], maps[1])
    assert augment(maps, ~ALL, eps=1.0) is maps


def test_zero_features_stay_zero():
    zeros = torch.zeros(3, 8, 5, 6)
    for options in ({"eps": 9.0}, {"eps_rel": 1.0}):
        assert torch.equal(augment(zeros, ALL, **options), zeros)
    assert torch.equal(mean_direction(zeros), torch.zeros(3, 8))


def test_the_gradient_is_that_of_the_plain_features():
    maps = features().requires_grad_()
    weight = features().square()
    (augment(maps, ALL, eps=9.0) * weight).sum().backward()
    assert torch.equal(maps.grad, weight)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_types_keep_their_type_and_the_direction_is_found_in_long(dtype):
    maps = features((3, 8, 64, 64)).to(dtype)
    changed = augment(maps, ALL, eps=9.0)
    assert changed.dtype == dtype
    assert mean_direction(maps).dtype == torch.float32


def test_the_ablations_are_as_long_and_have_no_direction_of_their_own():
    maps = features((3, 256, 16, 16))
    random = augment(maps, ALL, eps=9.0, direction="random", generator=torch.Generator().manual_seed(0)) - maps
    torch.testing.assert_close(random[:, :, 3, 3].norm(dim=1), torch.full((3,), 9.0), rtol=1e-4, atol=0)
    assert torch.cosine_similarity(random[:, :, 0, 0], maps.mean((2, 3))).abs().max() < 0.3
    noise = augment(maps, ALL, eps=9.0, direction="noise", generator=torch.Generator().manual_seed(0)) - maps
    length = noise.norm(dim=1)
    assert length.mean() == pytest.approx(9.0, rel=0.01)
    assert length.std() > 0.1
    assert noise.mean((2, 3)).norm(dim=1).max() < 1.0
