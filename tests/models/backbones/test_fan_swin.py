"""FAN-Swin: the published function, pictures of any size, and its arguments."""

import pytest
import torch
from helpers.golden import golden_input, golden_keys, golden_outputs, golden_sample, golden_state, relative_error
from torch import nn

from mmfan.models import FANSwin
from mmfan.models.layers.token_map import to_map, to_tokens

TOLERANCE = 1e-5
NAME = "fan_swin_tiny_patch4_window7_224"
SMALL = {"embed_dims": 16, "depths": (1, 2, 2, 2), "num_heads": (1, 2, 4, 4), "window": 4}


@pytest.mark.slow
def test_stored_outputs_are_reproduced():
    """The stored outputs were made with random masks and indices in place of the true ones; so is the comparison."""
    published = golden_state(golden_keys()[NAME])
    model = FANSwin(arch="tiny").eval()
    model.load_state_dict({key: published[key] for key in model.state_dict()})
    stored = golden_outputs()
    with torch.no_grad():
        outputs = model(golden_input(224, 224))
        for index, (stage, output) in enumerate(zip(model.layers, outputs, strict=True)):
            ours = output
            if stage.downsample is not None:
                ours = to_map(*stage.downsample(to_tokens(output), tuple(output.shape[2:])))
            key = f"{NAME}/224x224/layer{index}"
            assert list(ours.shape) == list(stored[f"{key}/shape"])
            assert relative_error(golden_sample(ours), stored[key]) < TOLERANCE, key
        normed = nn.functional.layer_norm(
            to_tokens(outputs[-1]), (768,), published["norm.weight"], published["norm.bias"]
        )
        logits = normed.mean(dim=1) @ published["head.weight"].T + published["head.bias"]
    assert relative_error(logits[:, :50], stored[f"{NAME}/224x224/logits"]) < TOLERANCE


@pytest.mark.parametrize("arch", ["tiny", "small", "base", "large"])
def test_keys_and_shapes_are_the_published_ones(arch):
    with torch.device("meta"):
        model = FANSwin(arch=arch)
    own = {key: list(value.shape) for key, value in model.state_dict().items()}
    published = golden_keys()[f"fan_swin_{arch}_patch4_window7_224"]
    assert own == {key: shape for key, shape in published.items() if not key.startswith(("norm.", "head."))}
    mixers = {type(block.mlp).__name__ for stage in model.layers[:3] for block in stage.blocks}
    assert mixers == {"EfficientChannelAttention"}
    assert {type(block.mlp).__name__ for block in model.layers[3].blocks} == {"Mlp"}


def test_published_masks_are_those_that_are_computed():
    """What a file brings for 224 x 224 is what any other size gets computed; loading the true ones changes nothing."""
    model = FANSwin(arch="tiny").eval()
    blocks = [block for stage in model.layers for block in stage.blocks]
    sizes = [
        size
        for size, depth in zip(((56, 56), (28, 28), (14, 14), (7, 7)), (2, 2, 6, 2), strict=True)
        for _ in range(depth)
    ]
    for block, size in zip(blocks, sizes, strict=True):
        expected = None
        if block.shifted and size != (7, 7):
            expected = slow_mask(size[0], 7, 3)
        assert (block.attn_mask is None) == (expected is None)
        if expected is not None:
            assert torch.equal(block.attn_mask, expected)
            assert block.shift(size) == (3, 3)


def slow_mask(side, window, shift):
    """Of the shifted windows of a square map, by loops over pairs of tokens in the map's own coordinates."""
    count = side // window
    mask = torch.zeros(count**2, window**2, window**2)
    places = [(y, x) for y in range(window) for x in range(window)]
    for number in range(count**2):
        top, left = number // count * window, number % count * window
        origins = [((top + y + shift) % side, (left + x + shift) % side) for y, x in places]
        for i, (yi, xi) in enumerate(origins):
            for j, (yj, xj) in enumerate(origins):
                # within a window tokens are neighbours unless one came round from the other end of the map
                if abs(yi - yj) >= window or abs(xi - xj) >= window:
                    mask[number, i, j] = -100
    return mask


