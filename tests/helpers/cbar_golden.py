"""The stored outputs of the public code of ImageNet-C-bar, the photograph in them, and our types with its draws.

The photograph itself is not stored. Two of the types leave most pixels as they are, so every fourth pixel of it can be
read off their outputs, but for one in 400.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import caustics, checkerboard, perlin, plasma, sparkling, waves

SIDE = 224
SEVERITIES = (1, 3, 5)
with np.load(Path(__file__).parents[1] / "data" / "cbar_golden.npz") as _file:
    GOLDEN = dict(_file)


def photograph() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(224, 224, 3) with each known pixel four by four times, and (56, 56): which are known."""
    board = GOLDEN["checkerboard_cutout/1/pixels_every_4th"]
    found, known = np.where((board != 128).any(-1)[..., None], board, 0), (board != 128).any(-1)
    for severity in SEVERITIES:
        kept = GOLDEN[f"blue_noise_sample/{severity}/pixels_every_4th"]
        found[kept.any(-1)] = kept[kept.any(-1)]
        known |= kept.any(-1)
    return found.repeat(4, 0).repeat(4, 1), known


def with_their_draws(image: NDArray[np.uint8], name: str, numbers: NDArray[np.float64]) -> NDArray[np.uint8]:
    """One of our types with the stored parameters; seeds among them are those of NumPy's Mersenne twister."""
    n = [float(number) for number in numbers]
    if name == "single_frequency_greyscale":
        return waves.plane_wave(image, *n)
    if name == "cocentric_sine_waves":
        return waves.rings(image, (n[1], n[0]), n[2], n[3], n[4], n[5])
    if name == "plasma_noise":
        return plasma.add_plasma(image, n[0], int(n[1]), *n[2:])
    if name == "checkerboard_cutout":
        count = int(4 * SIDE // n[1])
        draws = np.random.RandomState(int(n[4])).uniform(size=(count, count))
        return checkerboard.blank_squares(image, n[0], n[1], draws < n[3])
    if name == "inverse_sparkles":
        lengths = n[2] + 0.25 * n[2] * np.random.RandomState(int(n[7])).randn(int(n[8]))
        return sparkling.keep_star(image, (n[0], n[1]), lengths, (100 - n[9]) / 50)
    if name == "sparkles":
        twister, stars = np.random.RandomState(int(n[19])), []
        for star in range(5):
            radius, rays = n[10 + star], int(n[20 + star])
            lengths = np.maximum(radius + 0.25 * radius * twister.randn(rays), 1)
            stars.append(((n[2 * star], n[2 * star + 1]), lengths))
        return sparkling.lay_stars(image, stars)
    if name == "perlin_noise":
        return perlin.blend_turbulence(image, 1 / n[0], *_perlin_tables(int(n[5])), n[8])
    if name == "caustic_refraction":
        return caustics.refract(image, n[0], n[1], n[3], n[4])
    raise AssertionError(name)


def _perlin_tables(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """514 directions, then 256 exchanges from the last place to the first; what is past 256 repeats the beginning."""
    twister = np.random.RandomState(seed)
    points = np.array([twister.randint(0, 2**31, size=2) % 512 - 256 for _ in range(514)]) / 256
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    order = np.arange(514)
    for last in range(255, -1, -1):
        other = twister.randint(0, 2**31) % 256
        order[[last, other]] = order[[other, last]]
    order[256:], directions[256:] = order[:258].copy(), directions[:258].copy()
    return order, directions


def their_field(twister: np.random.RandomState, power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise with random phases and a given magnitude per frequency, its zero in the middle; standard deviation 1."""
    half = twister.uniform(0, 2 * np.pi, (SIDE, SIDE // 2))
    spectrum = power * np.exp(1j * np.concatenate([half, half[::-1, ::-1]], axis=1))
    field = np.fft.ifft2(np.fft.ifftshift(spectrum)).real
    return field / field.std()
