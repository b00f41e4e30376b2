"""Divergences between views: the known answers, what is left out, and where gradients go."""

import math

import pytest
import torch

from mmfan.training.comparison.divergence import (
    bernoulli_divergence,
    bernoulli_divergence_from,
    divergence,
    divergence_from,
    mean_over,
)

SURE = 60.0


def one_hot(*classes, size=4):
    """Logits (1, C, 1, len): sure of one class at each place."""
    logits = torch.zeros(1, size, 1, len(classes))
    for place, name in enumerate(classes):
        logits[0, name, 0, place] = SURE
    return logits


def test_views_that_agree_have_none():
    logits = torch.randn(2, 5, 3, 3)
    assert divergence([logits, logits, logits]).abs().max() < 1e-6
    assert bernoulli_divergence([logits, logits]).abs().max() < 1e-6


def test_views_that_are_sure_of_different_classes():
    assert divergence([one_hot(0), one_hot(1), one_hot(2)]).item() == pytest.approx(math.log(3), abs=1e-5)
    assert divergence([one_hot(0), one_hot(1)]).item() == pytest.approx(math.log(2), abs=1e-5)
    sure = torch.tensor([SURE, -SURE])
    torch.testing.assert_close(bernoulli_divergence([sure, -sure]), torch.full((2,), math.log(2)))


def test_against_the_definition_in_numpy():
    scipy = pytest.importorskip("scipy.special")
    views = [torch.randn(3, 6) for _ in range(3)]
    scores = [scipy.softmax(view.double().numpy(), axis=1) for view in views]
    mean = sum(scores) / 3
    expected = sum(scipy.kl_div(one, mean).sum(axis=1) for one in scores) / 3
    torch.testing.assert_close(divergence(views), torch.tensor(expected, dtype=torch.float32), rtol=1e-4, atol=1e-6)


def test_the_order_of_the_views_does_not_matter():
    views = [torch.randn(2, 4, 2, 2) for _ in range(3)]
    torch.testing.assert_close(divergence(views), divergence(views[::-1]))


def test_bernoulli_is_the_divergence_of_two_classes():
    first, second = torch.randn(50), torch.randn(50)
    two = [torch.stack((logits, torch.zeros(50)), dim=1) for logits in (first, second)]
    torch.testing.assert_close(bernoulli_divergence([first, second]), divergence(two), rtol=1e-4, atol=1e-6)


def test_every_view_has_a_gradient():
    views = [torch.randn(2, 4, 2, 2, requires_grad=True) for _ in range(3)]
    divergence(views).sum().backward()
    assert all(view.grad.abs().sum() > 0 for view in views)


def test_from_a_teacher():
    torch.testing.assert_close(divergence_from(torch.zeros(1, 4), torch.zeros(1, 4)), torch.zeros(1))
    # KL((1/2, 1/2) || (3/4, 1/4)) = ln 2 - (ln 3) / 2
    student = torch.tensor([[math.log(3.0), 0.0]], requires_grad=True)
    teacher = torch.zeros(1, 2, requires_grad=True)
    value = divergence_from(teacher, student)
    assert value.item() == pytest.approx(math.log(2) - math.log(3) / 2, abs=1e-6)
    value.sum().backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0
    lone = bernoulli_divergence_from(torch.zeros(3), torch.full((3,), math.log(3.0)))
    torch.testing.assert_close(lone, value.detach().expand(3))


def test_ignored_places_do_not_count():
    values = torch.tensor([1.0, 2.0, 300.0])
    assert mean_over(values, torch.tensor([True, True, False])).item() == 1.5
    assert mean_over(values, torch.zeros(3, dtype=torch.bool)).item() == 0
    assert mean_over(values).item() == 101
    assert mean_over(torch.zeros(0)).item() == 0
