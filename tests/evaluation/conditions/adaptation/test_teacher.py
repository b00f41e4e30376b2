"""CoTTA against numbers by hand: the student's step, the teacher, what is restored, and when which views are seen."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions import ConditionCell, NotToModelError, PictureBatch, Situation, make_condition
from mmfan.evaluation.conditions.adaptation import CoTTA, work_of
from mmfan.evaluation.conditions.adaptation.teacher import divergence
from mmfan.evaluation.conditions.adaptation.views import views_of

CELL = ConditionCell(Cell("fog", 3), make_condition("adaptation", "cotta"))


class Ramped(nn.Module):
    """Each pixel by itself; with a ramp from left to right, that makes it know left from right."""

    def __init__(self, ramp=0.0):
        super().__init__()
        self.conv, self.ramp = nn.Conv2d(3, 3, 1), ramp
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for one in self.parameters():
                one.copy_(torch.randn(one.shape, generator=generator))

    def forward(self, x):
        return self.conv(x) + self.ramp * torch.linspace(0, 1, x.shape[-1]) * torch.tensor([1.0, 0, 0])[:, None, None]


def pictures(count=1, seed=1, names=("a.png", "b.png")):
    generator = torch.Generator().manual_seed(seed)
    return PictureBatch(torch.rand(count, 3, 4, 6, generator=generator), names=names[:count])


def begun(model, **settings):
    work = CoTTA(Situation(model, seed=settings.pop("seed", 0)), **settings)
    work.begin(CELL)
    return work


def step_of(model, seen=None):
    def step(batch):
        if seen is not None:
            seen.append(tuple(batch.pixels.shape[2:]))
        return model(batch.pixels)

    return step


def test_one_step_by_hand():
    """Gradient of -(q ln p + p ln q) / 2 at p = q: -p (ln p + H) / 2 for each logit; Adam's first step is its sign."""
    model, batch = Ramped(), pictures()
    before = [one.detach().clone() for one in model.parameters()]
    trained = model(batch.pixels).detach()
    work = begun(model, lr=0.01, decay=0.75, restore=0, threshold=0)
    outputs = work.forward(step_of(model), batch)
    assert torch.equal(outputs, trained)  # the teacher's, before it follows
    assert not outputs.requires_grad
    p = trained.softmax(1)
    by_logit = -p / 2 * (p.log() - (p * p.log()).sum(1, keepdim=True))
    gradients = [torch.einsum("nkhw,nchw->kc", by_logit, batch.pixels) / 24, by_logit.sum((0, 2, 3)) / 24]
    after = list(model.parameters())
    for start, gradient, student, teacher in zip(before, gradients, after, work.teacher, strict=True):
        moved = start - 0.01 * gradient.reshape(start.shape).sign()
        torch.testing.assert_close(student.detach(), moved, atol=1e-5, rtol=0)
        torch.testing.assert_close(teacher, 0.75 * start + 0.25 * student.detach(), atol=1e-6, rtol=0)
    # the next batch is predicted by the teacher, not by the student
    second = pictures(seed=2)
    weight, bias = (one.clone() for one in work.teacher)
    outputs = work.forward(step_of(model), second)
    expected = F.conv2d(second.pixels, weight, bias)
    torch.testing.assert_close(outputs, expected)
    assert not torch.allclose(outputs, Ramped()(second.pixels), atol=1e-5)
    work.end()
    assert all(map(torch.equal, model.parameters(), before))


def test_the_student_goes_on_from_where_it_is():
    """Three steps of a student that learns from a teacher who stays as trained."""
    model, batch = Ramped(), pictures()
    work = begun(model, lr=0.1, decay=1, restore=0, threshold=0)
    for _ in range(3):
        outputs = work.forward(step_of(model), batch)
    assert torch.equal(outputs, Ramped()(batch.pixels))
    expected = Ramped()
    q, adam = expected(batch.pixels).softmax(1).detach(), torch.optim.Adam(expected.parameters(), lr=0.1)
    for _ in range(3):
        adam.zero_grad()
        p = expected(batch.pixels).softmax(1)
        (-(q * p.log() + p * q.log()).sum(1).mean() / 2).backward()
        adam.step()
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_divergence_by_hand():
    logits, shares = torch.tensor([0.0, math.log(3)]).reshape(2, 1, 1), torch.tensor([0.5, 0.5]).reshape(2, 1, 1)
    # p = 1/4, 3/4; q = 1/2, 1/2
    crossed = -(0.5 * math.log(0.25) + 0.5 * math.log(0.75))
    assert float(divergence(logits, shares)) == pytest.approx((crossed + math.log(2)) / 2)
    assert float(divergence(torch.full((1, 1, 1), math.log(3)), shares)) == pytest.approx((crossed + math.log(2)) / 2)
    assert math.isfinite(float(divergence(logits, torch.tensor([1.0, 0]).reshape(2, 1, 1))))


