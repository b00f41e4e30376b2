"""The cheap order of the head against the written-out one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from mmfan.models.layers.level_fusion import fold, fuse_levels, fused_strips, norm_as_affine, resized_rows


def written_out(levels, projections, fuse, align_corners):
    size = max((x.shape[2:] for x in levels), key=lambda s: s.numel())
    maps = []
    for x, projection in zip(levels, projections, strict=True):
        y = projection(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:])
        maps.append(F.interpolate(y, size, mode="bilinear", align_corners=align_corners))
    return F.conv2d(torch.cat(maps[::-1], dim=1), fuse)


def case(channels, sizes, dim, batch=2, dtype=torch.float64):
    levels = [torch.randn(batch, c, *s, dtype=dtype) for c, s in zip(channels, sizes, strict=True)]
    projections = nn.ModuleList(nn.Linear(c, dim, dtype=dtype) for c in channels)
    fuse = nn.Parameter(torch.randn(dim, dim * len(channels), 1, 1, dtype=dtype))
    return levels, projections, fuse


CASES = {
    "hybrid": ((3, 5, 6, 6), ((8, 12), (4, 6), (2, 3), (2, 3))),
    "vit": ((6, 6, 6, 6), ((3, 4),) * 4),
    "one level": ((4,), ((5, 7),)),
    "odd sizes, finest last": ((4, 3), ((3, 2), (7, 5))),
}


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_forward_and_every_gradient(name, align_corners):
    levels, projections, fuse = case(*CASES[name], dim=7)
    weight = None
    results = []
    for cheap in (False, True):
        for tensor in [*projections.parameters(), fuse]:
            tensor.grad = None
        inputs = [x.clone().requires_grad_() for x in levels]
        if cheap:
            out = fuse_levels(inputs, *fold(projections, fuse), align_corners)
        else:
            out = written_out(inputs, projections, fuse, align_corners)
        weight = torch.randn_like(out) if weight is None else weight
        (out * weight).sum().backward()
        results.append([out, *(x.grad for x in inputs), *(p.grad for p in projections.parameters()), fuse.grad])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=30)
@given(
    h=st.integers(1, 9), w=st.integers(1, 9), size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    cut=st.floats(0, 1), align_corners=st.booleans(),
)  # fmt: skip
def test_resized_rows_are_rows_of_the_resized_map(h, w, size, cut, align_corners):
    x = torch.randn(1, 2, h, w, dtype=torch.float64)
    whole = F.interpolate(x, size, mode="bilinear", align_corners=align_corners)
    start = int(cut * (size[0] - 1))
    part = range(start, min(size[0], start + 4))
    found = resized_rows(x.permute(0, 2, 3, 1), size, part, align_corners)
    torch.testing.assert_close(found.permute(0, 3, 1, 2), whole[:, :, start : part.stop], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_strips_are_the_map_in_pieces(name, monkeypatch):
    monkeypatch.setattr("mmfan.models.layers.level_fusion.PIECE", 30)
    levels, projections, fuse = case(*CASES[name], dim=7)
    with torch.no_grad():
        strips = list(fused_strips(levels, *fold(projections, fuse)))
        whole = fuse_levels(levels, *fold(projections, fuse))
    assert len(strips) == -(-whole.shape[2] // max(1, 30 // (2 * whole.shape[3])))
    torch.testing.assert_close(torch.cat(strips, dim=1).permute(0, 3, 1, 2), whole, rtol=1e-6, atol=1e-6)


def test_norm_as_affine():
    norm = nn.BatchNorm2d(5).double()
    for value in norm.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 2)
    assert norm_as_affine(norm.train()) is None
    assert norm_as_affine(nn.GroupNorm(1, 5)) is None
    affine = norm_as_affine(norm.eval())
    assert affine is not None
    scale, shift = affine
    x = torch.randn(2, 5, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(x * scale[:, None, None] + shift[:, None, None], norm(x))


def test_affine_is_folded_in():
    levels, projections, fuse = case(*CASES["hybrid"], dim=7)
    affine = torch.randn(7, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    plain = written_out(levels, projections, fuse, False)
    found = fuse_levels(levels, *fold(projections, fuse, affine))
    torch.testing.assert_close(found, plain * affine[0][:, None, None] + affine[1][:, None, None])
