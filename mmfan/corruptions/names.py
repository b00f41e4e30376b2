"""Names, groups and severities of the built-in corruptions, and the numbers behind each severity: the one table.

The 19 of the benchmarks first, then the ten of ImageNet-C-bar, which are asked for by name alone.

The types and their numbers are those of ImageNet-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness
to Common Corruptions and Perturbations", ICLR 2019) in the form that works at any picture size (Michaelis et al.,
"Benchmarking Robustness in Object Detection", 2019, package ``imagecorruptions``). Lengths are in pixels and do not
follow the size of the picture, unless the comment says so: a blur of 10 pixels is weaker on 2048x1024 than on 224x224.
"""

from __future__ import annotations

from typing import Any

SEVERITIES = (1, 2, 3, 4, 5)

# The order is that of the reference package; the first fifteen are the benchmark, the last four were held out.
COMMON = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
CORRUPTIONS = COMMON + EXTRA

# The ten of ImageNet-C-bar (Mintun et al., "On Interaction Between Augmentations and Corruptions in Natural Corruption
# Robustness", NeurIPS 2021), chosen to be unlike the benchmark and unlike what people train on. They are in none of the
# lists above: "all" stays what it was.
CBAR = (
    "blue_noise_sample",
    "brownish_noise",
    "caustic_refraction",
    "checkerboard_cutout",
    "cocentric_sine_waves",
    "inverse_sparkles",
    "perlin_noise",
    "plasma_noise",
    "single_frequency_greyscale",
    "sparkles",
)
# ImageNet-C's own numbers are those of PARAMETERS for all types but one, which has a name of its own.
IMAGENET_C = ("elastic_transform_imagenet_c",)
BUILT_IN = CORRUPTIONS + CBAR + IMAGENET_C

# The groups of the benchmark, with each held-out type in the group it was held out of. Protocols that group
# differently (brightness as digital, for one) carry their own groups.
GROUPS: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"),
    "weather": ("snow", "frost", "fog", "brightness", "spatter"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate"),
}

# name -> one entry a severity, 1 to 5. Intensities are fractions of the full range 0..1 = 0..255.
PARAMETERS: dict[str, tuple[Any, ...]] = {
    # standard deviation
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    # photons at full intensity
    "shot_noise": (60, 25, 12, 5, 3),
    # share of values that become 0 or 1
    "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    # standard deviation relative to the value
    "speckle_noise": (0.15, 0.2, 0.35, 0.45, 0.6),
    # (radius of the disk, standard deviation that smooths its edge)
    "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    # (standard deviation of the blur before and after, largest displacement, passes)
    "glass_blur": ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    # (radius, standard deviation along the line)
    "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    # (end, step) of the zoom factors, which begin at 1
    "zoom_blur": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
    # standard deviation
    "gaussian_blur": (1, 2, 3, 4, 6),
    # (mean and standard deviation of the flakes, zoom, threshold, radius and standard deviation of the fall, weight
    # of the picture against its whitened self)
    "snow": (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    # (weight of the picture, weight of the texture); the texture is scaled to the picture
    "frost": ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
    # (strength, decay of the plasma from octave to octave); the plasma is as large as the picture
    "fog": ((1.5, 2), (2.0, 2), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
    # added to the HSV value
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    # (mean and standard deviation of the drops, their blur, threshold, amount or blur of the mud, liquid)
    "spatter": (
        (0.65, 0.3, 4, 0.69, 0.6, "water"),
        (0.65, 0.3, 3, 0.68, 0.6, "water"),
        (0.65, 0.3, 2, 0.68, 0.5, "water"),
        (0.65, 0.3, 1, 0.65, 1.5, "mud"),
        (0.67, 0.4, 1, 0.65, 1.5, "mud"),
    ),
    # factor around the mean of each channel
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    # amplitude; the displacements and their smoothness are in percent of the sides
    "elastic_transform": (250 * 0.05, 250 * 0.065, 250 * 0.085, 250 * 0.1, 250 * 0.12),
    # side of the reduced picture as a share of the original
    "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
    # quality of the encoder
    "jpeg_compression": (25, 18, 15, 10, 7),
    # (factor, offset) of the HSV saturation; severities 1 and 2 take colour away
    "saturate": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
}

# The same for ImageNet-C-bar: strengths on the scale of its authors, 0 to 10. Lengths follow the shorter side of the
# picture, as theirs follow the side of their squares.
CBAR_STRENGTHS: dict[str, tuple[float, ...]] = {
    # blanked are the pixels whose noise is below 0.3 of it minus 2.5 standard deviations
    "blue_noise_sample": (0.8, 1.6, 2.4, 4.0, 5.6),
    # standard deviation, 6.4 grey levels a unit
    "brownish_noise": (1, 2, 3, 4, 5),
    # depth of the lens, a twentieth of the side a unit; light, 0.2 a unit
    "caustic_refraction": (2.35, 3.2, 4.9, 6.6, 9.15),
    # share of every other square that is blanked, a tenth a unit
    "checkerboard_cutout": (2, 3, 4, 5, 6),
    # from trough to crest, 12.8 grey levels a unit
    "cocentric_sine_waves": (3, 5, 8, 9, 10),
    # steepness: exponent 0.13 a unit
    "inverse_sparkles": (1, 2, 4, 9, 10),
    # weight of the noise, 0.05 a unit
    "perlin_noise": (4.6, 5.2, 5.8, 7.6, 8.8),
    # amplitude, 6.4 grey levels a unit
    "plasma_noise": (4.75, 7, 8.5, 9.25, 10),
    # amplitude, 19.6 grey levels a unit
    "single_frequency_greyscale": (1, 1.5, 2, 4.5, 5),
    # radius, a hundredth of the side a unit
    "sparkles": (1, 2, 3, 5, 6),
}

# (amplitude, standard deviation of the smoothing, largest move of three points), in pixels of a picture of 224
IMAGENET_C_PARAMETERS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "elastic_transform_imagenet_c": (
        (244 * 2, 244 * 0.7, 244 * 0.1),
        (244 * 2, 244 * 0.08, 244 * 0.2),
        (244 * 0.05, 244 * 0.01, 244 * 0.02),
        (244 * 0.07, 244 * 0.01, 244 * 0.02),
        (244 * 0.12, 244 * 0.01, 244 * 0.02),
    )
}