def stepped(restore, seed=0, names=("a.png",), steps=1, times=1):
    """The weights after steps; with ``times`` in the last of so many cells."""
    model, batch = Ramped(), pictures(names=names)
    work = CoTTA(Situation(model, seed=seed), lr=0.1, restore=restore, threshold=0)
    for _ in range(times):
        work.end()
        work.begin(CELL)
        for _ in range(steps):
            work.forward(step_of(model), batch)
    return [one.detach().clone() for one in model.parameters()]


def drawn(step, shapes):
    draws = torch.Generator().manual_seed(picture_seed(0, "a.png", "cotta", step))
    return [torch.rand(shape, generator=draws) < 0.5 for shape in shapes]


def test_what_is_restored():
    trained, free = [one.detach() for one in Ramped().parameters()], stepped(0)
    assert all(bool((one != start).all()) for one, start in zip(free, trained, strict=True))
    assert all(map(torch.equal, stepped(1), trained))
    half = stepped(0.5)
    shapes = [one.shape for one in trained]
    for one, back, moved, start in zip(half, drawn(0, shapes), free, trained, strict=True):
        assert torch.equal(one, torch.where(back, start, moved))
    for one, back, start in zip(stepped(0.5, steps=2), drawn(1, shapes), trained, strict=True):
        assert torch.equal(one == start, back)
    assert all(map(torch.equal, half, stepped(0.5)))
    assert all(map(torch.equal, stepped(0.5, steps=2), stepped(0.5, steps=2, times=2)))  # the count is of a cell
    for other in (stepped(0.5, seed=1), stepped(0.5, names=("b.png",)), stepped(0.5, steps=2)):
        assert not all(map(torch.equal, half, other))


def shares_of(model, x):
    return model(x).softmax(1)


def test_mirrored_views_of_a_network_that_knows_no_left_are_the_plain_one():
    model, batch = Ramped(), pictures(2)
    plain = shares_of(model, batch.pixels).detach()
    work = begun(model, threshold=1, scales=[1], flip=True)
    torch.testing.assert_close(shares_of(lambda x: x, work.forward(step_of(model), batch)), plain)
    work.end()


def test_the_mean_over_the_views_by_hand():
    model, batch = Ramped(ramp=3.0), pictures(2)
    x = batch.pixels

    def resized(values, size):
        return F.interpolate(values, size, mode="bilinear", align_corners=False)

    larger = resized(model(resized(x, (8, 12))), (4, 6))
    mirrored = model(x.flip(-1)).flip(-1)
    both = resized(model(resized(x, (8, 12)).flip(-1)).flip(-1), (4, 6))
    expected = torch.stack([one.softmax(1) for one in (model(x), mirrored, larger, both)]).mean(0)
    seen = []
    work = begun(model, threshold=1, scales=[1, 2], flip=True)
    outputs = work.forward(step_of(model, seen), batch)
    torch.testing.assert_close(outputs.softmax(1), expected.detach())
    # teacher, the trained model, the three other views, the student
    assert seen == [(4, 6), (4, 6), (4, 6), (8, 12), (8, 12), (4, 6)]
    work.end()
    assert not torch.allclose(model(x).softmax(1), expected, atol=1e-2)
    # without the plain view among them the answer is of the others alone
    work = begun(model, threshold=1, scales=[2], flip=False)
    torch.testing.assert_close(work.forward(step_of(model), batch).softmax(1), larger.softmax(1).detach())


