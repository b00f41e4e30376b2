"""What a model is judged in, by device, by what was asked and by its operators."""

import pytest
import torch
from torch import nn

from mmfan.errors import MMFanError
from mmfan.evaluation.loop.computing.precision import (
    choose_precision,
    device_facts,
    float32_operators,
    tf32_text,
    usual_amp,
)

CUDA = torch.device("cuda", 0)


class Operator(nn.Module):
    """As one of mmcv's."""

    def forward(self, x):
        return x.dtype


Operator.__module__ = "mmcv.ops.some"


class Head(nn.Module):
    def predict_by_feat(self):
        """Marks the head of a detector."""


class LabelHead(Head):
    def __init__(self):
        super().__init__()
        self.conv_seg = nn.Conv2d(1, 1, 1)


class Parameter:
    """As much of a parameter as is looked at: no GPU is needed to have one there."""

    device, dtype = CUDA, torch.float32


class OnGpu(nn.Sequential):
    def parameters(self, recurse=True):
        return iter([Parameter()])


@pytest.fixture
def gpu(monkeypatch):
    """The compute capability of the GPU that is said to be there."""
    found = {"capability": (9, 0)}
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: found["capability"])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA X")
    return found


@pytest.mark.parametrize(
    ("asked", "fp16", "name", "usual"),
    [
        (None, False, "float32", True),
        ("fp32", False, "float32", True),
        ("fp32", True, "float32", True),
        ("bf16", False, "bfloat16", False),
        (None, True, "bfloat16", False),
    ],
)
def test_on_a_cpu(asked, fp16, name, usual):
    found = choose_precision(nn.Linear(2, 2), asked, fp16)
    assert (found.name, found.usual) == (name, usual)
    with found.autocast():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == (torch.bfloat16 if name == "bfloat16" else torch.float32)


@pytest.mark.parametrize(
    ("asked", "fp16", "name", "usual"),
    [
        (None, False, "bfloat16", True),
        ("bf16", False, "bfloat16", True),
        ("fp32", False, "float32", False),
        ("fp16", False, "float16", False),
        (None, True, "float16", False),
        ("bf16", True, "bfloat16", True),
    ],
)
def test_on_a_gpu(gpu, asked, fp16, name, usual):
    found = choose_precision(OnGpu(nn.Linear(2, 2), LabelHead()), asked, fp16)
    assert (found.name, found.usual, found.device) == (name, usual, "cuda")


@pytest.mark.parametrize("part", [Operator(), Head()])
def test_models_with_operators_of_mmcv_stay_in_float32_unless_asked(gpu, part):
    model = OnGpu(nn.Linear(2, 2), part)
    assert choose_precision(model).name == "float32"
    assert choose_precision(model, "bf16").name == "bfloat16"


def test_gpus_without_bfloat16_stay_in_float32(gpu):
    gpu["capability"] = (7, 5)
    assert usual_amp(nn.Linear(2, 2), CUDA) is None


def test_operators_get_float32_from_a_bfloat16_map():
    model = nn.ModuleDict({"operator": Operator()})
    half = torch.ones(2, dtype=torch.bfloat16)
    with float32_operators(model):
        assert model["operator"](half) == torch.float32
    assert model["operator"](half) == torch.bfloat16


def test_what_a_record_says_of_the_device(gpu, monkeypatch):
    assert device_facts(torch.device("cpu")) == {}
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert device_facts(CUDA) == {"device": "NVIDIA X", "tf32": "convolutions"}
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    assert tf32_text() == "convolutions and matrix products"


def test_what_cannot_be_is_refused():
    with pytest.raises(MMFanError, match="one of fp32, bf16, fp16, got 'half'"):
        choose_precision(nn.Linear(2, 2), "half")
    with pytest.raises(MMFanError, match="needs a GPU: on a CPU take 'bf16'"):
        choose_precision(nn.Linear(2, 2), "fp16")
