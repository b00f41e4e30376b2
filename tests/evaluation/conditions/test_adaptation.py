"""Adaptation at test time against numbers by hand: statistics with a prior, TENT, SAR; models are given back."""

import copy
import itertools
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions import ConditionCell, NotToModelError, PictureBatch, Situation, make_condition
from mmfan.evaluation.conditions.adaptation import AdaptedStatistics, Sar, Tent, entropies, logits_of, work_of
from mmfan.evaluation.conditions.works import Works, refuse_bare_function

FOG = Cell("fog", 3)


class Network(nn.Module):
    """Three channels to two classes, with one batch norm that has other statistics than its input."""

    def __init__(self, norm=nn.BatchNorm2d):
        super().__init__()
        self.norm = norm(3)
        self.head = nn.Conv2d(3, 2, 1)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        if isinstance(self.norm, nn.BatchNorm2d):
            self.norm.running_mean += 1
            self.norm.running_var *= 4

    def forward(self, x):
        return self.head(self.norm(x))


def batch(pictures=2, seed=1, shift=3.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(pictures, 3, 4, 5, generator=generator) * 2 + shift


def cell_of(name, corruption=FOG, **settings):
    return ConditionCell(corruption, make_condition("adaptation", name, **settings))


def predict(model, cells, batches):
    """The outputs of each cell, and the model as it is after it all."""
    works = Works(Situation(model), cells)
    found = []
    for cell in cells:
        with works.during(cell, {}), torch.no_grad():
            named = [PictureBatch(one, names=[f"{float(one.sum())}.png"] * len(one)) for one in batches]
            found.append([works.forward(lambda batch: model(batch.pixels), one).clone() for one in named])
    return found


def state(model):
    return copy.deepcopy(model.state_dict()), [one.requires_grad for one in model.parameters()], model.norm.training


def same_state(one, other):
    return all(torch.equal(value, other[0][name]) for name, value in one[0].items()) and one[1:] == other[1:]


@pytest.fixture
def model():
    return Network().eval()


def test_statistics_by_hand():
    norm = nn.BatchNorm2d(1).eval()
    norm.running_mean.fill_(4.0)
    norm.running_var.fill_(9.0)
    adapted = AdaptedStatistics(norm, prior=3)
    # one picture of 0 and 2: mean 1, variance 1; three parts 4 and 9 to one of 1 and 1
    adapted.take(torch.tensor([0.0, 2.0]).reshape(1, 1, 1, 2))
    assert [float(one) for one in adapted.statistics()] == pytest.approx([(3 * 4 + 1) / 4, (3 * 9 + 1) / 4])
    # a second of 5 and 7: the two have mean 3.5 and variance mean of squares (0 + 4 + 25 + 49) / 4 - 3.5^2 = 7.25
    adapted.take(torch.tensor([5.0, 7.0]).reshape(1, 1, 1, 2))
    assert [float(one) for one in adapted.statistics()] == pytest.approx(
        [(3 * 4 + 2 * 3.5) / 5, (3 * 9 + 2 * 7.25) / 5]
    )
    adapted.reset()
    adapted.take(torch.full((1, 1, 1, 2), 8.0))
    assert [float(one) for one in adapted.statistics()] == pytest.approx([(3 * 4 + 8) / 4, (3 * 9 + 0) / 4])


def test_an_endless_prior_is_evaluation_and_none_is_training():
    norm, x = Network().norm.eval(), batch()
    endless, none = AdaptedStatistics(norm, math.inf), AdaptedStatistics(norm, 0)
    assert torch.equal(endless.forward(x), norm(x))
    expected = copy.deepcopy(norm).train()(x)
    assert torch.allclose(none.forward(x), expected, atol=1e-6)
    assert not torch.allclose(expected, norm(x), atol=0.1)


def test_a_prior_of_zero_predicts_as_training_does(model):
    x = batch()
    [[found]] = predict(model, [cell_of("bn", prior=0)], [x])
    trained = copy.deepcopy(model)
    trained.norm.train()
    assert torch.allclose(found, trained(x), atol=1e-5)


@pytest.mark.parametrize("name", ["tent", "sar", "bn"])
def test_one_value_a_channel_goes_by_the_trained_statistics(name, model):
    """What a pooling of whole maps leaves of a single picture: torch refuses it, and its variance would be none."""
    pooled = batch(1)[:, :, :1, :1]
    with torch.no_grad():
        as_it_is = model(pooled)
    settings = {"prior": 0} if name == "bn" else {}
    ((adapted,),) = predict(model, [cell_of(name, **settings)], [pooled])
    assert torch.equal(adapted, as_it_is)


def test_the_regions_of_a_picture_count_as_one_picture():
    """A thousand of a detector's picture would leave nothing of a prior of 16."""
    model = nn.Sequential(nn.BatchNorm1d(1, eps=0)).eval()
    regions = torch.tensor([0.0, 2.0]).repeat(500)[:, None]  # mean 1, variance 1, beside the trained 0 and 1
    work = work_of(make_condition("adaptation", "bn", prior=3), Situation(model))
    work.begin(cell_of("bn"))
    torch.testing.assert_close(work.forward(model, regions), regions - 1 / 4)
    torch.testing.assert_close(work.forward(model, regions), regions - 2 / 5)
    work.end()


def test_values_of_one_picture_each_make_statistics_together():
    """1 and 3, a picture each, with no prior: first the trained ones, then mean 2 and variance 1."""
    norm = nn.BatchNorm2d(1, eps=0).eval()
    adapted = AdaptedStatistics(norm, prior=0)
    first, second = (torch.full((1, 1, 1, 1), value) for value in (1.0, 3.0))
    assert adapted.forward(first).item() == 1
    assert adapted.forward(second).item() == 1
    assert [one.item() for one in adapted.statistics()] == [2, 1]


@pytest.mark.parametrize("name", ["bn", "tent", "sar", "cotta"])
@pytest.mark.parametrize("reset", ["picture", "cell", "never"])
def test_the_model_is_given_back_bit_for_bit(name, reset, model):
    before, x = state(model), batch(1)
    clean = model(x)
    model.head.weight.requires_grad_(False)
    before = state(model)
    settings = {"lr": 0.1} if name != "bn" else {}
    cells = [cell_of(name, Cell("fog", at), reset=reset, **settings) for at in (1, 2)]
    found = predict(model, cells, [x, batch(1, seed=2)])
    assert not torch.allclose(found[0][0], clean, atol=1e-3)
    assert same_state(before, state(model))
    assert torch.equal(model(x), clean)
    assert all(one.grad is None for one in model.parameters())


@pytest.mark.parametrize("name", ["bn", "tent", "sar", "cotta"])
def test_what_a_reset_forgets(name, model):
    first, second = batch(1), batch(1, seed=2)
    settings = {"lr": 0.1} if name != "bn" else {}
    found = {}
    for reset in ("picture", "cell", "never"):
        cells = [cell_of(name, Cell("fog", at), reset=reset, **settings) for at in (1, 2)]
        found[reset] = predict(model, cells, [first, second])
        alone = predict(model, cells[:1], [second])[0][0]
        order = predict(model, cells[:1], [second, first])[0]
        # the order of pictures changes nothing where each is forgotten, and something where it is not
        assert torch.equal(order[0], alone)
        assert torch.equal(found[reset][0][1], alone) == (reset == "picture")
    assert torch.equal(found["cell"][0][0], found["never"][0][0])  # nothing came before it
    assert all(map(torch.equal, found["cell"][0], found["cell"][1]))
    assert not torch.equal(found["never"][0][0], found["never"][1][0])


def test_a_failure_gives_the_model_back_too(model):
    before = state(model)
    works = Works(Situation(model), [cell_of("tent")])
    with pytest.raises(ZeroDivisionError), works.during(cell_of("tent"), {}):
        works.forward(lambda x: 1 / 0, batch())
    assert same_state(before, state(model))


def test_entropies():
    even, sure = torch.zeros(4, 1, 1), torch.tensor([100.0, 0, 0, 0]).reshape(4, 1, 1)
    assert float(entropies(even)) == pytest.approx(math.log(4))
    assert float(entropies(sure)) == pytest.approx(0, abs=1e-6)
    p = 1 / (1 + math.exp(-1.0))
    assert float(entropies(torch.ones(1, 1, 1))) == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p))