def test_views_are_seen_where_the_trained_model_is_unsure():
    model, batch = Ramped(), pictures()
    sure = shares_of(model, batch.pixels).amax(1).mean().item()
    for threshold, passes in ((sure + 1e-4, 3 + 1), (sure - 1e-4, 3), (0, 2)):
        seen = []
        work = begun(model, threshold=threshold, scales=[1])
        work.forward(step_of(model, seen), batch)
        assert len(seen) == passes
        work.end()
    # it is the trained model that is asked, whatever the teacher has become
    work = begun(model, lr=0.5, decay=0, restore=0, threshold=sure + 1e-4, scales=[1], flip=False)
    for _ in range(3):
        outputs = work.forward(step_of(model), batch)
    assert outputs.softmax(1).amax(1).mean() > sure + 0.1
    work.views = views_of([1], flip=True)
    seen = []
    work.forward(step_of(model, seen), batch)
    assert len(seen) == 4


def test_a_class_of_the_whole_picture_has_nothing_to_put_back():
    """Sizes stay as they are, for networks that know one size; zooming out repeats the border."""

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.seen = nn.Parameter(torch.ones(())), []

        def forward(self, x):
            self.seen.append(x.detach().clone())
            return (self.scale * x).mean((2, 3), keepdim=True)

    model, batch = Classifier(), pictures()
    work = begun(model, threshold=1, scales=[1, 0.5, 2], flip=False)
    outputs = work.forward(step_of(model), batch)
    assert {tuple(one.shape) for one in model.seen} == {(1, 3, 4, 6)}
    half, twice = model.seen[2:4]
    torch.testing.assert_close(half[..., 0, 0], batch.pixels[..., 0, 0])  # the corner spreads
    torch.testing.assert_close(half[..., 1:3, 2:4].mean(), batch.pixels[..., :, 1:5].mean(), atol=0.2, rtol=0)
    # a picture of twice the size shows its middle: between the pixels there
    middle = batch.pixels[0, 0, 1:3, 2:4]
    torch.testing.assert_close(
        twice[0, 0, 1, 2], (9 * middle[0, 0] + 3 * (middle[0, 1] + middle[1, 0]) + middle[1, 1]) / 16
    )
    expected = torch.stack([one.mean((2, 3)).softmax(1) for one in (batch.pixels, half, twice)]).mean(0)
    torch.testing.assert_close(outputs[..., 0, 0].softmax(1), expected)


def test_mixed_precision_sees_the_weights_of_each_pass():
    """Autocast keeps weights that it has cast, which would be those of the pass before."""
    model, batch = Ramped(), pictures()
    work = begun(model, lr=1.0, decay=0, restore=0, threshold=1, scales=[1], flip=True)
    step = step_of(model)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        work.forward(step, batch)
        weight, bias = (one.detach().clone() for one in model.parameters())
        outputs = work.forward(step, batch)
        assert torch.is_autocast_cache_enabled()
    assert not any(map(torch.equal, (weight, bias), Ramped().parameters()))
    expected = F.conv2d(batch.pixels, weight, bias).softmax(1)
    torch.testing.assert_close(outputs.float().softmax(1), expected, atol=0.03, rtol=0)
    assert not torch.allclose(expected, shares_of(Ramped(), batch.pixels), atol=0.1)


def test_models_that_it_cannot_change():
    def cotta(model):
        return work_of(make_condition("adaptation", "cotta"), Situation(model))

    with pytest.raises(NotToModelError, match="Identity has no parameters, so that there is nothing to adapt"):
        cotta(nn.Identity())
    with pytest.raises(NotToModelError, match=r"Weights of torch.float16 cannot follow.*judge the float32 model"):
        cotta(Ramped().half())
    detector = type("Detector", (type("BaseDetector", (nn.Conv2d,), {}),), {})(3, 2, 1)
    with pytest.raises(NotToModelError, match="BatchNorm statistics adapt any model: bn"):
        cotta(detector)
    frozen = Ramped().requires_grad_(False)
    assert len(cotta(frozen).changing) == 2
    work = begun(Ramped())
    with pytest.raises(NotToModelError, match="BatchNorm statistics adapt any model: bn"):
        work.forward(lambda batch: torch.zeros(1, 4, 6, dtype=torch.long), pictures())
