"""The simple feature pyramid against its levels written out in NumPy, and what bad arguments say."""

import math

import numpy as np
import pytest
import torch

from mmfan.models import FAN, SimpleFeaturePyramid
from mmfan.registry import MODELS


def up(x, weight, bias):
    """A transposed 2x2 convolution of stride 2: every point becomes a 2x2 patch of its own."""
    patches = np.einsum("bchw,cokl->bohkwl", x, weight)
    b, o, h, _, w, _ = patches.shape
    return patches.reshape(b, o, 2 * h, 2 * w) + bias[:, None, None]


def norm(x, weight, bias):
    scaled = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-6)
    return scaled * weight[:, None, None] + bias[:, None, None]


def conv3(x, weight):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = x.shape[2:]
    return sum(
        np.einsum("bchw,oc->bohw", padded[:, :, i : i + height, j : j + width], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    )


def written_out(state, x):
    def finish(level, x):
        x = np.einsum("bchw,oc->bohw", x, state[f"levels.{level}.1.weight"][:, :, 0, 0])
        x = norm(x, state[f"levels.{level}.2.weight"], state[f"levels.{level}.2.bias"])
        x = conv3(x, state[f"levels.{level}.3.weight"])
        return norm(x, state[f"levels.{level}.4.weight"], state[f"levels.{level}.4.bias"])

    four = up(x, state["levels.0.0.0.weight"], state["levels.0.0.0.bias"])
    four = norm(four, state["levels.0.0.1.weight"], state["levels.0.0.1.bias"])
    four = 0.5 * four * (1 + np.vectorize(math.erf)(four / np.sqrt(2)))
    four = up(four, state["levels.0.0.3.weight"], state["levels.0.0.3.bias"])
    eight = up(x, state["levels.1.0.weight"], state["levels.1.0.bias"])
    b, c, h, w = x.shape
    pooled = x.reshape(b, c, h // 2, 2, w // 2, 2).max((3, 5))
    outputs = [finish(level, y) for level, y in enumerate((four, eight, x, pooled))]
    return [*outputs, outputs[-1][:, :, ::2, ::2]]


def test_equals_the_written_out_form():
    neck = SimpleFeaturePyramid(8, out_channels=6).double()
    for parameter in neck.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, 8, 4, 6, dtype=torch.double)
    state = {key: value.numpy() for key, value in neck.state_dict().items()}
    with torch.no_grad():
        outputs = neck((torch.zeros(2, 3, 1, 1), x))
    for output, expected in zip(outputs, written_out(state, x.numpy()), strict=True):
        np.testing.assert_allclose(output.numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("height", "width", "coarse"), [(64, 96, (2, 3)), (80, 48, (3, 2))])
def test_behind_fan_vit(height, width, coarse):
    backbone = FAN(arch={"embed_dims": 32, "depth": 2, "num_heads": 4}, out_indices=(0,))
    neck = MODELS.build(
        {
            "type": "mmfan.SimpleFeaturePyramid",
            "in_channels": backbone.out_channels[-1],
            "out_channels": 12,
            "num_outs": 6,
        }
    )
    outputs = neck(backbone(torch.randn(1, 3, height, width)))
    sides = [(height // s, width // s) for s in (4, 8, 16)]
    coarser = [coarse]
    for _ in range(2):
        coarser.append(tuple(-(-side // 2) for side in coarser[-1]))
    assert [tuple(o.shape) for o in outputs] == [(1, 12, *side) for side in sides + coarser]
    assert neck.out_strides == (4, 8, 16, 32, 64, 128)
    assert neck.out_channels == (12,) * 6
    sum(o.square().mean() for o in outputs).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in neck.parameters())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 30}, "a multiple of 4, got 30"),
        ({"in_channels": [32, 32]}, r"one number, a multiple of 4, got \[32, 32\]"),
        ({"in_channels": 32, "num_outs": 3}, "num_outs to be 4 or more, got 3"),
        ({"in_channels": 32, "out_channels": 0}, "out_channels to be positive, got 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SimpleFeaturePyramid(**arguments)


def test_bad_inputs():
    x = torch.zeros(1, 32, 4, 4)
    with pytest.raises(ValueError, match="one of the 1 inputs, got 1"):
        SimpleFeaturePyramid(32, in_index=1)((x,))
    with pytest.raises(ValueError, match="in_channels=16 channels, got 32"):
        SimpleFeaturePyramid(16)((x,))
