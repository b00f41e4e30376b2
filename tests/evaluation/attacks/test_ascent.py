"""Attacks on small models: closed forms, what is never left, what is the same twice, what falls."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.attacks.ascent import Losses, attack_pictures, frozen
from mmfan.evaluation.attacks.object_losses import detection_loss
from mmfan.evaluation.attacks.pixel_losses import segmentation_loss
from mmfan.evaluation.attacks.settings import ATTACKS, Attack


def pictures(count=2, size=(12, 10)):
    return torch.from_numpy(np.random.default_rng(3).integers(0, 256, (count, 3, *size), np.uint8))


def labels(count=2, size=(12, 10), classes=3):
    found = torch.from_numpy(np.random.default_rng(4).integers(0, classes, (count, *size)))
    found[:, 0] = 255
    return found


def model(classes=3):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(8, classes, 1)
    ).eval()


def attacked(attack, net=None, count=2, seeds=(1, 2)):
    net = net or model()
    with frozen(net):
        return attack_pictures(segmentation_loss(net, labels(count), attack), pictures(count), attack, seeds[:count])


@pytest.mark.parametrize("rounded", [True, False])
def test_fgsm_on_a_linear_model_is_the_closed_form(rounded):
    weight = torch.tensor([[0.5, -2.0, 0.0], [-0.5, 1.0, 0.25]]).view(2, 3, 1, 1)
    truth = torch.tensor([[0, 1], [0, 255]])[None]
    clean = torch.full((1, 3, 2, 2), 100, dtype=torch.uint8)
    clean[0, 0, 0, 0] = 2  # meets the end of the range
    attack = Attack("fgsm", 4, rounded=rounded)
    loss = segmentation_loss(lambda x: nn.functional.conv2d(x, weight), truth, attack)
    found = attack_pictures(loss, clean, attack, [0]).pictures
    # the cross entropy of two classes falls with the own logit minus the other: the sign is the other's weight minus
    # the own: (-, +, +) for class 0, (+, -, -) for class 1
    wanted = clean.float()
    wanted[0, :, [0, 1], [0, 0]] += 4 * torch.tensor([-1.0, 1, 1])[:, None]
    wanted[0, :, 0, 1] += 4 * torch.tensor([1.0, -1, -1])
    wanted = wanted.clamp(0, 255)
    assert found.dtype == (torch.uint8 if rounded else torch.float32)
    if rounded:
        assert torch.equal(found.float(), wanted)
    else:
        assert torch.allclose(found, wanted / 255, atol=1e-7)


def test_l2_step_on_a_linear_loss_is_the_closed_form():
    gradient = torch.tensor([3.0, 0.0, -4.0]).view(1, 3, 1, 1)
    attack = Attack("fgsm", 25.5, norm="l2", rounded=False)
    found = attack_pictures(
        lambda x, step: Losses((x * gradient).sum((1, 2, 3)), (x * gradient).sum((1, 2, 3))),
        torch.full((1, 3, 1, 1), 102, dtype=torch.uint8), attack, [0],
    ).pictures  # fmt: skip
    assert torch.allclose(found.flatten(), torch.tensor([0.4 + 0.06, 0.4, 0.4 - 0.08]), atol=1e-7)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("rounded", [True, False])
def test_radius_and_range_are_never_left(name, norm, rounded):
    attack = Attack(name, 20.4, norm=norm, rounded=rounded)
    found = attacked(attack).pictures
    found = found.double() / (255 if rounded else 1)
    change = found - pictures().double() / 255
    far = change.abs().amax((1, 2, 3)) if norm == "linf" else change.square().sum((1, 2, 3)).sqrt()
    # the clean picture in float32 is up to 3e-8 beside k/255
    assert (far <= 20.4 / 255 + 4e-8 * (1 if norm == "linf" else 19)).all()
    assert (far > 0.5 * 20 / 255).all()
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("name", ATTACKS)
def test_a_radius_of_0_is_the_clean_picture_bit_for_bit(name):
    assert torch.equal(attacked(Attack(name, 0)).pictures, pictures())
    assert torch.equal(attacked(Attack(name, 0, rounded=False)).pictures, pictures().float() / 255)


def test_a_whole_picture_has_no_neighbour_nearer_than_one_level():
    assert torch.equal(attacked(Attack("pgd", 0.9)).pictures, pictures())
    assert not torch.equal(attacked(Attack("pgd", 1)).pictures, pictures())


@pytest.mark.parametrize("name", ["pgd", "segpgd", "cospgd"])
def test_the_same_seed_is_bit_equal_and_another_is_not(name):
    first = attacked(Attack(name, 8, steps=3)).pictures
    assert torch.equal(first, attacked(Attack(name, 8, steps=3)).pictures)
    assert not torch.equal(first, attacked(Attack(name, 8, steps=3), seeds=(5, 6)).pictures)


def test_a_picture_is_attacked_alike_alone_and_in_a_batch():
    both = attacked(Attack("segpgd", 8, steps=3)).pictures
    alone = attacked(Attack("segpgd", 8, steps=3), count=1).pictures
    assert (both[:1].int() - alone.int()).abs().max() <= 0


def test_more_steps_never_lower_the_best_loss():
    highest = [attacked(Attack("pgd", 8, steps=steps, alpha=2, kept="best")).plain.amax(0) for steps in (1, 2, 4, 8)]
    assert all((more >= less).all() for less, more in itertools.pairwise(highest))
    assert (highest[-1] > highest[0]).all()


def test_best_is_the_picture_of_the_highest_loss():
    net, attack = model(), Attack("pgd", 8, steps=4, alpha=16, kept="best", rounded=False)  # steps too long to settle
    found = attacked(attack, net)
    loss = segmentation_loss(net, labels(), attack)(found.pictures, 0).plain
    assert torch.allclose(loss, found.plain.amax(0))
    assert found.plain.shape == (5, 2)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_model_is_left_as_it_was(name, norm):
    net = model().train()
    net[0].weight.requires_grad_(False)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    attacked(Attack(name, 8, norm=norm), net)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert net.training
    assert net[1].training
    assert not net[0].weight.requires_grad
    assert net[4].weight.requires_grad
    assert all(one.grad is None for one in net.parameters())


def test_a_trained_toy_gets_worse_and_with_a_target_goes_there():
    torch.manual_seed(1)
    truth = labels(8, classes=3)
    truth[:, 0] = 0
    # the class is the brightest channel, by 60 levels, and noise
    x = (pictures(8) // 3 + 60 * nn.functional.one_hot(truth, 3).permute(0, 3, 1, 2)).to(torch.uint8)
    net = nn.Conv2d(3, 3, 1)
    learn = torch.optim.Adam(net.parameters(), 0.1)
    for _ in range(60):
        learn.zero_grad()
        nn.functional.cross_entropy(net(x.float() / 255), truth).backward()
        learn.step()

    def right(found, wanted):
        return (net(found.float() / 255).argmax(1) == wanted).float().mean().item()

    clean = right(x, truth)
    scores = {}
    with frozen(net), torch.no_grad():
        for name in ATTACKS:
            attack = Attack(name, 16)
            found = attack_pictures(segmentation_loss(net, truth, attack), x, attack, range(8)).pictures
            scores[name] = right(found, truth)
        attack = Attack("pgd", 60, target=2)
        drawn = attack_pictures(segmentation_loss(net, truth, attack), x, attack, range(8)).pictures
        assert right(drawn, 2) > 0.9 > right(x, 2) + 0.3
    assert clean > 0.7
    assert all(score < clean - 0.05 for score in scores.values()), (clean, scores)


def test_losses_of_detectors_are_summed_and_driven_up():
    attack = Attack("pgd", 8, steps=2)
    loss = detection_loss(lambda x: x.sum() + 2 * x.mean(), attack)  # one number of a batch of one
    found = attack_pictures(loss, pictures(1), attack, [0]).pictures
    assert torch.equal(found, (pictures(1).int() + 8).clamp(max=255).to(torch.uint8))


@pytest.mark.parametrize(
    ("attack", "told"),
    [(Attack("segpgd", 1), "segpgd weighs the loss of each pixel"), (Attack("pgd", 1, target=1), "leave `target` out")],
)
def test_attacks_that_are_not_for_detectors_are_refused(attack, told):
    with pytest.raises(MMFanError, match=told):
        detection_loss(torch.sum, attack)


def test_what_cannot_be_attacked_is_named():
    attack = Attack("pgd", 8)
    net = model()
    cut = segmentation_loss(lambda x: net(x.detach()).detach(), labels(), attack)
    with pytest.raises(MMFanError, match=r"no gradient with respect to the pictures"):
        attack_pictures(cut, pictures(), attack, [1, 2])
    with pytest.raises(MMFanError, match="not finite"):
        attack_pictures(segmentation_loss(lambda x: net(x) * torch.inf, labels(), attack), pictures(), attack, [1, 2])
    with pytest.raises(MMFanError, match=r"a seed for each of 2 pictures, got 1"):
        attack_pictures(cut, pictures(), attack, [1])
    with pytest.raises(WrongTypeError, match=r"pictures of uint8, got torch.float32"):
        attack_pictures(cut, pictures().float() / 255, attack, [1, 2])
    with pytest.raises(MMFanError, match=r"values from 0 to 1, got 0.0 to 255.0"):
        attack_pictures(cut, pictures().float(), Attack("pgd", 8, rounded=False), [1, 2])
    with pytest.raises(MMFanError, match=r"\(B, C, H, W\), got \(3, 12, 10\)"):
        attack_pictures(cut, pictures()[0], attack, [1])
    with (
        pytest.raises(MMFanError, match=r"float32, and the model's parameters are torch.bfloat16"),
        frozen(nn.Conv2d(3, 3, 1).bfloat16()),
    ):
        pass
