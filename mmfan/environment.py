"""The packages that mmfan stands on, their oldest versions, and the message where one is missing or too old.

Two families of distributions provide the OpenMMLab modules: the maintained ``onedl-*`` packages and the original ones.
They share their import names, so versions are read from the modules, never from a distribution name.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import Any

from mmfan.errors import MMFanError

# module -> (oldest version that works, distribution in the extra [onedl], distribution in the extra [openmmlab])
REQUIREMENTS: dict[str, tuple[str, str, str]] = {
    "torch": ("2.4", "torch", "torch"),
    "mmengine": ("0.10.7", "onedl-mmengine", "mmengine"),
    "mmcv": ("2.1.0", "onedl-mmcv", "mmcv"),
    "mmseg": ("1.2.2", "onedl-mmsegmentation", "mmsegmentation"),
    "mmdet": ("3.3.0", "onedl-mmdetection", "mmdet"),
}

# module -> distribution, of what else one or another part of mmfan imports
OTHERS = {
    "PIL": "pillow",
    "cityscapesscripts": "cityscapesscripts",
    "cv2": "opencv-python-headless",
    "ftfy": "ftfy",
    "imagecorruptions": "imagecorruptions-imaug",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "psutil": "psutil",
    "pycocotools": "pycocotools",
    "scipy": "scipy",
}


class EnvironmentMismatchError(MMFanError, ImportError):
    """A package that mmfan needs is missing, too old, or cannot be imported."""


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version.

    >>> release("2.13.0+cpu"), release("0.11.0rc3")
    ((2, 13, 0), (0, 11, 0))
    """
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def is_installed(module: str) -> bool:
    """Whether ``module`` can be found, without importing it."""
    return importlib.util.find_spec(module) is not None


def how_to_install(module: str) -> str | None:
    """One sentence that says how to get a package that mmfan imports; None for one it does not know."""
    if module in OTHERS:
        return f"Install it with `pip install {OTHERS[module]}`."
    return _advice(module) if module in REQUIREMENTS else None


def _advice(module: str) -> str:
    _, onedl, openmmlab = REQUIREMENTS[module]
    return (
        f"Install it with `pip install 'mmfan[onedl]'` ({onedl}) or `pip install 'mmfan[openmmlab]'` ({openmmlab}); "
        "keep to the family that is already installed, the two cannot stand side by side."
    )


def check_environment(*modules: str) -> dict[str, str]:
    """Import the packages named and check their versions; torch, mmengine and mmcv are always checked.

    Args:
        modules: More of ``'mmseg'``, ``'mmdet'``.

    Returns:
        The version of each module checked.

    Raises:
        EnvironmentMismatchError: One is missing, too old or broken; the message says what to install.
        MMFanError: A name is none of the packages mmfan knows.
    """
    versions = {}
    for module in dict.fromkeys(("torch", "mmengine", "mmcv", *modules)):
        if module not in REQUIREMENTS:
            raise MMFanError(f"Expected one of {sorted(REQUIREMENTS)}, got {module!r}.")
        if not is_installed(module):
            raise EnvironmentMismatchError(
                f"mmfan needs the package `{module}`, which is not installed. {_advice(module)}"
            )
        try:
            found = importlib.import_module(module).__version__
        except (ImportError, AssertionError) as error:
            # mmseg and mmdet check mmcv's version with an assert at import.
            raise EnvironmentMismatchError(f"`{module}` is installed but cannot be imported: {error}") from error
        oldest = REQUIREMENTS[module][0]
        if release(found) < release(oldest):
            raise EnvironmentMismatchError(
                f"mmfan needs `{module}` {oldest} or newer, got {found} ({module} in "
                f"{importlib.import_module(module).__file__}). {_advice(module)}"
            )
        versions[module] = found
    return versions


def register_missing(registry: Any, package: str, names: tuple[str, ...]) -> None:
    """Register stand-ins that say which package is missing, for classes that cannot be defined without it.

    Args:
        registry: An mmengine ``Registry``.
        package: The module that is not installed, e.g. ``'mmseg'``.
        names: The classes that need it.
    """

    def stand_in(name: str) -> Any:
        def build(*_: Any, **__: Any) -> None:
            raise EnvironmentMismatchError(
                f"mmfan.{name} needs the package `{package}`, which is not installed. {_advice(package)}"
            )

        return build

    for name in names:
        registry.register_module(name=name, module=stand_in(name))
