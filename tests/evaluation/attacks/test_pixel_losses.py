"""Losses of pixels: the weights of SegPGD and CosPGD, ignored pixels, targets; by hand."""

import pytest
import torch
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.ascent import gradient_of
from mmfan.evaluation.attacks.pixel_losses import cospgd_weights, segmentation_loss, segpgd_weights
from mmfan.evaluation.attacks.settings import Attack

LOGITS = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.5]]).T.view(1, 2, 1, 3)  # three pixels, two classes
LABELS = torch.tensor([0, 0, 1]).view(1, 1, 3)  # right, wrong, right
ENTROPY = -torch.log_softmax(LOGITS, 1).gather(1, LABELS[:, None])[:, 0]


def losses(attack, step, labels=LABELS):
    return segmentation_loss(lambda pictures: LOGITS, labels, attack)(torch.zeros(1, 3, 1, 3), step)


def test_plain_loss_is_the_mean_cross_entropy():
    found = losses(Attack("pgd", 1), 0)
    assert torch.allclose(found.ascended, F.cross_entropy(LOGITS, LABELS)[None])
    assert torch.equal(found.ascended, found.plain)


def test_segpgd_begins_with_the_pixels_that_are_right():
    attack = Attack("segpgd", 1, steps=4)
    right = torch.tensor([True, False, True]).view_as(LABELS)
    assert torch.allclose(losses(attack, 0).ascended, (ENTROPY * right).sum()[None] / 3)
    # step 3 of 4: 3/8 for what is wrong
    by_hand = (5 / 8 * ENTROPY[right].sum() + 3 / 8 * ENTROPY[~right].sum()) / 3
    assert torch.allclose(losses(attack, 3).ascended, by_hand[None])


def test_segpgd_of_a_half_is_half_the_cross_entropy():
    weights = segpgd_weights(LOGITS, LABELS, 0.5)
    assert weights.tolist() == [[[0.5, 0.5, 0.5]]]
    assert torch.allclose(losses(Attack("segpgd", 1, steps=4), 4).ascended, F.cross_entropy(LOGITS, LABELS)[None] / 2)


def test_segpgd_with_a_target_weighs_what_is_not_there_yet():
    assert segpgd_weights(LOGITS, LABELS, 0.0, targeted=True).tolist() == [[[0, 1, 0]]]


def test_cospgd_weights():
    certain = torch.tensor([[1e4, 0.0], [0.0, 1e4], [0.0, 0.0]]).T.view(1, 2, 1, 3)
    labels = torch.tensor([0, 0, 1]).view(1, 1, 3)
    # one-hot and right 1, one-hot and wrong 0, (1/2, 1/2) to a unit vector 45 degrees
    assert torch.allclose(cospgd_weights(certain, labels), torch.tensor([1, 0, 0.5**0.5]).view(1, 1, 3))
    assert torch.allclose(cospgd_weights(certain, labels, targeted=True), torch.tensor([0, 1, 1 - 0.5**0.5]))
    three = torch.log(torch.tensor([0.5, 0.3, 0.2])).view(1, 3, 1, 1)
    cosine = 0.3 / (0.25 + 0.09 + 0.04) ** 0.5
    assert cospgd_weights(three, torch.ones(1, 1, 1, dtype=torch.long)).item() == pytest.approx(cosine)


def test_cospgd_is_the_weighed_cross_entropy_and_its_weight_has_no_gradient():
    weights = cospgd_weights(LOGITS, LABELS)
    logits = LOGITS.clone().requires_grad_()
    loss = segmentation_loss(lambda pictures: logits, LABELS, Attack("cospgd", 1))(torch.zeros(1, 3, 1, 3), 0)
    assert torch.allclose(loss.ascended, (weights * ENTROPY).sum()[None] / 3)
    (gradient,) = torch.autograd.grad(loss.ascended.sum(), logits)
    one_hot = F.one_hot(LABELS, 2).permute(0, 3, 1, 2)
    assert torch.allclose(gradient, weights[:, None] * (LOGITS.softmax(1) - one_hot) / 3)


@pytest.mark.parametrize("name", ["fgsm", "pgd", "segpgd", "cospgd"])
@pytest.mark.parametrize("target", [None, 1])
def test_ignored_pixels_have_no_gradient_and_count_for_nothing(name, target):
    labels = torch.tensor([0, 255, 1]).view(1, 1, 3)
    weight = torch.tensor([[1.0, 0, 0], [0, 1, 0]]).view(2, 3, 1, 1)
    attack = Attack(name, 1, target=target)
    loss = segmentation_loss(lambda pictures: F.conv2d(pictures, weight), labels, attack)
    pictures = torch.rand(1, 3, 1, 3, generator=torch.Generator().manual_seed(0))
    gradient, plain = gradient_of(loss, pictures, 1 if name == "segpgd" else 0)
    assert (gradient[..., 1] == 0).all()
    assert gradient[0, :2, 0, 0].abs().min() > 0
    logits = F.conv2d(pictures, weight)[0, :, 0]
    wanted = [0, 1] if target is None else [1, 1]
    by_hand = sum(-logits[:, at].log_softmax(0)[number] for at, number in zip([0, 2], wanted, strict=False)) / 2
    assert plain.item() == pytest.approx(by_hand.item() * (1 if target is None else -1), rel=1e-5)


def test_a_picture_of_ignored_pixels_alone_has_the_loss_0():
    labels = torch.full((1, 1, 3), 255)
    loss = segmentation_loss(lambda pictures: pictures[:, :2] * 1, labels, Attack("cospgd", 1))
    gradient, plain = gradient_of(loss, torch.rand(1, 3, 1, 3), 0)
    assert plain.item() == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize(
    ("logits", "labels", "attack", "told"),
    [
        (LOGITS[..., :2], LABELS, Attack("pgd", 1), r"of the labels' size, \(1, 1, 3\), got \(1, 2, 1, 2\)"),
        (LOGITS[:, :1], LABELS, Attack("pgd", 1), r"at least 2 classes, got 1: .*`out_channels=2`"),
        (LOGITS, LABELS + 1, Attack("pgd", 1), "Class 2 of the labels or of the target is none of the 2 classes"),
        (LOGITS, LABELS, Attack("pgd", 1, target=5), "Class 5"),
    ],
)
def test_what_does_not_fit_is_named(logits, labels, attack, told):
    with pytest.raises(MMFanError, match=told):
        segmentation_loss(lambda pictures: logits, labels, attack)(torch.zeros(1, 3, 1, 3), 0)
