"""AlterNet: layouts and parameter counts of the paper, its blocks against plain formulas, pictures of any size."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmfan.models import AlterNet
from mmfan.models.backbones.alternet import stage_layout
from mmfan.models.layers.alternet_block import ConvBlock, MSABlock

SMALL = {"depths": (1, 2, 4, 2), "expansion": 2, "num_heads": (1, 1, 2, 2), "window": 3, "stem_width": 8}
MSA = (0, 1, 1, 1)
LAYOUTS = {
    18: "CC / CM / CM / CM",
    34: "CCC / CCCM / CMCMCM / CMCM",
    50: "CCC / CCCM / CMCMCM / CMCM",
    101: "CCC / CCCM / " + 17 * "C" + "CMCMCM / CMCM",
    152: "CCC / CCCCCCCM / " + 30 * "C" + "CMCMCM / CMCM",
}


def small(**arguments):
    return AlterNet(arch=SMALL, **{"num_msa": MSA, **arguments})


def millions(module):
    return sum(p.numel() for p in module.parameters()) / 1e6


@pytest.mark.parametrize("arch", LAYOUTS)
@pytest.mark.slow
def test_layouts_of_the_paper(arch):
    with torch.device("meta"):
        model = AlterNet(arch)
        same = AlterNet(str(arch))
    assert model.layout == same.layout == LAYOUTS[arch]
    kinds = ["".join("C" if isinstance(b, ConvBlock) else "M" for b in stage) for stage in model.layers]
    assert " / ".join(kinds) == model.layout
    widths = (64, 128, 256, 512) if arch < 50 else (256, 512, 1024, 2048)
    assert (model.out_channels, model.out_strides, model.stride) == (widths, (4, 8, 16, 32), 1)


@pytest.mark.slow
def test_the_build_up_by_config():
    """The five models of the build-up on CIFAR-100, from ResNet to the one that was chosen."""
    found = []
    for num_msa in ((0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 2), (0, 0, 1, 2), (0, 1, 1, 2)):
        with torch.device("meta"):
            found.append(AlterNet(50, num_msa=num_msa).layout)
    assert found == [
        "CCC / CCCC / CCCCCC / CCCC", "CCC / CCCC / CCCCCC / CCCM", "CCC / CCCC / CCCCCC / CMCM",
        "CCC / CCCC / CCCCCM / CMCM", "CCC / CCCM / CCCCCM / CMCM",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arch", "num_msa", "count"),
    [
        (50, None, 33.9),
        (50, (0, 1, 1, 2), 32.8),
        (50, (0, 0, 0, 0), 28.0),
        ({"depths": (3, 4, 6, 3), "expansion": 4}, (0, 0, 0, 0), 23.5),
    ],
)
def test_parameter_counts(arch, num_msa, count):
    """Of the networks without classifier, worked out from the paper's layouts, in millions."""
    with torch.device("meta"):
        model = AlterNet(arch, num_msa=num_msa, out_norm=False)
    assert millions(model) == pytest.approx(count, abs=0.05)


def test_parameter_counts_of_stages_and_blocks():
    with torch.device("meta"):
        model = AlterNet(50)
    assert [millions(stage) for stage in model.layers] == pytest.approx([0.21, 1.35, 8.67, 23.62], abs=0.006)
    pairs = [(millions(stage[-1]), millions(stage[-2])) for stage in model.layers[1:]]
    for pair, expected in zip(pairs, [(0.41, 0.28), (1.64, 1.12)], strict=False):
        assert pair == pytest.approx(expected, abs=0.005)
    assert pairs[2] == pytest.approx((6.56, 4.46), abs=0.01)


def randomised(module):
    """Batch norms with statistics and scales of their own, biases away from 0."""
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.is_floating_point():
            value.data.copy_(torch.rand_like(value) + 0.5 if "var" in name else torch.randn_like(value) * 0.3)
    return module.eval()


def batch_norm(x, norm):
    shape = (1, -1, 1, 1)
    x = (x - norm.running_mean.view(shape)) / (norm.running_var.view(shape) + norm.eps).sqrt()
    return x * norm.weight.view(shape) + norm.bias.view(shape)


