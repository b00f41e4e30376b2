"""Torch modules that classify: what they get, and what becomes of what they return."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from mmfan import ClassificationData, judge
from mmfan.adapters import Preprocessing, TorchClassifier
from mmfan.adapters.exported_classifier import flat_scores
from mmfan.errors import MMFanError
from mmfan.evaluation.judging.asked_attack import asked_attacks


class Means(torch.nn.Module):
    """The means of the channels, in a form."""

    def __init__(self, form=lambda scores: scores):
        super().__init__()
        self.form, self.seen = form, []

    def forward(self, pictures):
        self.seen.append((tuple(pictures.shape), self.training, torch.is_grad_enabled()))
        return self.form(pictures.mean((2, 3)))


def picture(height=40, width=48):
    return np.dstack([np.full((height, width), value, np.uint8) for value in (10, 20, 250)])


def test_a_picture_and_a_list_of_several_sizes():
    module = Means().train()
    predict = TorchClassifier(module, Preprocessing(mean=(10, 10, 10), std=(2, 2, 2), white=255, bgr=True))
    assert predict(picture()).tolist() == [120, 5, 0]
    found = predict([picture(), picture(64, 64), picture()])
    assert [one.tolist() for one in found] == [[120, 5, 0]] * 3
    assert module.seen == [
        ((1, 3, 40, 48), False, False),
        ((2, 3, 40, 48), False, False),
        ((1, 3, 64, 64), False, False),
    ]


def test_forms_of_what_is_returned():
    for form, output in (
        (lambda scores: {"logits": scores}, None),
        (lambda scores: {"mine": scores}, "mine"),
        (lambda scores: (0, scores), lambda found: found[1]),
        (lambda scores: scores[:, :, None, None], None),
        (lambda scores: scores.to(torch.bfloat16), None),
    ):
        predict = TorchClassifier(Means(form), Preprocessing(white=255), output=output)
        assert predict(picture()).tolist() == [10, 20, 250]
        assert predict(picture()).dtype == np.float32


@pytest.mark.parametrize(
    "form", [lambda scores: scores[0], lambda scores: scores.long(), lambda scores: scores[:, None]]
)
def test_other_forms_are_refused(form):
    with pytest.raises(MMFanError, match=r"Expected the network to return logits or probabilities \(1, K\)"):
        TorchClassifier(Means(form))(picture())


def test_flat_scores_of_a_batch():
    assert flat_scores(np.zeros((2, 5, 1, 1), np.float16), 2).shape == (2, 5)
    with pytest.raises(MMFanError, match=r"got float32 \(3, 5\)"):
        flat_scores(np.zeros((3, 5), np.float32), 2)


class TwiceMeans(Means):
    """Six classes, of which the second half is what the data have."""

    def forward(self, pictures):
        scores = 5 * super().forward(pictures)
        return torch.cat([torch.full_like(scores, -9.0), scores], 1)


@pytest.mark.parametrize(("batch_size", "module", "outputs"), [(1, Means(), None), (2, TwiceMeans(), list("abcrgn"))])
def test_attacks_move_the_mean_of_the_true_colour_down_and_the_others_up(batch_size, module, outputs, tmp_path):
    """FGSM of a linear module in closed form: red loses eps grey levels, green and blue win them."""
    pytest.importorskip("mmengine")
    levels = {"r": (100, 95, 40), "g": (20, 60, 40), "n": (0, 149, 150)}
    items = [(np.full((40, 48, 3), level, np.uint8), name, f"{name}.png") for name, level in levels.items()]
    module.scale = torch.nn.Parameter(torch.ones(()))  # attacks are of modules that have weights
    data = ClassificationData(items, list("rgn"), outputs=outputs, name="colours")
    found = judge(
        TorchClassifier(module), data, asked_attacks(["fgsm"], [1, 3, 15]), tmp_path / "r.jsonl", "mine",
        batch_size=batch_size, workers=0, verbose=False,
    )  # fmt: skip
    scores = {(record.get("condition") or {}).get("strength", 0): record["metrics"]["top1"] for record in found.records}
    # red leads by 5, green by 20, blue by 1: two eps more than that and another is higher
    assert scores == {0: 1.0, 1: pytest.approx(2 / 3), 3: pytest.approx(1 / 3), 15: 0.0}


def test_adaptation_changes_a_classifier_and_gives_it_back(tmp_path):
    pytest.importorskip("mmengine")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), Pooled(4)).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    rng = np.random.default_rng(0)
    items = [(rng.integers(0, 256, (40, 48, 3), np.uint8), at % 3, f"{at}.png") for at in range(6)]
    data = ClassificationData(items, list("rgn"))
    for adapt in ("bn", "tent", "cotta", "memo"):
        found = judge(
            TorchClassifier(module), data, {"corruptions": ["contrast"], "severities": [5]}, adapt=adapt,
            batch_size=1 if adapt == "memo" else 3, workers=0, verbose=False,
        )  # fmt: skip
        assert [record["corruption"] for record in found.records] == ["clean", "clean", "contrast"]
        assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


class Pooled(torch.nn.Linear):
    """A linear layer on the mean over the map."""

    def __init__(self, channels):
        super().__init__(channels, 3)

    def forward(self, maps):
        return super().forward(maps.mean((2, 3)))
