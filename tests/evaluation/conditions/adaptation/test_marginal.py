"""MEMO against numbers by hand: the marginal entropy, the step, the copies; pictures do not know of each other."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.datasets.augmentations.steps import like
from mmfan.evaluation.conditions import ConditionCell, NotToModelError, PictureBatch, Situation, make_condition
from mmfan.evaluation.conditions.adaptation import Memo, work_of

CELL = ConditionCell(Cell("fog", 3), make_condition("adaptation", "memo"))


class Network(nn.Module):
    """Three channels to two classes of each pixel, after a batch norm that is used to other pictures."""

    def __init__(self):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for one in self.parameters():
                one.copy_(torch.randn(one.shape, generator=generator))
        self.norm.running_mean += 0.3
        self.norm.running_var *= 0.2

    def forward(self, x):
        return self.conv(self.norm(x))


def picture(seed=1, name="a.png"):
    pixels = np.random.default_rng(seed).integers(0, 256, (1, 3, 4, 6))
    return PictureBatch(torch.from_numpy(pixels).float() / 255, names=[name])


def predicted(model, *batches, seed=0, **settings):
    """What is predicted of each, and the model as it is after the last one's step."""
    work = Memo(Situation(model, seed=seed), **settings)
    work.begin(CELL)
    with torch.no_grad():
        found = [work.forward(lambda batch: model(batch.pixels), one) for one in batches]
    changed = copy.deepcopy(model.state_dict())
    work.end()
    return found, changed


def test_the_step_by_hand(monkeypatch):
    """Copies of 0 and of 1, logits (w x, 0): m = (1/2 + s(w)) / 2, H(m)' = ln((1 - m) / m) m'."""

    class Slope(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor(1.5))

        def forward(self, x):
            return torch.cat([self.w * x[:, :1], torch.zeros_like(x[:, :1])], 1)

    monkeypatch.setattr(Memo, "copy", lambda work, image, name, number: np.full_like(image, 255 * number))
    [found], changed = predicted(model := Slope(), picture(), copies=2, lr=0.5)
    s = 1 / (1 + math.exp(-1.5))
    m = (0.5 + s) / 2
    w = 1.5 - 0.5 * math.log((1 - m) / m) * s * (1 - s) / 2
    assert w > 1.5  # surer of the class that both copies are for, or undecided about
    assert float(changed["w"]) == pytest.approx(w, abs=1e-6)
    torch.testing.assert_close(found[0, 0], w * picture().pixels[0, 0])  # predicted after the step
    assert model.w.item() == 1.5
    # two answers that are sure, each of another class: the mean is even, and there is no way down
    monkeypatch.setattr(Memo, "copy", lambda work, image, name, number: np.full_like(image, 255 * number))
    model.forward = lambda x: torch.cat([model.w * (2 * x[:, :1] - 1), -model.w * (2 * x[:, :1] - 1)], 1)
    _, changed = predicted(model, picture(), copies=2, lr=0.5)
    assert float(changed["w"]) == pytest.approx(1.5, abs=1e-6)


