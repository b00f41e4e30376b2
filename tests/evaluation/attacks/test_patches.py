"""Patches: where they lie, what they leave as it is, and losses outside that are known by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.ascent import attack_pictures, frozen
from mmfan.evaluation.attacks.boxes import Box, boxes_of, side_of
from mmfan.evaluation.attacks.patches import Patch
from mmfan.evaluation.attacks.pixel_losses import segmentation_loss
from mmfan.evaluation.attacks.settings import PLACES, Attack

SIZE = (20, 30)
BOX = Box(4, 6, 12, 14)


def picture(count=1):
    return torch.from_numpy(np.random.default_rng(3).integers(0, 256, (count, 3, *SIZE), np.uint8))


def labels(count=1):
    found = torch.from_numpy(np.random.default_rng(4).integers(0, 2, (count, *SIZE)))
    found[:, BOX.slices[0], BOX.slices[1]] = 255
    return found


def outside(found):
    kept = found.clone()
    kept[..., BOX.slices[0], BOX.slices[1]] = 0
    return kept


class Average(nn.Module):
    """Every pixel's logits are those of the picture's mean: class 1 where it is bright."""

    def forward(self, x):
        mean = x.mean((1, 2, 3))
        both = torch.stack((-3 * mean, 5 * mean), 1)
        return both[:, :, None, None].expand(-1, -1, *x.shape[2:])


def patched(net, attack, seeds=(7,), truth=None):
    loss = segmentation_loss(net, labels(len(seeds)) if truth is None else truth, attack)
    return attack_pictures(loss, picture(len(seeds)), attack, seeds, lambda clean, _: Patch(clean, BOX))


def test_a_side_is_of_the_area():
    assert side_of(1, (200, 300)) == 24  # the root of 600 is 24.49
    assert side_of(8, (1024, 2048)) == 410  # of 167772
    assert side_of(0.001, (10, 10)) == 1


@pytest.mark.parametrize("place", PLACES)
def test_patches_of_one_picture_lie_one_in_another(place):
    around = {boxes_of(area, 16, (100, 200), place, 5)[1] for area in (1, 4, 16)}
    [outer] = around
    assert outer.bottom - outer.top == outer.right - outer.left == 57  # the root of 3200 is 56.6
    for area, side in ((1, 14), (4, 28), (16, 57)):
        box, _ = boxes_of(area, 16, (100, 200), place, 5)
        assert (box.bottom - box.top, box.right - box.left) == (side, side)
        assert box.top - outer.top == box.left - outer.left == (57 - side) // 2
    if place == "centre":
        assert (outer.top, outer.left) == (21, 71)


def test_places_that_are_drawn_reach_everywhere_and_depend_on_the_seed_alone():
    found = [boxes_of(1, 4, (10, 30), "drawn", seed)[1] for seed in range(400)]  # a side of 3
    assert {box.top for box in found} == set(range(8))
    assert {box.left for box in found} == set(range(28))
    assert found[:9] == [boxes_of(4, 4, (10, 30), "drawn", seed)[1] for seed in range(9)]


def test_a_box_in_labels_of_another_size_has_all_that_it_touches():
    assert Box(2, 3, 5, 7).scaled((10, 10), (20, 30)) == Box(4, 9, 10, 21)
    assert Box(2, 3, 5, 7).scaled((10, 10), (5, 5)) == Box(1, 1, 3, 4)
    assert BOX.scaled(SIZE, SIZE) == BOX


def test_what_does_not_fit_is_named():
    with pytest.raises(MMFanError, match=r"50 % of a picture of 100x10 \(width x height\) has a side of 22"):
        boxes_of(1, 50, (10, 100), "drawn", 0)


@pytest.mark.parametrize("name", ["pgd", "segpgd"])
def test_nothing_outside_changes_and_a_pointwise_model_feels_nothing(name):
    torch.manual_seed(0)
    net = nn.Conv2d(3, 2, 1)
    with frozen(net):
        found = patched(net, Attack(name, 127.5, steps=3)).pictures
    assert found.dtype == torch.uint8
    assert torch.equal(outside(found), outside(picture()))
    before, after = net(picture().float() / 255), net(found.float() / 255)
    assert torch.equal(outside(after), outside(before))  # to the bit
    # no pixel that counts has a gradient in the patch: what is there is the noise that was drawn
    noise = Patch(picture().float() / 255, BOX)
    assert torch.equal(found, noise.rounded(noise.start([7])))


def test_one_step_on_the_mean_of_a_picture_is_the_closed_form():
    net = Average()
    truth = labels()
    attack = Attack("pgd", 127.5, steps=1, alpha=51)
    found = patched(net, attack).pictures
    drawn = np.random.Generator(np.random.PCG64(7)).random((3, 8, 8), np.float32)
    wanted = picture()[0].numpy().astype(np.float64) / 255
    wanted[:, 4:12, 6:14] = drawn
    zeros, ones = int((truth == 0).sum()), int((truth == 1).sum())

    def loss_at(mean):  # of class 0: log(1 + exp(8 mean)); of class 1: log(1 + exp(-8 mean))
        return (zeros * np.log1p(np.exp(8 * mean)) + ones * np.log1p(np.exp(-8 * mean))) / (zeros + ones)

    share = 1 / (1 + np.exp(-8 * wanted.mean()))  # of class 1
    up = 1 if zeros * share > ones * (1 - share) else -1  # the sign of the derivative by the mean, and by each value
    wanted[:, 4:12, 6:14] = np.clip(drawn + up * 51 / 255, 0, 1)
    wanted = np.floor(wanted * 255 + 0.5)
    assert (found[0].numpy() == wanted).all()
    loss = segmentation_loss(net, truth, attack)(found.float() / 255, 0).plain
    assert loss.item() == pytest.approx(loss_at(wanted.mean() / 255), rel=1e-5)


def test_the_loss_outside_rises_step_by_step_to_the_best_patch_there_is():
    truth = torch.where(labels() == 255, 255, 0)  # all of class 0, which a dark picture is called
    plain = patched(Average(), Attack("pgd", 127.5, steps=8, alpha=40, kept="best"), truth=truth).plain[:, 0]
    assert (plain.diff() >= 0).all()
    assert plain[1] > plain[0]
    white = picture().float() / 255
    white[..., BOX.slices[0], BOX.slices[1]] = 1
    best = segmentation_loss(Average(), truth, Attack("pgd", 1))(white, 0).plain
    assert plain[-1].item() == pytest.approx(best.item(), rel=1e-6)


def test_a_patch_is_the_same_alone_and_in_a_batch_and_of_its_seed():
    torch.manual_seed(0)
    net = nn.Conv2d(3, 2, 9, padding=4)
    attack = Attack("segpgd", 127.5, steps=3)
    with frozen(net):
        both, alone = patched(net, attack, (7, 8)).pictures, patched(net, attack, (7,)).pictures
        other = patched(net, attack, (9,)).pictures
    assert torch.equal(both[:1], alone)
    assert not torch.equal(other, alone)
    assert torch.equal(outside(other), outside(alone))


def test_steps_raise_the_loss_of_pixels_outside_that_see_the_patch():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 9, padding=4), nn.ReLU(), nn.Conv2d(8, 2, 9, padding=4))
    attack = Attack("pgd", 127.5, steps=10)
    with frozen(net):
        loss = segmentation_loss(net, labels(), attack)
        noise = Patch(picture().float() / 255, BOX)
        before = loss(noise.start([7]), 0).plain
        after = loss(patched(net, attack).pictures.float() / 255, 0).plain
    assert after > before + 0.01