def test_probabilities_of_a_module_are_told_from_logits(model):
    x = batch()
    shares = model(x).softmax(1)
    assert logits_of(model(x))[0].tolist() == model(x)[0].tolist()
    torch.testing.assert_close(torch.stack(logits_of(shares)).softmax(1), shares)
    weights = []
    for step in (model, lambda given: model(given).softmax(1)):
        work = Sar(Situation(model), lr=0.1, margin=1.0, collapsed=0.0)
        work.begin(cell_of("sar"))
        work.forward(step, x)
        weights.append(model.norm.weight.detach().clone())
        work.end()
    assert not torch.allclose(weights[0], model.norm.weight, atol=1e-3)
    torch.testing.assert_close(weights[0], weights[1], atol=1e-5, rtol=0)


def test_tent_takes_the_step_of_adam_and_entropy_falls(model):
    x = batch()
    work = Tent(Situation(model), lr=0.01)
    work.begin(cell_of("tent"))
    weight = model.norm.weight.detach().clone()
    seen = [float(torch.stack([*map(entropies, work.forward(model, x))]).mean()) for _ in range(20)]
    assert seen[-1] < seen[0]
    assert all(later < earlier for earlier, later in itertools.pairwise(seen))
    work.end()
    # the first step of Adam is lr along the sign of the gradient
    work.begin(cell_of("tent"))
    outputs = work.forward(model, x)
    assert torch.allclose((model.norm.weight - weight).abs(), torch.full((3,), 0.01), atol=1e-4)
    assert not outputs.requires_grad  # predicted before the step
    work.end()
    assert torch.equal(model.norm.weight, weight)


