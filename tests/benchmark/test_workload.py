"""Both forms of a job: the same weights, the same function, and a refusal where it is another."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mmfan.benchmark import workload
from mmfan.benchmark.workload import (
    FORMS,
    DifferentFunctionError,
    Job,
    build_model,
    build_warm_work,
    build_work,
    check_same_function,
    loss_of,
    make_batch,
    relative_error,
    set_weights,
)

SMALL = Job(size=64, num_classes=5, embed_dim=32, threads=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 65}, "multiple of 16, but got 65"),
        ({"size": 0}, "multiple of 16, but got 0"),
        ({"arch": "huge"}, "tiny, small, base, large, xlarge, but got 'huge'"),
        ({"task": "guess"}, "'inference' or 'training', but got 'guess'"),
    ],
)
def test_bad_jobs(wrong, message) -> None:
    with pytest.raises(ValueError, match=message):
        Job(**wrong)


def test_batch_is_drawn_from_the_seed() -> None:
    pictures, labels = make_batch(SMALL)
    assert pictures.shape == (1, 3, 64, 64)
    assert labels.shape == (1, 64, 64)
    assert (labels.min(), labels.max()) == (0, 4)
    assert torch.equal(make_batch(SMALL)[0], pictures)
    assert not torch.equal(make_batch(replace(SMALL, seed=1))[0], pictures)


def test_weights_are_drawn_from_the_seed_and_leave_no_layer_silent() -> None:
    a, b = build_model(SMALL, "plain"), build_model(SMALL, "plain")
    assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    gamma = a.backbone.patch_embed.backbone.stages[0].blocks[0].gamma
    assert 0.5 < gamma.min() < gamma.max() < 1.5
    norm = nn.BatchNorm2d(1000)
    set_weights(norm, 0)
    assert norm.running_var.min() >= 1


def test_relative_error() -> None:
    expected = [torch.tensor([1.0, -4.0]), torch.tensor([2.0])]
    assert relative_error(expected, [torch.tensor([1.5, -4.0]), torch.tensor([1.0])]) == 1 / 4
    assert relative_error(expected, expected) == 0
    assert relative_error([torch.zeros(1)], [torch.ones(1)]) == float("inf")


def test_loss_of_known_logits() -> None:
    # Two classes, logits 0 everywhere: ln 2, and pixels without a class do not count.
    labels = torch.tensor([[[0, 1], [255, 255]]])
    loss = loss_of(lambda x: torch.zeros(1, 2, 1, 1), torch.zeros(1, 3, 2, 2), labels)
    torch.testing.assert_close(loss, torch.tensor(0.6931472))


@pytest.mark.slow
def test_training_steps_of_the_plain_form_learn() -> None:
    step = build_work(replace(SMALL, task="training", size=32), "plain")
    before = step()
    assert not before.requires_grad
    assert step() != before


@pytest.mark.parametrize("task", ["inference", "training"])
@pytest.mark.slow
def test_mmfan_computes_the_same_function(task) -> None:
    pytest.importorskip("mmseg")
    error = check_same_function(replace(SMALL, task=task))
    assert error < (1e-5 if task == "inference" else 1e-9)


@pytest.mark.slow
def test_checkpointing_and_autocast_compute_the_same_function() -> None:
    pytest.importorskip("mmseg")
    assert check_same_function(replace(SMALL, task="training", recompute="full")) < 1e-9
    assert 1e-4 < check_same_function(replace(SMALL, amp=True)) < 1e-1


class Doubled(nn.Module):
    """A wrong form: twice the logits."""

    def __init__(self, job: Job, dropout_ratio: float = 0.1) -> None:
        super().__init__()
        plain = workload.PlainSegmentor(f"hybrid_{job.arch}", job.num_classes, job.embed_dim, dropout_ratio=0.0)
        self.backbone, self.decode_head = plain.backbone, plain.decode_head

    def forward(self, x):
        return 2 * self.decode_head(self.backbone(x))


@pytest.mark.parametrize("task", ["inference", "training"])
@pytest.mark.slow
def test_another_function_is_refused(task, monkeypatch) -> None:
    monkeypatch.setattr(workload, "MmfanSegmentor", Doubled)
    with pytest.raises(DifferentFunctionError, match=f"in {task}, where rounding explains .* no speed-up is reported"):
        check_same_function(replace(SMALL, task=task))


def test_other_parameters_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(workload, "MmfanSegmentor", lambda job, dropout: nn.Linear(2, 2))
    with pytest.raises(
        DifferentFunctionError, match=r"369 parameters differ in name or shape, such as backbone\.blocks"
    ):
        build_model(SMALL, "mmfan")


@pytest.mark.slow
def test_warm_work_is_the_same_work() -> None:
    assert FORMS == ("plain", "mmfan")
    torch.testing.assert_close(build_warm_work(SMALL, "plain")(), build_work(SMALL, "plain")())
