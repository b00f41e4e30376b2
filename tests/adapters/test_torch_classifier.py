"""Torch modules that classify: what they get, and what becomes of what they return."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from mmfan.adapters import Preprocessing, TorchClassifier
from mmfan.adapters.exported_classifier import flat_scores
from mmfan.errors import MMFanError


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
