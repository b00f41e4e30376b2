"""Attention diversification: rows of attention by hand, the known answers of ADL, sampling."""

import math

import torch

from mmfan.training.diversity import attention_rows, likeness


def test_rows_are_those_of_the_whole_matrix():
    torch.manual_seed(0)
    q, k = torch.randn(2, 10, 12), torch.randn(2, 10, 12)
    rows = torch.tensor([7, 0, 3])
    found = attention_rows(q, k, 3, rows)
    whole = torch.zeros(2, 10, 10)
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        whole += (q[..., part] @ k[..., part].transpose(1, 2) / 2).softmax(dim=2) / 3
    torch.testing.assert_close(found, whole[:, rows])
    torch.testing.assert_close(found.sum(dim=2), torch.ones(2, 3))


def test_identical_rows_are_alike():
    row = torch.tensor([0.7, 0.2, 0.05, 0.05, *[0.0] * 12])
    torch.testing.assert_close(likeness(row.expand(2, 8, 16)), torch.tensor(1.0))


def test_rows_with_nothing_in_common():
    """Of S one-hot rows at different tokens each has 1 of the S equal entries of the mean: cosine 1 / sqrt(S)."""
    torch.testing.assert_close(likeness(torch.eye(64)[None, :16]), torch.tensor(1 / math.sqrt(16)))
    # as many as tokens: no entry of their mean stands out, and nothing is alike
    assert likeness(torch.eye(64)[None]) == 0


def test_what_does_not_stand_out_does_not_count():
    peaks = torch.full((1, 2, 16), 0.4 / 14)  # below 2 / 16
    peaks[0, 0, [0, 1]] = 0.3
    peaks[0, 1, [0, 2]] = 0.3
    # over the threshold: rows (0.3, 0.3, 0), (0.3, 0, 0.3); the mean is (0.3, 0.164, 0.164)
    half = (0.3 + 0.4 / 14) / 2
    cosine = (0.3 * 0.3 + 0.3 * half) / (0.3 * math.sqrt(2) * math.sqrt(0.3**2 + 2 * half**2))
    torch.testing.assert_close(likeness(peaks), torch.tensor(cosine))


def test_even_rows_have_no_gradient():
    logits = torch.zeros(1, 4, 16, requires_grad=True)
    loss = likeness(logits.softmax(dim=2))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros(1, 4, 16))


def test_gradients_make_the_rows_differ():
    torch.manual_seed(0)
    logits = torch.randn(1, 12, 16).mul(3).requires_grad_()
    before = likeness(logits.softmax(dim=2))
    before.backward()
    after = likeness((logits - 0.5 * logits.grad / logits.grad.norm()).softmax(dim=2))
    assert after < before


def test_a_sample_of_rows_stands_for_all_of_them():
    """Where attention has tokens that many attend to; of rows with less in common a sample is a little more alike."""
    torch.manual_seed(1)
    q, k = 1.5 * torch.randn(1, 400, 16) + 1.5 * torch.randn(16), torch.randn(1, 400, 16)
    whole = likeness(attention_rows(q, k, 2, torch.arange(400)))
    sampled = [likeness(attention_rows(q, k, 2, torch.randperm(400)[:256])) for _ in range(20)]
    assert 0.3 < whole < 0.9
    assert abs(torch.stack(sampled).mean() / whole - 1) < 0.01