@pytest.mark.parametrize("size", [(32, 64), (33, 50), (7, 130), (1, 1)])
def test_any_size(size):
    model = FANSwin(arch=SMALL).eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, *size))
    sides = [-(-length // 4) for length in size]
    for output, channels in zip(outputs, model.out_channels, strict=True):
        assert tuple(output.shape) == (2, channels, *sides)
        assert output.isfinite().all()
        sides = [-(-length // 2) for length in sides]
    assert (model.out_channels, model.out_strides, model.stride) == ((16, 32, 64, 128), (4, 8, 16, 32), 1)


def test_windows_do_not_depend_on_what_lies_around_them():
    """Whole windows of a map that needs padding, and tokens of a cut window beside padding with keys of its own."""
    block = FANSwin(arch=SMALL, channel_mixer="mlp").eval().layers[0].blocks[0]
    torch.nn.init.normal_(block.attn.qkv.bias)
    tokens = torch.randn(1, 10, 6, 16)  # windows of 4 need 12 x 8
    with torch.no_grad():
        whole = block(tokens.flatten(1, 2), (10, 6))[0].view(10, 6, 16)
        window = block(tokens[:, :4, :4].flatten(1, 2), (4, 4))[0].view(4, 4, 16)
        corner = block(tokens[:, 8:, 4:].flatten(1, 2), (2, 2))[0].view(2, 2, 16)
    torch.testing.assert_close(whole[:4, :4], window)
    torch.testing.assert_close(whole[8:, 4:], corner)


@pytest.mark.parametrize("mixer", ["eca", "xca", "se", "mlp"])
def test_every_parameter_learns(mixer):
    model = FANSwin(arch=SMALL, channel_mixer=mixer, out_norm=True).train()
    outputs = model(torch.randn(2, 3, 72, 72))
    sum((o * torch.randn_like(o)).mean() for o in outputs).backward()
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad, name
        assert parameter.grad is not None, name


def test_checkpointing_changes_nothing():
    x = torch.randn(2, 3, 40, 48)
    results = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = FANSwin(arch=SMALL, with_cp=with_cp, drop_path_rate=0.3).train()
        sum(o.square().mean() for o in model(x)).backward()
        results.append({n: p.grad for n, p in model.named_parameters()} | dict(model.named_buffers()))
    for name, value in results[0].items():
        if value is not None:
            torch.testing.assert_close(results[1][name], value, msg=name)


def test_norm_of_an_output_is_a_layer_norm_and_levels_are_chosen():
    torch.manual_seed(0)
    raw = FANSwin(arch=SMALL).eval()
    model = FANSwin(arch=SMALL, out_norm=True, out_indices=(1, 3)).eval()
    new = {key for key in model.state_dict() if key not in raw.state_dict()}
    assert new == {f"out_norm{level}.{kind}" for level in (1, 3) for kind in ("weight", "bias")}
    model.load_state_dict(raw.state_dict(), strict=False)
    x = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        outputs, all_raw = model(x), raw(x)
    assert (model.out_channels, model.out_strides) == ((32, 128), (8, 32))
    for output, level in zip(outputs, (1, 3), strict=True):
        expected = all_raw[level]
        spread = expected.var(dim=1, unbiased=False, keepdim=True) + 1e-6
        expected = (expected - expected.mean(dim=1, keepdim=True)) / spread.sqrt()
        torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stages", [-1, 0, 1, 2, 4])
def test_frozen_stages(stages):
    model = FANSwin(arch=SMALL, frozen_stages=stages, out_norm=True).train()
    free = ["patch_embed"] if stages < 0 else []
    free += [f"layers.{i}.blocks" for i in range(max(stages, 0), 4)]
    found = [
        part for part in ("patch_embed", *(f"layers.{i}.blocks" for i in range(4)))
        if any(p.requires_grad for p in model.get_submodule(part).parameters())
    ]  # fmt: skip
    assert found == free
    # the merging behind a stage belongs to the next
    merging = [model.layers[i].downsample.norm.weight.requires_grad for i in range(3)]
    assert merging == [i + 1 >= stages for i in range(3)]
    assert [model.get_submodule(f"out_norm{i}").weight.requires_grad for i in range(4)] == [
        i >= stages for i in range(4)
    ]


def test_drop_path_rises_to_its_rate():
    model = FANSwin(arch=SMALL, drop_path_rate=0.3)
    rates = [block.drop_path.rate for stage in model.layers for block in stage.blocks]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])


@pytest.mark.slow
def test_official_file_loads_as_it_is(tmp_path):
    published = {key: torch.zeros(shape) for key, shape in golden_keys()[NAME].items()}
    published["layers.0.blocks.0.attn.proj.bias"] += 7
    torch.save({"state_dict": published}, tmp_path / "fan_swin.pth.tar")
    model = FANSwin(
        arch="tiny", out_norm=True, init_cfg={"type": "Pretrained", "checkpoint": str(tmp_path / "fan_swin.pth.tar")}
    )
    model.init_weights()
    assert model.layers[0].blocks[0].attn.proj.bias.eq(7).all()
    assert model.out_norm0.weight.eq(1).all()  # not in the file


def test_file_of_another_size_is_refused(tmp_path):
    from mmfan.models.safe_load import CheckpointError

    torch.save(FANSwin(arch=SMALL).state_dict(), tmp_path / "small.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "small.pth")}
    model = FANSwin(arch={**SMALL, "embed_dims": 32}, init_cfg=init_cfg)
    with pytest.raises(CheckpointError, match="FAN-Swin, width 16, 7 blocks; the model is FAN-Swin, width 32, 7 block"):
        model.init_weights()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"arch": "huge"}, ValueError, r"arch to be one of \['tiny', 'small', 'base', 'large'\].*got 'huge'"),
        ({"arch": {"embed_dims": 16}}, ValueError, r"missing: \['depths', 'num_heads'\]"),
        ({"arch": {**SMALL, "depths": (2, 2)}}, ValueError, r"arch\['depths'\] to be 4 numbers, one a stage, got"),
        ({"arch": {**SMALL, "num_heads": (3, 2, 4, 4)}}, ValueError, "divide the width 16, got num_heads=3"),
        ({"arch": SMALL, "out_indices": (0, 4)}, ValueError, "Expected out_indices to be rising positions.*got"),
        ({"arch": SMALL, "out_indices": (0, 1)}, ValueError, "end with 3, got"),
        ({"arch": SMALL, "frozen_stages": 5}, ValueError, r"-1 \(nothing\) to 4 \(everything\), got 5"),
        ({"arch": SMALL, "channel_mixer": "se2"}, ValueError, "channel_mixer to be one of"),
        ({"arch": SMALL, "drop_path": 0.1}, TypeError, "drop_path"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        FANSwin(**arguments)


def test_bad_pictures():
    with pytest.raises(ValueError, match=r"got \(1, 1, 32, 32\)"):
        FANSwin(arch=SMALL)(torch.zeros(1, 1, 32, 32))