def test_sar_leaves_unreliable_pixels_and_recovers(model):
    x = batch()
    weight = model.norm.weight.detach().clone()
    work = Sar(Situation(model), lr=0.1, margin=1e-9)  # nothing is as sure as that
    work.begin(cell_of("sar"))
    work.forward(model, x)
    assert torch.equal(model.norm.weight, weight)
    work.end()
    work = Sar(Situation(model), lr=0.1, margin=1.0, collapsed=0.0)
    work.begin(cell_of("sar"))
    work.forward(model, x)
    assert not torch.equal(model.norm.weight, weight)
    assert 0 < work.running < math.log(2)
    work.end()
    work = Sar(Situation(model), lr=0.1, margin=1.0, collapsed=1.0)  # every loss is a collapse
    work.begin(cell_of("sar"))
    work.forward(model, x)
    assert torch.equal(model.norm.weight, weight)
    assert work.running is None
    work.end()


def test_sars_step_is_by_the_gradient_nearby():
    """One parameter, its scale: loss and gradient at w + rho, then SGD at w."""
    model = Network().eval()
    model.norm.bias = None
    x, lr, rho = batch(), 0.1, 0.05
    expected = copy.deepcopy(model)
    expected.norm.train()
    expected.norm.track_running_stats, expected.norm.running_mean, expected.norm.running_var = False, None, None

    def loss(network):
        return torch.cat([entropies(one).flatten() for one in network(x)]).mean()

    (gradient,) = torch.autograd.grad(loss(expected), [expected.norm.weight])
    nearby = copy.deepcopy(expected)
    with torch.no_grad():
        nearby.norm.weight.add_(gradient * rho / gradient.norm())
    (second,) = torch.autograd.grad(loss(nearby), [nearby.norm.weight])
    work = Sar(Situation(model), lr=lr, rho=rho, margin=1.0, collapsed=0.0)
    work.begin(cell_of("sar"))
    before = model.norm.weight.detach().clone()
    work.forward(model, x)
    assert torch.allclose(model.norm.weight, before - lr * second, atol=1e-6)
    work.end()


class Rectified(nn.BatchNorm2d):
    """A batch norm with an activation within, as timm's BatchNormAct2d is."""

    def forward(self, x):
        return nn.functional.relu(super().forward(x))


