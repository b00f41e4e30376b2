"""Attacks in ``judge``: on a module of torch, in its own classes and padding; what has no gradient is named."""

import numpy as np
import pytest
import torch
from helpers.tiny_pictures import by_brightness, judge, pairs, street_set

from mmfan.adapters import Preprocessing, TorchSegmentor
from mmfan.adapters.classes import ClassFit
from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.conditions import ConditionCell, NotToModelError, PictureBatch, Situation, make_condition
from mmfan.evaluation.conditions.attack import work_of
from mmfan.evaluation.conditions.work import FUNCTION
from mmfan.evaluation.judging.asked_attack import asked_attacks


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return street_set(tmp_path_factory.mktemp("data"))


class ByBrightness(torch.nn.Module):
    """Sky where it is bright, road between, car where it is dark; linear, so that the attack is known."""

    def __init__(self, order=(0, 1, 2)):
        super().__init__()
        weight = torch.tensor([1.0, 0.0, -1.0])[list(order)]
        bias = torch.tensor([-155.5 / 255, 0.0, 70.5 / 255])[list(order)]
        self.register_buffer("weight", weight[:, None, None, None].expand(-1, 3, 1, 1) / 3)
        self.register_buffer("bias", bias)
        self.scale = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, x):
        return self.scale * torch.nn.functional.conv2d(x, self.weight, self.bias)


def right_when_moved(eps):
    """Pixel accuracy of brightness thresholds when every bright class is darkened by eps, the dark one brightened.

    The cross entropy of a road pixel grows either way; it is moved to the nearer threshold.
    """
    right = total = 0
    for picture, label in pairs():
        kept = label != 255
        best = np.ones(label.shape, bool)
        for by in (-eps, eps):
            grey = np.clip(picture.astype(int) + by, 0, 255).mean(axis=2)
            best &= np.where(grey > 155.5, 0, np.where(grey > 70.5, 1, 2)) == label
        right, total = right + (best & kept).sum(), total + kept.sum()
    return right / total


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_linear_module_loses_what_its_thresholds_say(batch_size, data, tmp_path):
    found = judge(
        TorchSegmentor(ByBrightness(), data), data, tmp_path / "r.jsonl", batch_size=batch_size,
        protocol=asked_attacks(["fgsm"], [0.5, 30, 40]),
    )  # fmt: skip
    scores = {(record.get("condition") or {}).get("strength", 0): record["metrics"] for record in found.records}
    assert scores[0.5] == scores[0]
    for eps in (30, 40):
        assert scores[eps]["aAcc"] == pytest.approx(right_when_moved(eps), abs=1e-9)
    assert scores[40]["aAcc"] < scores[30]["aAcc"] < scores[0]["aAcc"]
    assert found.records[1]["condition"] == {
        "kind": "attack", "name": "fgsm", "strength": 0.5, "settings": {"norm": "linf", "rounded": True}
    }  # fmt: skip


def test_classes_in_another_order_and_padding_change_nothing(data):
    protocol = asked_attacks(["pgd"], [10], {"steps": 2})
    plain = judge(TorchSegmentor(ByBrightness(), data), data, protocol=protocol)
    turned = TorchSegmentor(ByBrightness((2, 0, 1)), data, Preprocessing(divisor=32), classes=["car", "sky", "road"])
    other = judge(turned, data, protocol=protocol)
    assert [one["metrics"] for one in other.records] == [one["metrics"] for one in plain.records]


def test_pictures_of_a_batch_in_two_sizes_are_all_shown_as_they_were_attacked():
    condition, network = make_condition("attack", "fgsm", 8), ByBrightness()
    work = work_of(condition, Situation(network, FUNCTION, batch_size=2))
    work.begin(ConditionCell(CLEAN, condition))
    clean = {name: np.full((6, side, 3), 100, np.uint8) for name, side in (("a.png", 8), ("b.png", 9), ("c.png", 8))}
    for name, picture in clean.items():
        pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        work.forward(lambda one: network(one.pixels), PictureBatch(pixels, [np.zeros((6, picture.shape[1]))], [name]))
        if name != "a.png":
            seen = [abs(work.given(one, clean[one]).astype(int) - 100).max() for one in clean]
            assert seen == ([8, 8, 0] if name == "b.png" else [0, 8, 8])  # the last two, as many as a batch has
    work.end()


def test_a_module_that_ends_in_a_softmax_is_attacked_as_its_logits_are():
    """By the length of a gradient in L2: that of a softmax's own outputs is of another shape."""
    condition = make_condition("attack", "fgsm", 60, norm="l2", rounded=False)
    rng, found = torch.Generator().manual_seed(0), []
    pixels = torch.randint(256, (1, 3, 6, 8), generator=rng).float() / 255
    truth = torch.randint(3, (6, 8), generator=rng).numpy().astype("uint8")
    network = ByBrightness()
    for step in (lambda one: network(one.pixels), lambda one: network(one.pixels).softmax(1)):
        work = work_of(condition, Situation(network, FUNCTION))
        work.begin(ConditionCell(CLEAN, condition))
        work.forward(step, PictureBatch(pixels, [truth], ["a.png"]))
        found.append(work._found["a.png"])
        work.end()
    assert (found[0] - pixels[0]).abs().max() > 0.02
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=0)


def test_labels_in_the_classes_of_the_model():
    fit = ClassFit(["sky", "road", "car"], {0: "road", 2: "van", 3: "sky", 5: "car"}, {"van": "car"})
    assert fit.own_labels(np.array([[0, 1, 2, 255]])).tolist() == [[3, 0, 2, 255]]
    assert ClassFit(["a", "b"]).own_labels(np.array([[0, 1]])).tolist() == [[0, 1]]


def test_what_has_no_gradient_is_named(data):
    protocol = asked_attacks(["pgd"], [4])
    with pytest.raises(NotToModelError, match=r"pgd .* cannot be done to a function of pictures.*TorchSegmentor"):
        judge(by_brightness, data, protocol=protocol)

    class Numbers(ByBrightness):
        def forward(self, x):
            return super().forward(x).argmax(1)

    with pytest.raises(Exception, match="class numbers have no gradient"):
        judge(TorchSegmentor(Numbers(), data), data, protocol=protocol)
    with pytest.raises(Exception, match=r"parameters are torch\.bfloat16"):
        judge(TorchSegmentor(ByBrightness(), data, dtype=torch.bfloat16), data, protocol=protocol)
