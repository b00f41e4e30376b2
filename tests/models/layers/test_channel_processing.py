"""The channel mixers against their formulas, written with explicit loops."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.models.layers.channel_processing import CHANNEL_MIXERS, build_channel_mixer, channel_gate


def random(module):
    """Weights without symmetries: scales away from 1, biases away from 0, batch norms with statistics."""
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.is_floating_point():
            value.data.copy_(torch.rand_like(value) + 0.5 if "var" in name else torch.randn_like(value) * 0.5)
    return module.eval()


def test_gate_by_hand():
    """One head, two channels, two tokens."""
    q = torch.tensor([[[0.0, 1.0], [0.0, 3.0]]])  # softmax over tokens: (.5, .5) and (s, 1-s), s = sigmoid(-2)
    k = torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])  # softmaxes (1-s, s) and (.5, .5); prototype is their mean
    s = 1 / (1 + torch.e**2)
    prototype = ((1 - s + 0.5) / 2, (s + 0.5) / 2)
    expected = [0.5 * prototype[0] + 0.5 * prototype[1], s * prototype[0] + (1 - s) * prototype[1]]
    gate = channel_gate(q, k, torch.full((1, 1, 1), 3.0))
    assert gate.shape == (1, 1, 2)
    torch.testing.assert_close(gate[0, 0], 3 * torch.tensor(expected).sigmoid())


@settings(max_examples=25)
@given(n=st.integers(1, 60), scale=st.floats(0.01, 30), seed=st.integers(0, 99))
@pytest.mark.slow
def test_gate_stays_between_sigmoid_of_zero_and_of_one(n, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    q, k = (torch.randn(2, n, 12, generator=generator) * scale for _ in range(2))
    gate = channel_gate(q, k, torch.ones(3, 1, 1))
    assert (gate >= 0.5).all()
    assert (gate <= 0.7311).all()  # sigmoid(1)


def test_uniform_tokens_give_sigmoid_of_one_over_n():
    gate = channel_gate(torch.full((1, 50, 4), 2.0), torch.full((1, 50, 4), -1.0), torch.ones(2, 1, 1))
    torch.testing.assert_close(gate, torch.full((1, 1, 4), 1 / 50).sigmoid())


def test_squeeze_excite_by_hand():
    se = random(build_channel_mixer("se", 8, 2, torch.nn.BatchNorm2d)).se
    x = torch.randn(2, 6, 8)
    hidden = (x.mean(1) @ se.conv_reduce.weight[:, :, 0, 0].T + se.conv_reduce.bias).clamp(min=0)
    gate = (hidden @ se.conv_expand.weight[:, :, 0, 0].T + se.conv_expand.bias).sigmoid()
    torch.testing.assert_close(se(x), x * gate[:, None])


def test_channel_self_attention_is_equation_6():
    mixer = random(build_channel_mixer("xca", 8, 2, torch.nn.BatchNorm2d))
    x = torch.randn(2, 6, 8)
    z = x.transpose(1, 2)  # (E, n), as in the paper
    queries = torch.einsum("oe,ben->bon", mixer.q.weight, z) + mixer.q.bias[:, None]
    keys = torch.einsum("oe,ben->bon", mixer.k.weight, z) + mixer.k.bias[:, None]
    attention = torch.softmax(queries @ keys.transpose(1, 2) / 6**0.5, dim=-1)
    expected = attention @ mixer.mlp_v(x, (2, 3)).transpose(1, 2)
    torch.testing.assert_close(mixer(x, (2, 3)).transpose(1, 2), expected, rtol=1e-4, atol=1e-5)


def test_conv_mlp_written_out():
    mlp = random(build_channel_mixer("eca", 8, 2, torch.nn.BatchNorm2d)).mlp_v
    x = torch.randn(2, 12, 8)
    y = mlp.fc1(x).transpose(1, 2).reshape(2, 32, 3, 4)
    d = mlp.dwconv
    z = d.conv2(d.bn(torch.nn.functional.gelu(d.conv1(y))))
    y = y + mlp.gamma[:, None, None] * z
    torch.testing.assert_close(mlp(x, (3, 4)), mlp.fc2(y.flatten(2).transpose(1, 2)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CHANNEL_MIXERS)
def test_every_mixer_keeps_the_shape_and_trains_every_parameter(name):
    mixer = build_channel_mixer(name, 16, 4, torch.nn.BatchNorm2d)
    x = torch.randn(2, 12, 16)
    out = mixer(x, (3, 4))
    assert out.shape == x.shape
    out.square().sum().backward()
    without = [n for n, p in mixer.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # a softmax over tokens or channels does not see a shift of its keys or queries along it
    assert set(without) <= {"q.bias", "k.bias"}


def test_bad_mixers():
    with pytest.raises(ValueError, match=r"channel_mixer to be one of \['eca', 'mlp', 'se', 'xca'\], got 'cbam'"):
        build_channel_mixer("cbam", 16, 4, torch.nn.BatchNorm2d)
    with pytest.raises(ValueError, match="num_heads to divide the width 16, got num_heads=3"):
        build_channel_mixer("eca", 16, 3, torch.nn.BatchNorm2d)