@pytest.mark.parametrize(("optimizer", "steps"), [("sgd", 1), ("sgd", 3), ("adamw", 2)])
def test_the_steps_are_those_down_the_entropy_of_the_mean(optimizer, steps):
    model, batch, lr = Network().eval(), picture(), 0.05
    work = Memo(Situation(model), copies=3)
    image = (batch.pixels[0] * 255).round().byte().permute(1, 2, 0).numpy()
    copies = [torch.from_numpy(work.copy(image, "a.png", at)).permute(2, 0, 1)[None] / 255 for at in range(3)]
    expected = copy.deepcopy(model)
    expected.norm.running_mean, expected.norm.running_var = (
        expected.norm.running_mean * 1,
        expected.norm.running_var * 1,
    )

    def seen(x):
        """The network with the statistics of a picture beside the trained ones, which count as four."""
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        mean, variance = (4 * model.norm.running_mean + mean) / 5, (4 * model.norm.running_var + variance) / 5
        norm = expected.norm
        x = (x - mean[:, None, None]) / (variance[:, None, None] + norm.eps).sqrt()
        return expected.conv(x * norm.weight[:, None, None] + norm.bias[:, None, None])

    made = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[optimizer](expected.parameters(), lr=lr)
    for _ in range(steps):
        mean = torch.stack([seen(one).softmax(1) for one in copies]).mean(0)
        made.zero_grad()
        (-(mean * mean.log()).sum(1)).mean().backward()
        made.step()
    settings = {"optimizer": optimizer, "steps": steps, "copies": 3, "lr": lr, "prior": 4}
    [found], changed = predicted(model, batch, **settings)
    for name, value in expected.named_parameters():
        torch.testing.assert_close(changed[name], value.detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(found, seen(batch.pixels).detach(), atol=1e-5, rtol=0)


def test_an_endless_prior_and_no_step_to_speak_of_is_the_model_as_it_is():
    model, batch = Network().eval(), picture()
    [found], _ = predicted(model, batch, prior=1e15, lr=1e-12)
    torch.testing.assert_close(found, model(batch.pixels).detach(), atol=1e-5, rtol=0)
    [other], _ = predicted(model, batch, prior=0, lr=1e-12)
    torch.testing.assert_close(other, copy.deepcopy(model).train()(batch.pixels).detach(), atol=1e-5, rtol=0)


def test_pictures_do_not_know_of_each_other():
    model = Network().eval()
    before, clean = copy.deepcopy(model.state_dict()), model(picture().pixels)
    first, second = picture(1, "a.png"), picture(2, "b.png")
    both, changed = predicted(model, first, second, lr=0.5)
    assert all(map(torch.equal, both, predicted(model, second, first, lr=0.5)[0][::-1]))
    assert not torch.equal(changed["conv.weight"], before["conv.weight"])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(model(first.pixels), clean)
    assert all(one.grad is None and one.requires_grad for one in model.parameters())
    assert not model.norm.training
    [renamed], _ = predicted(model, picture(1, "c.png"), lr=0.5)
    [seeded], _ = predicted(model, first, lr=0.5, seed=1)
    assert not torch.equal(renamed, both[0])
    assert not torch.equal(seeded, both[0])


def test_copies_are_augmix_by_the_name_and_move_nothing():
    pytest.importorskip("mmcv")
    from mmfan.datasets.augmentations.augmix import AugMix

    work = Memo(Situation(Network(), seed=3), severity=2)
    image = np.random.default_rng(0).integers(0, 6, (20, 30, 3)).astype(np.uint8) * 40
    found = [work.copy(image, "a.png", number) for number in range(4)]
    assert len({one.tobytes() for one in found}) == 4
    np.random.seed(picture_seed(3, "a.png", "memo", 2) % 2**32)
    np.testing.assert_array_equal(found[2], like(AugMix(severity=2).mixed(image), image))
    # what was equal in a channel stays equal: each pixel changes by its value alone
    for changed in found:
        assert changed.dtype == np.uint8
        for channel in range(3):
            for value in np.unique(image[..., channel]):
                assert len(np.unique(changed[..., channel][image[..., channel] == value])) == 1


def test_mixed_precision_sees_the_weights_after_the_step():
    model, batch = Network().eval(), picture()
    [plain], _ = predicted(model, batch, lr=1e-9)
    [exact], _ = predicted(model, batch, lr=2.0)
    with torch.autocast("cpu", torch.bfloat16):
        [found], changed = predicted(model, batch, lr=2.0)
    assert not torch.allclose(exact, plain, atol=0.2)
    assert not torch.equal(changed["conv.weight"], model.conv.weight)
    torch.testing.assert_close(found.float(), exact, atol=0.1, rtol=0.05)


def test_models_that_it_cannot_change():
    with pytest.raises(NotToModelError, match="Identity has no parameters, so that there is nothing to adapt"):
        work_of(make_condition("adaptation", "memo"), Situation(nn.Identity()))
    model = nn.Conv2d(3, 2, 1)
    work = Memo(Situation(model))
    work.begin(CELL)
    with pytest.raises(NotToModelError, match="BatchNorm statistics adapt any model: bn"):
        work.forward(lambda batch: model(batch.pixels).argmax(1), picture())
    work.end()
    assert all(one.grad is None for one in model.parameters())
