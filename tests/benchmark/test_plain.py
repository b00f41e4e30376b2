"""The plain form against the stored outputs of the published implementation, and hand-worked pieces."""

import numpy as np
import pytest
import torch
from helpers.golden import golden_input, golden_keys, golden_outputs, golden_sample, golden_state, relative_error

from mmfan.benchmark.plain import PLAIN_ARCHS, PlainArch, PlainFAN, PlainSegformerHead, PlainSegmentor
from mmfan.benchmark.plain.layers import (
    ChannelProcessing,
    ClassAttentionBlock,
    FourierPosition,
    TokenMixing,
    UnbiasedMapLayerNorm,
)

TOLERANCE = 3e-6  # the contract asks 1e-5; measured 1.2e-6 at worst
MINIATURE = PlainArch((16, 16, 24), (2, 2, 3), (1, 1), (1,))


def golden_model(name: str, **kwargs) -> PlainFAN:
    model = PlainFAN(**kwargs).eval()
    model.load_state_dict(golden_state(golden_keys()[name]))
    return model


@pytest.mark.parametrize(
    ("name", "arch", "taps"),
    [("fan_tiny_12_p16_224", "vit_tiny", (0, 4, 6, 7, 11)), ("fan_tiny_8_p4_hybrid", "hybrid_tiny", (0, 4, 7))],
)
@pytest.mark.slow
def test_published_classifier(name: str, arch: str, taps: tuple[int, ...]) -> None:
    model = golden_model(name, arch=arch, out_indices=taps, num_classes=1000)
    x = golden_input(224, 224)
    with torch.no_grad():
        stem, embedded = model.embed(x)
        *outs, final = model(x)
        cls, logits = model.classify(x)
    ours = {"embed": embedded, "final": final, **dict(zip([f"block{i}" for i in taps], outs[len(stem) :], strict=True))}
    stored = golden_outputs()
    for what, t in ours.items():
        assert tuple(stored[f"{name}/224x224/{what}/shape"]) == t.shape
        assert relative_error(golden_sample(t), stored[f"{name}/224x224/{what}"]) < TOLERANCE, what
    assert relative_error(cls, stored[f"{name}/224x224/cls"]) < TOLERANCE
    assert relative_error(logits[:, :50], stored[f"{name}/224x224/logits"]) < TOLERANCE


@pytest.mark.parametrize(("task", "final_downsample"), [("seg", False), ("det", True)])
@pytest.mark.slow
def test_published_pyramids(task: str, final_downsample: bool) -> None:
    name = f"{task}/fan_tiny_8_p4_hybrid"
    model = golden_model(name, arch="hybrid_tiny", final_downsample=final_downsample)
    with torch.no_grad():
        outs = model(golden_input(224, 224))
    assert model.out_channels == tuple(t.shape[1] for t in outs)
    for i, t in enumerate(outs):
        assert tuple(golden_outputs()[f"{name}/224x224/out{i}/shape"]) == t.shape
        assert relative_error(golden_sample(t), golden_outputs()[f"{name}/224x224/out{i}"]) < TOLERANCE, i


@pytest.mark.parametrize("name", [name for name in golden_keys() if "swin" not in name])
@pytest.mark.slow
def test_published_key_names_and_shapes(name: str) -> None:
    family = "hybrid" if "hybrid" in name else "vit"
    size = name.split("fan_")[1].split("_")[0]
    with torch.device("meta"):
        model = PlainFAN(
            f"{family}_{size}",
            out_indices=(0,),
            final_downsample=name.startswith("det/"),
            num_classes=None if "/" in name else 1000,
        )
    assert {key: list(t.shape) for key, t in model.state_dict().items()} == golden_keys()[name]


def test_channel_gate_of_uniform_tokens() -> None:
    # Uniform tokens: every probability vector is 1/N, so q^T k = 1/N and the gate sigmoid(1/N).
    layer = ChannelProcessing(8, 2).eval()
    x = torch.full((1, 4, 8), 0.7)
    v = layer.norm_v(layer.mlp_v(x, 2, 2))
    expected = v / (1 + np.exp(-1 / 4))
    torch.testing.assert_close(layer(x, 2, 2), expected)


def test_token_mixing_of_equal_keys_is_the_mean_of_values() -> None:
    layer = TokenMixing(4, 2)
    with torch.no_grad():
        layer.q.weight.zero_(), layer.q.bias.zero_()  # all scores 0: uniform attention
    x = torch.randn(2, 5, 4)
    mean = layer.kv(x)[..., 4:].mean(dim=1, keepdim=True).expand(-1, 5, -1)
    torch.testing.assert_close(layer(x), layer.proj(mean))


