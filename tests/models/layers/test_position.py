import math

import pytest
import torch

from mmfan.models.layers.position import FourierPosition, fourier_axis


@pytest.mark.parametrize(("rounding", "exponents"), [("floor", [0, 0, 2, 2]), (None, [0, 1, 2, 3])])
def test_first_frequencies_by_hand(rounding, exponents):
    length = 5
    found = fourier_axis(length, rounding)
    assert found.shape == (length, 32)
    for i in range(length):
        p = (i + 1) / (length + 1e-6) * 2 * math.pi
        for k, e in enumerate(exponents):
            expected = (math.sin if k % 2 == 0 else math.cos)(p / 10000 ** (e / 32))
            assert found[i, k].item() == pytest.approx(expected, abs=1e-5)


def test_projection_of_the_sum_is_the_sum_of_projections():
    layer = FourierPosition(8)
    h, w = 3, 5
    rows, columns = fourier_axis(h, "floor"), fourier_axis(w, "floor")
    full = torch.cat((rows[:, None].expand(h, w, 32), columns[None].expand(h, w, 32)), dim=2)  # y then x
    expected = layer.token_projection(full.permute(2, 0, 1)[None]).flatten(2).transpose(1, 2)
    torch.testing.assert_close(layer((h, w)), expected, rtol=1e-5, atol=1e-6)


def test_unknown_rounding():
    with pytest.raises(ValueError, match="pos_rounding to be 'floor' or None, got 'round'"):
        FourierPosition(8, rounding="round")
