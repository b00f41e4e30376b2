"""Fourier curves of maps whose spectrum is known in closed form."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmfan.analysis.analyses.fourier import FLOOR, diagonal, log_amplitude

pytestmark = pytest.mark.slow


def curve(features: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    return diagonal(log_amplitude(features))


def test_white_noise_is_flat() -> None:
    at, values = curve(torch.randn(4, 256, 16, 16))
    assert at.tolist() == [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1]
    # frequency zero is a real number: the mean logarithm of one lies ln 2 / 2 below that of a complex one
    assert np.abs(values[1:-1] - values[1:-1].mean()).max() < 0.1
    assert abs(values[-1]) < 0.1  # the Nyquist frequency is real too
    assert values[1:-1].mean() == pytest.approx(np.log(2) / 2, abs=0.1)


def test_constant_map_has_nothing_but_frequency_zero() -> None:
    _, values = curve(torch.full((1, 2, 8, 8), 3.0))
    assert values[1:] == pytest.approx(np.full(4, np.log(FLOOR) - np.log(3 * 64)), abs=1e-6)


@pytest.mark.parametrize("shape", [(16, 16), (16, 24), (15, 16), (9, 21)])
def test_one_pixel_has_all_frequencies_alike_on_any_shape(shape: tuple[int, int]) -> None:
    pixel = torch.zeros(1, 1, *shape)
    pixel[..., 2, 3] = 1
    at, values = curve(pixel)
    assert values == pytest.approx(np.zeros(len(at)), abs=1e-9)
    assert len(at) == min(shape) // 2 + 1
    assert at[-1] == (1 if min(shape) % 2 == 0 else (min(shape) - 1) / min(shape))


def test_box_blur_follows_its_transfer_function_and_a_laplacian_rises() -> None:
    noise = torch.randn(2, 64, 16, 16)
    box = F.avg_pool2d(F.pad(noise, (0, 1, 0, 1), mode="circular"), 2, stride=1)
    at, values = curve(box)
    transfer = np.cos(np.pi * at[1:-1] / 2) ** 2  # both axes: |1 + e^{-i w}| / 2 = cos(w / 2), squared
    assert (values - curve(noise)[1])[1:-1] == pytest.approx(np.log(transfer), abs=1e-3)
    kernel = torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]).expand(64, 1, 3, 3)
    sharp = F.conv2d(F.pad(noise, (1, 1, 1, 1), mode="circular"), kernel, groups=64)
    assert (curve(sharp)[1] - curve(noise)[1])[-1] == pytest.approx(np.log(9), abs=1e-3)  # 1 + 4 (1 - cos pi)


def test_a_rectangle_and_its_transpose_agree() -> None:
    features = torch.randn(1, 8, 12, 30)
    one, other = curve(features), curve(features.transpose(2, 3))
    assert one[0].tolist() == other[0].tolist()
    assert one[1] == pytest.approx(other[1], abs=1e-9)


def test_a_wave_is_found_at_its_true_frequency_on_a_rectangle() -> None:
    rows, columns = torch.arange(16.0)[:, None], torch.arange(32.0)[None]
    wave = torch.cos(2 * torch.pi * (4 * rows / 16 + 8 * columns / 32))  # half the Nyquist frequency on both axes
    at, values = curve((wave + 1e-3)[None, None])
    assert at[values.argmax()] == 0.5