@pytest.mark.parametrize("name", ["bn", "tent", "sar", "cotta"])
def test_batch_norms_that_do_more_than_to_normalise_still_do_it(name):
    model, x = Network(Rectified).eval(), batch()
    settings = {"bn": {"prior": 0}, "sar": {}}.get(name, {"lr": 1e-12})
    more = {"threshold": 0, "restore": 0} if name == "cotta" else {}
    before, trained = state(model), copy.deepcopy(model)
    trained.norm.train()
    [[found]] = predict(model, [cell_of(name, **settings, **more)], [x])
    torch.testing.assert_close(found, trained(x), atol=1e-5, rtol=0)
    assert same_state(before, state(model))
    if name == "bn":
        [[found]] = predict(model, [cell_of(name, prior=1e15)], [x])
        torch.testing.assert_close(found, model(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_of_models_in_half_precision_the_statistics_alone_adapt(kind):
    """Steps of 0.001 are lost where the next number to 1 is 1.008; Adam divides by 0 in float16."""
    model, x = Network().eval(), batch()
    [[expected]] = predict(model, [cell_of("bn", prior=1)], [x])
    half = copy.deepcopy(model).to(kind)
    [[found]] = predict(half, [cell_of("bn", prior=1)], [x.to(kind)])
    assert found.dtype == kind
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0)
    for name in ("tent", "sar"):
        with pytest.raises(NotToModelError, match=f"Weights of {kind} cannot follow .* judge the float32 model"):
            work_of(make_condition("adaptation", name), Situation(half))


@pytest.mark.parametrize("name", ["tent", "sar", "cotta"])
def test_gradients_that_vanish_in_float16_are_refused(name, model):
    cells = [cell_of(name)]
    with (
        torch.autocast("cpu", torch.float16),
        pytest.raises(NotToModelError, match="judge in bfloat16 or float32"),
    ):
        predict(model, cells, [batch()])
    with torch.autocast("cpu", torch.bfloat16):
        predict(model, cells, [batch()])


def test_what_sar_skips():
    model = nn.Sequential(Network(), nn.GroupNorm(1, 2)).eval()
    assert len(Sar(Situation(model)).changing) == 4
    assert len(Sar(Situation(model), skip=["0"]).changing) == 2
    with pytest.raises(NotToModelError, match="no module 'backbone' to skip; at the top it has 0, 1"):
        Sar(Situation(model), skip=["backbone"])


def test_models_that_cannot_be_adapted():
    bare = nn.Conv2d(3, 2, 1)
    for name, words in (("bn", "no batch norm, so"), ("tent", "no batch norm with scale"), ("sar", "no batch, layer")):
        with pytest.raises(NotToModelError, match=f"Conv2d has {words}"):
            work_of(make_condition("adaptation", name), Situation(bare))
    grouped = nn.Sequential(nn.Conv2d(3, 2, 1), nn.GroupNorm(1, 2))
    with pytest.raises(NotToModelError, match="SAR adapts layer and group norms as well"):
        work_of(make_condition("adaptation", "tent"), Situation(grouped))
    work_of(make_condition("adaptation", "sar"), Situation(grouped))
    with pytest.raises(NotToModelError, match=r"bn \(prior 16, reset cell\) cannot be done to a function of pictures"):
        refuse_bare_function([FOG, cell_of("bn")], "a function of pictures")
    refuse_bare_function([FOG], "a function of pictures")


def test_logits_of_segmentors_alone():
    logits = torch.zeros(2, 3, 4)
    sample = SimpleNamespace(seg_logits=SimpleNamespace(data=logits))
    assert logits_of([sample])[0] is logits
    # of one channel mmsegmentation keeps what its sigmoid made of the logits
    binary = SimpleNamespace(seg_logits=SimpleNamespace(data=torch.tensor([2.0, -1]).sigmoid().reshape(1, 1, 2)))
    assert logits_of([binary])[0].flatten().tolist() == pytest.approx([2, -1], abs=1e-5)
    assert len(logits_of(torch.zeros(5, 2, 3, 4))) == 5
    for outputs in ([SimpleNamespace(pred_instances=1)], [], torch.zeros(2, 3, 4)):
        with pytest.raises(NotToModelError, match="BatchNorm statistics adapt any model: bn"):
            logits_of(outputs)


def test_heads_that_fold_their_batch_norm_into_other_weights_are_adapted():
    from mmfan.models.layers.level_fusion import norm_as_affine

    model = Network().eval()
    folded = norm_as_affine(model.norm)
    works = Works(Situation(model), [cell_of("bn")])
    with works.during(cell_of("bn"), {}):
        assert norm_as_affine(model.norm) is None  # so that the head calls the layer
    assert all(map(torch.equal, norm_as_affine(model.norm), folded))
