"""Noise that is drawn by its spectrum: blue (a sample of the pixels is lost) and brownish (slow clouds of colour)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import random_bytes, stream_key
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture

Field = NDArray[np.float64]


def blue_noise_sample(image: Picture, severity: int, seed: int) -> Picture:
    """Blank the pixels where noise whose amplitude rises with the frequency is low; all channels at once.

    Source: ImageNet-C-bar, ``x * (noise > 0.3 s - 2.5)`` with noise of unit standard deviation.
    """
    height, width = image.shape[:2]
    threshold = 0.3 * CBAR_STRENGTHS["blue_noise_sample"][severity - 1] - 2.5
    mask = blue_noise(height, width, seed) > threshold
    return image * mask.reshape(mask.shape + (1,) * (image.ndim - 2)).view(np.uint8)


def brownish_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Add noise whose amplitude falls with the square of the frequency, every channel its own.

    Source: ImageNet-C-bar, ``x + 6.4 s noise`` with noise of unit standard deviation about its mean, which is not 0.
    """
    height, width = image.shape[:2]
    sigma = 6.4 * CBAR_STRENGTHS["brownish_noise"][severity - 1]
    out = np.empty_like(image)
    source, target = image.reshape(height, width, -1), out.reshape(height, width, -1)
    for channel in range(source.shape[2]):
        noise = brownish_field(height, width, seed, channel)
        _add(source, noise, sigma, channel, target)
    return out


def blue_noise(height: int, width: int, seed: int) -> Field:
    """(H, W), mean 0, standard deviation 1, amplitude proportional to the frequency."""
    return _unit(_random_field(_frequencies(height, width), width, seed, 0))


def brownish_field(height: int, width: int, seed: int, channel: int) -> Field:
    """(H, W), standard deviation 1, amplitude ``1 / (k^2 + 1)`` with k in cycles over the shorter side."""
    cycles = _frequencies(height, width) * min(height, width)
    return _unit(_random_field(1 / (cycles * cycles + 1), width, seed, channel))


def _unit(field: Field) -> Field:
    field /= field.std()
    return field


def _frequencies(height: int, width: int) -> Field:
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])


def _random_field(amplitude: Field, width: int, seed: int, stream: int) -> Field:
    """A real field; amplitudes of the half plane of frequencies in, (H, W // 2 + 1).

    The source takes the real part of the transform of ``amplitude * exp(i phase)`` with a phase for every frequency of
    the whole plane; that is a mean over a frequency and its opposite, ``amplitude * cos(a) * exp(i b)`` with two
    independent phases.
    """
    height, columns = amplitude.shape
    phases = random_bytes(stream_key(seed, stream), 4 * amplitude.size).view("<u2").reshape(2, height, columns)
    waves = _waves()
    spectrum = waves[phases[1]] * (amplitude * waves.real[phases[0]])
    for column in {0, columns - 1} if width % 2 == 0 else {0}:  # their own opposites
        rows = (height + 1) // 2
        spectrum[height - rows + 1 :, column] = spectrum[1:rows, column][::-1].conj()
        for row in {0, height // 2} if height % 2 == 0 else {0}:
            spectrum[row, column] = amplitude[row, column] * waves.real[phases[0, row, column]]
    return np.fft.irfft2(spectrum, (height, width))


@lru_cache(maxsize=1)
def _waves() -> NDArray[np.complex128]:
    return np.exp(2j * np.pi * np.arange(1 << 16) / (1 << 16))


@compiled
def _add(image: Picture, noise: Field, sigma: float, channel: int, out: Picture) -> None:
    height, width = noise.shape
    for y in range(height):
        for x in range(width):
            out[y, x, channel] = min(max(image[y, x, channel] + sigma * noise[y, x], 0.0), 255.0)
