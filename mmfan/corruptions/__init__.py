"""The corruptions of the robustness benchmarks, at five severities: ``corrupt(image, name, severity, seed)``.

There are 19, and ten more of ImageNet-C-bar (:data:`CBAR`) and one of ImageNet-C (:data:`IMAGENET_C`), which are used
where they are asked for by name.

Needs NumPy, OpenCV and numba, and nothing of torch or OpenMMLab; the names alone need none of them. The compiled loops
are kept beside the package (or where ``NUMBA_CACHE_DIR`` points to), so that only the very first use compiles.

**What is the same where.** A picture is a pure function of the arguments, and all random draws are integers: they do
not depend on the processor, the system, or the version of Python and NumPy.

- The same bytes on every machine, being integers, tables and IEEE arithmetic without fused or reordered operations:
  ``gaussian_noise``, ``shot_noise``, ``impulse_noise``, ``speckle_noise``, ``zoom_blur``, ``fog``, ``brightness``,
  ``contrast``, ``saturate``, ``pixelate``; of C-bar ``checkerboard_cutout``, ``cocentric_sine_waves``,
  ``perlin_noise``, ``plasma_noise``, ``single_frequency_greyscale``, ``sparkles``.
- The same to the last grey level, in few values: ``gaussian_blur``, ``glass_blur`` and both forms of
  ``elastic_transform`` (float32 filters of OpenCV, which sum in the order that suits the processor), ``defocus_blur``,
  ``motion_blur`` and ``snow`` (weights from the system's exponential, sine and cosine), ``frost`` (the cubic
  enlargement of OpenCV); of C-bar ``brownish_noise`` and ``blue_noise_sample`` (the Fourier transform of NumPy; a pixel
  on the threshold may be kept or lost), ``caustic_refraction`` and ``inverse_sparkles`` (powers of the system).
- As far as the library goes: ``jpeg_compression`` is libjpeg-turbo's, as in OpenCV and Pillow; ``spatter`` finds the
  edges of its drops with OpenCV in integers.
"""

from mmfan.corruptions.engine import SMALLEST_SIDE, check_picture, corrupt
from mmfan.corruptions.names import (
    BUILT_IN,
    CBAR,
    CBAR_STRENGTHS,
    COMMON,
    CORRUPTIONS,
    EXTRA,
    GROUPS,
    IMAGENET_C,
    IMAGENET_C_PARAMETERS,
    PARAMETERS,
    SEVERITIES,
)
from mmfan.corruptions.registry import (
    ENGINE_VERSION,
    Corruption,
    UnknownCorruptionError,
    corruption_names,
    get_corruption,
    register_corruption,
    unregister_corruption,
)
from mmfan.corruptions.seeding import picture_name, picture_seed

__all__ = [
    "BUILT_IN",
    "CBAR",
    "CBAR_STRENGTHS",
    "COMMON",
    "CORRUPTIONS",
    "ENGINE_VERSION",
    "EXTRA",
    "GROUPS",
    "IMAGENET_C",
    "IMAGENET_C_PARAMETERS",
    "PARAMETERS",
    "SEVERITIES",
    "SMALLEST_SIDE",
    "Corruption",
    "UnknownCorruptionError",
    "check_picture",
    "corrupt",
    "corruption_names",
    "get_corruption",
    "picture_name",
    "picture_seed",
    "register_corruption",
    "unregister_corruption",
]
