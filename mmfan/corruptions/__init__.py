"""The 19 corruptions of the robustness benchmarks, at five severities: ``corrupt(image, name, severity, seed)``.

Needs NumPy, OpenCV and numba, and nothing of torch or OpenMMLab.
"""

from mmfan.corruptions.engine import SMALLEST_SIDE, check_picture, corrupt
from mmfan.corruptions.names import COMMON, CORRUPTIONS, EXTRA, GROUPS, PARAMETERS, SEVERITIES
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
    "COMMON",
    "CORRUPTIONS",
    "ENGINE_VERSION",
    "EXTRA",
    "GROUPS",
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
