"""The head against the written-out form of the benchmark: forward, gradients, training mode, odd inputs."""

import pytest
import torch
from helpers.golden import relative_error

from mmfan.benchmark.plain import PlainSegformerHead
from mmfan.models import FANSegformerHead

CHANNELS = (128, 256, 192, 192)
SIZES = ((16, 24), (8, 12), (4, 6), (4, 6))


def pair(channels=CHANNELS, dropout_ratio=0.0, embed_dim=96):
    torch.manual_seed(3)
    ours = FANSegformerHead(channels, num_classes=19, embed_dim=embed_dim, dropout_ratio=dropout_ratio)
    plain = PlainSegformerHead(channels, 19, embed_dim, dropout_ratio)
    state = ours.state_dict()
    for key, value in state.items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if key.endswith("running_var") else torch.randn_like(value) * 0.1)
    plain.load_state_dict(state)
    return ours, plain


def levels(channels=CHANNELS, sizes=SIZES):
    return [torch.randn(2, c, *s) for c, s in zip(channels, sizes, strict=True)]


@pytest.mark.parametrize("training", [False, True])
def test_forward_and_every_gradient(training):
    ours, plain = pair()
    xs = levels()
    weight = torch.randn(2, 19, 16, 24)
    results = []
    for head in (ours, plain):
        head.train(training)
        inputs = [x.clone().requires_grad_() for x in xs]
        out = head(inputs)
        (out * weight).sum().backward()
        grads = {name: p.grad for name, p in head.named_parameters()}
        results.append({"out": out, **grads, **{f"input{i}": x.grad for i, x in enumerate(inputs)}})
    for name, expected in results[1].items():
        if training and name.startswith("projections") and name.endswith("bias"):
            # a batch norm takes every constant out: both gradients are zero but for rounding
            assert results[0][name].abs().max() < 1e-3
            continue
        assert relative_error(results[0][name], expected) < 1e-5, name


def test_strips_of_inference_give_the_written_out_logits(monkeypatch):
    monkeypatch.setattr("mmfan.models.layers.level_fusion.PIECE", 100)
    ours, plain = pair()
    xs = levels()
    with torch.no_grad():
        assert relative_error(ours.eval()(xs), plain.eval()(xs)) < 1e-5


@pytest.mark.parametrize(
    ("channels", "sizes"),
    [((8,), ((5, 7),)), ((8, 8, 8, 8), ((3, 4),) * 4), ((8, 4, 6), ((9, 9), (5, 5), (2, 3)))],
)
def test_any_number_of_levels(channels, sizes):
    ours, plain = pair(channels)
    xs = levels(channels, sizes)
    with torch.no_grad():
        assert relative_error(ours.eval()(xs), plain.eval()(xs)) < 1e-5


def test_dropout_of_channels_is_that_of_the_written_out_form():
    """The masks are drawn alike, so with one seed both forms drop the same channels of the same pictures."""
    ours, plain = pair(dropout_ratio=0.3)
    xs = levels()
    results = []
    for head in (ours, plain):
        torch.manual_seed(11)
        out = head.train()(xs)
        out.square().sum().backward()
        results.append((out, head.conv_seg.weight.grad, head.fuse.weight.grad))
    for found, expected in zip(*results, strict=True):
        assert relative_error(found, expected) < 1e-5


def test_published_parameter_counts():
    # with the published, unused 256-channel classifier: 2.97 / 3.27 / 3.37 / 3.42 M for T/S/B/L
    for width, millions in ((192, 2.97), (384, 3.27), (448, 3.37), (480, 3.42)):
        head = FANSegformerHead((128, 256, width, width), num_classes=19)
        unused = 256 * 19 + 19
        assert sum(p.numel() for p in head.parameters()) + unused == pytest.approx(millions * 1e6, abs=6e3)


@pytest.mark.parametrize("kind", ["ReLU", torch.nn.ReLU])
def test_the_activation_works_in_place_however_its_type_is_written(kind):
    assert FANSegformerHead((8, 8), num_classes=19, act_cfg={"type": kind}).activate.inplace


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 128}, "in_channels to list the channels"),
        ({"in_channels": (8, 8), "in_index": (0, 1, 2)}, r"one in_index for each of in_channels=\[8, 8\]"),
        ({"in_channels": (8, 8), "channels": 256}, "width of this head is `embed_dim`"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FANSegformerHead(num_classes=19, **arguments)


def test_unknown_keyword():
    with pytest.raises(TypeError, match="drop_ratio"):
        FANSegformerHead((8, 8), num_classes=19, drop_ratio=0.1)
