"""Features at a depth are those of the maps, resized."""

import torch
from torch.nn import functional as F

from mmfan.analysis.probing.depths import Depth, at_pixels, depths_of, joined, pooled
from mmfan.models.taps import Tap


def test_depths():
    blocks = [Tap(f"b{place}", "", "conv", 4, 8) for place in range(6)]
    names = [depth.name for depth in depths_of(blocks)]
    assert names == ["b0", "b1", "b2", "b3", "b4", "b5", "last 4", "all"]
    assert depths_of(blocks)[6].places == (2, 3, 4, 5)
    assert [depth.name for depth in depths_of(blocks[:4])] == ["b0", "b1", "b2", "b3", "all"]
    assert depths_of(blocks[:1]) == [Depth("b0", (0,))]


def test_features_at_pixels_are_those_of_a_resized_map():
    torch.manual_seed(0)
    size = (24, 40)
    maps = [torch.rand(1, 3, 6, 10), torch.rand(1, 5, 3, 5), torch.rand(1, 2, 24, 40)]
    pixels = torch.tensor([[0, 0], [23, 39], [11, 7], [5, 39], [23, 20]])
    read = at_pixels(maps, pixels, size)
    for values, found in zip(maps, read, strict=True):
        whole = F.interpolate(values, size, mode="bilinear", align_corners=False)
        torch.testing.assert_close(found, whole[0][:, pixels[:, 0], pixels[:, 1]].T)
    torch.testing.assert_close(joined(read, Depth("x", (2, 0))), torch.cat([read[2], read[0]], dim=1))


def test_pooled():
    values = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(pooled([values])[0], values.flatten(2).mean(2))