def test_patch_tokens_pass_class_attention_in_closed_form() -> None:
    # f(x) = 2 LN2(x + g1 LN1(x)), whatever the class token holds.
    block = ClassAttentionBlock(8, 2)
    x = torch.randn(2, 6, 8)
    closed = 2 * block.norm2(x + block.gamma1 * block.norm1(x))
    torch.testing.assert_close(block(x)[:, 1:], closed[:, 1:])
    assert not torch.allclose(block(x)[:, 0], closed[:, 0])


def test_position_code_by_hand() -> None:
    # One row, two columns: places 1 (of 1) and 1, 2 (of 2).
    layer = FourierPosition(64, "floor")
    with torch.no_grad():
        layer.token_projection.weight.copy_(torch.eye(64)[..., None, None])
        layer.token_projection.bias.zero_()
    code = layer(torch.zeros(1, 64, 1, 2))
    y, x = 1 / (1 + 1e-6) * 2 * np.pi, 1 / (2 + 1e-6) * 2 * np.pi
    np.testing.assert_allclose(code[0, :4, 0, 0].detach(), [*sincos(y, 0), *sincos(y, 2)], atol=2e-6)
    np.testing.assert_allclose(code[0, 32:36, 0, 0].detach(), [*sincos(x, 0), *sincos(x, 2)], atol=2e-6)
    layer.rounding = None
    code = layer(torch.zeros(1, 64, 1, 2))
    expected = [np.sin(x), np.cos(x / 10000 ** (1 / 32))]
    np.testing.assert_allclose(code[0, 32:34, 0, 0].detach(), expected, atol=2e-6)


def sincos(place: float, exponent: int) -> tuple[float, float]:
    angle = place / 10000 ** (exponent / 32)
    return np.sin(angle), np.cos(angle)


def test_unbiased_norm_by_hand() -> None:
    # Channels 1, 2, 3: mean 2, unbiased variance 1.
    norm = UnbiasedMapLayerNorm(3, eps=0)
    out = norm(torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1))
    torch.testing.assert_close(out.flatten(), torch.tensor([-1.0, 0.0, 1.0]))


def test_head_by_hand() -> None:
    # One channel each; the coarse level comes first in the fuse's input.
    head = PlainSegformerHead((1, 1), num_classes=1, embed_dim=1).eval()
    with torch.no_grad():
        for projection, (weight, bias) in zip(head.projections, [(2.0, 0.5), (3.0, -1.0)], strict=True):
            projection.weight.fill_(weight), projection.bias.fill_(bias)
        head.fuse.weight.copy_(torch.tensor([10.0, 1.0]).reshape(1, 2, 1, 1))  # coarse x 10, fine x 1
        head.conv_seg.weight.fill_(1.0), head.conv_seg.bias.fill_(0.25)
    fine, coarse = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[1.0]]]])
    out = head((fine, coarse)) - 0.25
    expected = torch.tensor([[[[2.5 + 20, 4.5 + 20]]]]) / np.sqrt(1 + 1e-5)
    torch.testing.assert_close(out, expected)


def test_sizes_and_strides() -> None:
    model = PlainFAN(MINIATURE, final_downsample=True)
    shapes = [tuple(t.shape) for t in model(torch.randn(2, 3, 64, 32))]
    # Block 1 changes the width, and with it the stride, from 16 to 32; the last convolution halves once more.
    assert shapes == [(2, 128, 16, 8), (2, 256, 8, 4), (2, 24, 2, 1), (2, 768, 1, 1)]
    assert PlainSegmentor(MINIATURE, num_classes=5, embed_dim=8)(torch.randn(2, 3, 32, 64)).shape == (2, 5, 8, 16)


def test_dense_gradients_reach_all_but_the_class_token_path() -> None:
    model = PlainSegmentor(MINIATURE, num_classes=5, embed_dim=8)
    model(torch.randn(2, 3, 64, 64)).square().sum().backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    expected = {
        name
        for name, _ in model.named_parameters()
        if "cls_token" in name or ("cls_attn_blocks" in name and any(s in name for s in (".attn.", ".mlp.", "gamma2")))
    }
    assert idle == expected


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"arch to be one of vit_tiny, .*hybrid_xlarge, but got 'tiny'"):
        PlainFAN("tiny")
    with pytest.raises(ValueError, match=r"blocks from 0 to 7, but got \(8,\)"):
        PlainFAN("hybrid_tiny", out_indices=(8,))
    with pytest.raises(ValueError, match="no published taps"):
        PlainFAN("vit_base")
    with pytest.raises(ValueError, match=r"multiples of 16, but got \(40, 64\)"):
        PlainFAN(MINIATURE)(torch.zeros(1, 3, 40, 64))
    assert set(PLAIN_ARCHS) >= {"hybrid_tiny", "vit_tiny"}
