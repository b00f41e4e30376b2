"""The linear probe stands at the minimum of its loss."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmfan.analysis import AnalysisError
from mmfan.analysis.probing.linear import fit_linear


def samples(count=60, width=3):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count) * 2 + 1  # 1, 3, 5
    features = rng.normal(size=(count, width)) * [1, 50, 0.1] + labels[:, None] * [0.5, 5, 0.02] + [0, 100, -3]
    return torch.from_numpy(features), labels


def test_it_is_the_optimum_that_scipy_finds():
    features, labels = samples()
    probe = fit_linear(features, labels, decay=0.01)
    x = features.numpy()
    x = (x - x.mean(0)) / x.std(0)
    target = (labels - 1) // 2

    def loss(flat):
        weight, bias = flat[:9].reshape(3, 3), flat[9:]
        logits = x @ weight.T + bias
        logits = logits - logits.max(1, keepdims=True)
        entropy = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(x)), target]
        return entropy.mean() + 0.005 * np.square(weight).sum()

    found = minimize(loss, np.zeros(12), method="BFGS", options={"gtol": 1e-8})
    scores = x @ found.x[:9].reshape(3, 3).T + found.x[9:]
    ours = probe.scores(features).numpy()
    np.testing.assert_allclose(ours - ours[:, :1], scores - scores[:, :1], atol=1e-4)
    assert probe.classes.tolist() == [1, 3, 5]
    assert probe.predict(features).tolist() == (2 * scores.argmax(1) + 1).tolist()


def test_scale_and_shift_of_the_features_do_not_matter():
    features, labels = samples()
    one = fit_linear(features, labels)
    other = fit_linear(1000 * features - 7, labels)
    torch.testing.assert_close(one.scores(features), other.scores(1000 * features - 7), atol=1e-4, rtol=0)


def test_features_that_say_nothing_give_the_majority():
    labels = np.array([0] * 3 + [4] * 7)
    probe = fit_linear(torch.full((10, 2), 0.3), labels)
    assert probe.predict(torch.rand(5, 2)).tolist() == [4] * 5
    torch.testing.assert_close(probe.scores(torch.zeros(1, 2)).softmax(1), torch.tensor([[0.3, 0.7]]))


def test_bad_input():
    with pytest.raises(AnalysisError, match="at least 2 classes, got 1"):
        fit_linear(torch.rand(4, 2), np.zeros(4, int))
    with pytest.raises(AnalysisError, match="finite"):
        fit_linear(torch.tensor([[1.0], [float("nan")]]), np.array([0, 1]))
