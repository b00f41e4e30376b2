"""Balls around pictures: projection, random starts, whole 8-bit values."""

import numpy as np
import pytest
import torch

from mmfan.evaluation.attacks.balls import ball_of
from mmfan.evaluation.attacks.settings import Attack


def pictures(seed=0, size=(2, 3, 11, 13)):
    levels = np.random.default_rng(seed).integers(0, 256, size)
    levels[:, :, 0], levels[:, :, 1] = 0, 255  # both ends of the range
    return torch.from_numpy(levels).float() / 255


def length(change):
    return change.double().square().sum((1, 2, 3)).sqrt()


@pytest.mark.parametrize("eps", [0.25, 0.3, 1, 8, 77.7, 400])
def test_cube_is_kept_exactly_and_reached(eps):
    clean = pictures()
    ball = ball_of(clean, Attack("pgd", eps))
    far = ball.project(clean + 9 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1)).sign())
    change = far.double() - clean.double()
    assert change.abs().max() <= eps / 255
    assert far.min() >= 0
    assert far.max() <= 1
    free = (far > 0) & (far < 1)
    # one step of float32 is 6e-8
    assert free.sum() == 0 or (eps / 255 - change.abs()[free]).max() < 1.3e-7
    assert torch.equal(ball.project(far), far)
    assert torch.equal(ball.project(clean), clean)


@pytest.mark.parametrize("eps", [0.01, 0.25, 8, 64, 400])
def test_sphere_is_kept_exactly_and_reached(eps):
    clean = pictures()
    ball = ball_of(clean, Attack("pgd", eps, norm="l2"))
    step = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    inner = (clean > 0.2) & (clean < 0.8)  # no value meets an end
    far = ball.project(clean + 9 * step)
    assert (length(far.double() - clean.double()) <= eps / 255).all()
    assert far.min() >= 0
    assert far.max() <= 1
    near = ball.project(clean + 9 * step * inner)
    change = near.double() - clean.double()
    if eps <= 64:
        assert torch.allclose(length(change), torch.full((2,), eps / 255).double(), rtol=1e-3)
        along = (change * step).sum((1, 2, 3)) / length(change) / length(step * inner)
        assert (along > 0.999).all()  # straight towards the centre


def test_projection_on_the_sphere_by_hand():
    clean = torch.full((1, 1, 1, 2), 0.5)
    ball = ball_of(clean, Attack("pgd", 25.5, norm="l2"))  # 0.1
    moved = ball.project(clean + torch.tensor([0.3, -0.4]))
    assert torch.allclose(moved - clean, torch.tensor([0.06, -0.08]), atol=1e-7)
    inside = clean + torch.tensor([0.03, 0.04])
    assert torch.equal(ball.project(inside), inside)


def test_directions_by_hand():
    clean = torch.zeros(2, 1, 1, 2)
    gradient = torch.tensor([[3.0, -4.0], [0.0, 0.0]]).view(2, 1, 1, 2)
    signs = ball_of(clean, Attack("pgd", 1)).direction(gradient).flatten(1)
    units = ball_of(clean, Attack("pgd", 1, norm="l2")).direction(gradient).flatten(1)
    assert signs.tolist() == [[1, -1], [0, 0]]
    assert torch.allclose(units, torch.tensor([[0.6, -0.8], [0.0, 0.0]]))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_start_is_the_seeds_alone_whatever_the_batch(norm):
    clean, attack = pictures(), Attack("pgd", 8, norm=norm)
    both = ball_of(clean, attack).start([7, 2**64 - 1])
    assert torch.equal(both, ball_of(clean, attack).start([7, 2**64 - 1]))
    assert torch.equal(both[1:], ball_of(clean[1:], attack).start([2**64 - 1]))
    assert not torch.equal(both[:1], ball_of(clean[:1], attack).start([8]))


def test_start_is_even_in_the_cube_and_near_the_surface_of_the_sphere():
    clean = torch.full((1, 3, 64, 64), 0.5)
    change = (ball_of(clean, Attack("pgd", 51)).start([1]) - clean).flatten() / 0.2
    # of an even distribution from -1 to 1: mean 0 +- 0.005, mean square 1/3 +- 0.003
    assert abs(change.mean()) < 0.02
    assert abs(change.square().mean() - 1 / 3) < 0.01
    assert change.abs().max() <= 1.000001
    far = length(ball_of(clean, Attack("pgd", 51, norm="l2")).start([1]).double() - 0.5)
    assert 0.19 < far.item() <= 0.2  # of 12288 dimensions all but nothing lies further in


def test_rounding_keeps_whole_radii_and_leaves_out_what_is_beyond():
    clean = torch.tensor([100, 100, 100, 0, 255, 254]).view(1, 1, 1, 6).float() / 255
    moved = clean + torch.tensor([1.5, -1.4, 0.4, -1.5, 1.5, 1.5]).view_as(clean) / 255
    ball = ball_of(clean, Attack("pgd", 1.5))
    # 101.5 would round to 102, which is 2 from 100
    assert ball.rounded(ball.project(moved)).flatten().tolist() == [101, 99, 100, 0, 255, 255]


@pytest.mark.parametrize("eps", [1, 2, 8])
def test_rounding_loses_nothing_of_a_corner_of_a_whole_cube(eps):
    clean = pictures()
    ball = ball_of(clean, Attack("fgsm", eps))
    signs = torch.randn(clean.shape, generator=torch.Generator().manual_seed(2)).sign()
    found = ball.rounded(ball.project(clean + eps / 255 * signs))
    assert torch.equal(found.float(), (clean * 255 + eps * signs).round().clamp(0, 255))


def test_rounding_on_the_sphere_takes_the_largest_changes_that_fit():
    clean = torch.full((1, 1, 1, 5), 100 / 255)
    ball = ball_of(clean, Attack("pgd", 3, norm="l2"))  # squares up to 9
    moved = clean + torch.tensor([2.2, -1.1, 0.9, 0.8, 0.6]).view_as(clean) / 255
    # rounded to nearest: 2, -1, 1, 1, 1 of squares 4, 1, 1, 1, 1
    assert ball.rounded(moved).flatten().tolist() == [102, 99, 101, 101, 101]
    small = ball_of(clean, Attack("pgd", 2.3, norm="l2"))  # squares up to 5
    assert small.rounded(moved).flatten().tolist() == [102, 99, 100, 100, 100]


def test_every_8_bit_value_stays_itself():
    clean = (torch.arange(256).float() / 255).view(1, 1, 16, 16)
    for norm in ("linf", "l2"):
        assert ball_of(clean, Attack("pgd", 8, norm=norm)).rounded(clean).flatten().tolist() == list(range(256))