def test_bottleneck_by_formula():
    block = randomised(ConvBlock(8, 4, 4, stride=2))
    x = torch.randn(2, 8, 5, 6)
    active = batch_norm(x, block.norm1).clamp(min=0)
    y = F.conv2d(active, block.conv1.weight)
    y = F.conv2d(batch_norm(y, block.norm2).clamp(min=0), block.conv2.weight, stride=2, padding=1)
    y = F.conv2d(batch_norm(y, block.norm3).clamp(min=0), block.conv3.weight)
    expected = y + F.conv2d(active, block.shortcut.weight, stride=2)
    assert expected.shape == (2, 16, 3, 3)
    torch.testing.assert_close(block(x), expected)


def test_basic_block_by_formula():
    block = randomised(ConvBlock(8, 8, 1))
    assert block.shortcut is None
    x = torch.randn(2, 8, 5, 6)
    y = F.conv2d(batch_norm(x, block.norm1).clamp(min=0), block.conv1.weight, padding=1)
    y = F.conv2d(batch_norm(y, block.norm2).clamp(min=0), block.conv2.weight, padding=1)
    torch.testing.assert_close(block(x), x + y)


def test_attention_block_by_formula():
    """One window exactly, by loops over heads and pairs."""
    block = randomised(MSABlock(16, 4, num_heads=2, window=3))
    x = torch.randn(1, 16, 3, 3)
    y = F.conv2d(F.gelu(batch_norm(x, block.norm1)), block.conv.weight)
    tokens = batch_norm(y, block.norm2)[0].flatten(1).T  # (9, 4)
    attention = block.attn
    q = tokens @ attention.q.weight.T
    k, v = (tokens @ attention.kv.weight.T).chunk(2, dim=1)
    mixed = torch.zeros(9, 128)
    for head in range(2):
        part = slice(64 * head, 64 * head + 64)
        for i in range(9):
            # one table for both heads; 64 ** -0.5 = 1 / 8
            table = attention.relative_position_bias_table[:, 0].view(5, 5)
            bias = torch.stack([table[i // 3 - j // 3 + 2, i % 3 - j % 3 + 2] for j in range(9)])
            mixed[i, part] = (k[:, part] @ q[i, part] / 8 + bias).softmax(0) @ v[:, part]
    out = mixed @ attention.proj.weight.T + attention.proj.bias
    torch.testing.assert_close(block(x), x + out.T.view(1, 16, 3, 3), rtol=1e-4, atol=1e-5)


def test_windows_do_not_depend_on_what_lies_around_them():
    block = randomised(MSABlock(16, 4, num_heads=2, window=4))
    x = torch.randn(2, 16, 10, 6)  # windows of 4 need 12 x 8
    with torch.no_grad():
        whole = block(x)
        torch.testing.assert_close(whole[:, :, 4:8, :4], block(x[:, :, 4:8, :4]))
        torch.testing.assert_close(whole[:, :, 8:, 4:], block(x[:, :, 8:, 4:]))


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (7, 130), (1, 1)])
def test_any_size(size):
    model = small().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, *size))
    for output, channels, stride in zip(outputs, model.out_channels, model.out_strides, strict=True):
        assert tuple(output.shape) == (2, channels, *(-(-length // stride) for length in size))
        assert output.isfinite().all()


def test_outputs_end_in_norm_and_relu_or_are_raw_sums():
    torch.manual_seed(0)
    model = randomised(small(out_indices=(1, 3)))
    raw = small(out_norm=False).eval()
    state = model.state_dict()
    assert {key.split(".")[0] for key in state if key not in raw.state_dict()} == {"out_norm1", "out_norm3"}
    raw.load_state_dict({key: value for key, value in state.items() if not key.startswith("out_norm")})
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        outputs, sums = model(x), raw(x)
    assert (model.out_channels, model.out_strides) == ((32, 128), (8, 32))
    for output, level in zip(outputs, (1, 3), strict=True):
        expected = batch_norm(sums[level], model.get_submodule(f"out_norm{level}")[0]).clamp(min=0)
        torch.testing.assert_close(output, expected)
        assert sums[level].min() < 0


def test_every_parameter_learns():
    model = small().train()
    sum((o * torch.randn_like(o)).mean() for o in model(torch.randn(2, 3, 64, 64))).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


def test_checkpointing_changes_nothing():
    x = torch.randn(2, 3, 40, 48)
    results = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = small(with_cp=with_cp, drop_path_rate=0.3).train()
        sum(o.square().mean() for o in model(x)).backward()
        results.append({n: p.grad for n, p in model.named_parameters()} | dict(model.named_buffers()))
    for name, value in results[0].items():
        torch.testing.assert_close(results[1][name], value, msg=name)


@pytest.mark.parametrize("stages", [-1, 0, 1, 3, 4])
def test_frozen_stages(stages):
    model = small(frozen_stages=stages).train()
    parts = {"stem": model.stem, **{str(i): nn.ModuleList([model.layers[i]]) for i in range(4)}}
    free = {"stem"} if stages < 0 else set()
    free |= {str(i) for i in range(max(stages, 0), 4)}
    assert {name for name, part in parts.items() if any(p.requires_grad for p in part.parameters())} == free
    before = {n: b.clone() for n, b in model.named_buffers()}
    model(torch.randn(2, 3, 64, 64))
    moved = {n.split(".")[1] for n, b in model.named_buffers() if n.startswith("layers") and not b.equal(before[n])}
    assert moved == free - {"stem"}
    assert [model.get_submodule(f"out_norm{i}")[0].training for i in range(4)] == [i >= stages for i in range(4)]


def test_norms_are_those_of_norm_cfg_and_stay_in_eval_mode():
    model = small(norm_cfg={"type": "SyncBN", "eps": 1e-4}, norm_eval=True).train()
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    # 3 a bottleneck, 2 an MSA block, 1 an output
    assert len(norms) == 3 * 6 + 2 * 3 + 4
    assert all(isinstance(norm, nn.SyncBatchNorm) and norm.eps == 1e-4 and not norm.training for norm in norms)


def test_drop_path_rises_over_all_blocks():
    model = small(drop_path_rate=0.4)
    rates = [block.drop_path.rate for stage in model.layers for block in stage]
    assert rates == pytest.approx([0.05 * i for i in range(9)])


def test_own_weights_load_and_those_of_another_layout_are_refused(tmp_path):
    from mmfan.models.safe_load import CheckpointError

    source = small()
    torch.save({"state_dict": source.state_dict()}, tmp_path / "alternet.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "alternet.pth")}
    model = small(init_cfg=init_cfg)
    model.init_weights()
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), model.parameters(), strict=True))
    with pytest.raises(CheckpointError, match=r"AlterNet, width 8, 9 blocks.*missing: layers\.1\.1\.conv1"):
        small(init_cfg=init_cfg, num_msa=(0, 0, 1, 1)).init_weights()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"arch": 20}, ValueError, r"arch to be one of \['18', '34', '50', '101', '152'\].*got '20'"),
        ({"arch": SMALL}, ValueError, "Expected num_msa, the MSA blocks of each stage"),
        ({"arch": SMALL, "num_msa": (1, 1, 1, 1)}, ValueError, "stage of 1 blocks from 0 to 0"),
        ({"arch": SMALL, "num_msa": (0, 1, 1)}, ValueError, "num_msa to be 4 numbers, one a stage"),
        ({"arch": 50, "num_msa": (0, 1, 4, 2)}, ValueError, "stage of 6 blocks from 0 to 3.*got 4"),
        ({"arch": {**SMALL, "windows": 7}, "num_msa": MSA}, ValueError, r"unknown: \['windows'\]"),
        ({"arch": {"depths": (1, 1, 1, 1)}, "num_msa": MSA}, ValueError, r"missing: \['expansion'\]"),
        ({"arch": SMALL, "num_msa": MSA, "out_indices": (0, 1)}, ValueError, "out_indices.*end with 3"),
        ({"arch": SMALL, "num_msa": MSA, "frozen_stages": 5}, ValueError, r"to 4 \(everything\), got 5"),
        ({"arch": SMALL, "num_msa": MSA, "final_downsample": True}, TypeError, "final_downsample"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        AlterNet(**arguments)


def test_layout_of_a_stage():
    assert [stage_layout(4, m) for m in range(3)] == ["CCCC", "CCCM", "CMCM"]
