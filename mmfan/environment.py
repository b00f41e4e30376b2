"""The packages that mmfan stands on, their oldest versions, and the message where one is missing, too old or broken.

Two families of distributions provide the OpenMMLab modules: the maintained ``onedl-*`` packages and the original ones.
They share their import names, so versions are read from the modules, never from a distribution name. What is advised
keeps the torch that is there: mmcv's operators are compiled for one torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import Any

from mmfan.errors import MMFanError
from mmfan.utils.versions import installed

# module -> (oldest version that works, distribution of the maintained family, of the original one)
REQUIREMENTS: dict[str, tuple[str, str, str]] = {
    "torch": ("2.1", "torch", "torch"),
    "mmengine": ("0.10.3", "onedl-mmengine", "mmengine"),
    "mmcv": ("2.1.0", "onedl-mmcv", "mmcv"),
    "mmseg": ("1.2.2", "onedl-mmsegmentation", "mmsegmentation"),
    "mmdet": ("3.3.0", "onedl-mmdetection", "mmdet"),
    "mmpretrain": ("1.2.0", "onedl-mmpretrain", "mmpretrain"),
}
OPERATORS = "mmcv._ext"  # the module of mmcv's compiled operators

# module -> what pip installs, of what else one or another part of mmfan, or of OpenMMLab, imports
OTHERS = {
    "PIL": "pillow",
    "cityscapesscripts": "cityscapesscripts",
    "cv2": "opencv-python-headless",
    "ftfy": "ftfy",
    "imagecorruptions": "--no-deps imagecorruptions-imaug",  # for its pictures of frost; it would bring an OpenCV
    "matplotlib": "matplotlib",
    "numba": "numba",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "pkg_resources": "'setuptools<81'",  # mmengine 0.10.7 and older import it; setuptools 81 has it no more
    "psutil": "psutil",
    "pycocotools": "pycocotools",
    "regex": "regex",
    "scipy": "scipy",
    "supervision": "supervision",
    "torchvision": "torchvision",
}

# Builds of OpenCV; all install the module cv2.
OPENCV = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)

# The last torch that a wheel of mmcv 2.1 was made for; mmsegmentation 1.2.2 and mmdet 3.3.0 refuse mmcv 2.2.
LAST_PREBUILT = (2, 1)
_ORIGINAL_PINS = {"mmengine": " 'setuptools<81'", "mmseg": " ftfy regex", "mmdet": ""}


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
    """Whether ``module`` can be found, without importing it; for ``a.b``, ``a`` is imported."""
    parent = module.rpartition(".")[0]
    return (not parent or is_installed(parent)) and importlib.util.find_spec(module) is not None


def families() -> dict[str, dict[str, str]]:
    """Distributions that are installed and their versions, by family: ``onedl``, ``original``."""
    pairs = [names for module, (_, *names) in REQUIREMENTS.items() if module != "torch"]
    return {
        "onedl": installed(*(onedl for onedl, _ in pairs)),
        "original": installed(*(original for _, original in pairs), "mmcv-lite"),
    }


def _keeps_to_original() -> bool:
    """Whether what is advised is of the original family: it is here, or it alone has parts made for this torch."""
    here = families()
    if here["onedl"] or here["original"]:
        return not here["onedl"]
    return _torch_has_prebuilt()


def _torch_has_prebuilt() -> bool:
    torch = installed("torch").get("torch")
    return torch is not None and release(torch)[:2] <= LAST_PREBUILT


def how_to_install(module: str) -> str | None:
    """What to do to get a module that mmfan imports, in one or two sentences; None for one that it does not know."""
    if module in ("mmpretrain", "torchvision"):
        return _how_to_get_mmpretrain(module)
    if module in OTHERS:
        return f"Install it with `pip install {OTHERS[module]}`."
    if module in ("mmcv", OPERATORS):
        return _how_to_get_mmcv(module == OPERATORS)
    if module not in REQUIREMENTS:
        return None
    oldest, onedl, original = REQUIREMENTS[module]
    if module == "torch":
        return (
            f"Install it with `pip install 'torch>={oldest}'`. mmcv's operators are compiled for one torch: mmcv is "
            "installed after it, and anew whenever torch changes."
        )
    if _keeps_to_original():
        return f"Install it with `pip install '{original}>={oldest}'{_ORIGINAL_PINS[module]}`."
    return f"Install it with `pip install {onedl}`."


def _how_to_get_mmpretrain(module: str) -> str:
    """mmpretrain, which imports torchvision for all of its models, and that for the torch which is here."""
    torch = installed("torch").get("torch")
    # each torchvision is made for one torch, and pip would bring the newest with its own
    kept = f" torch=={torch}" if torch else ""
    if module == "torchvision":
        return (
            f"Each is made for one torch: install that of the torch which is here with `pip install torchvision{kept}`."
        )
    if _keeps_to_original():
        return f"Install it with `pip install 'mmpretrain>=1.2.0' torchvision{kept}`."
    return f"Install it with `pip install onedl-mmpretrain torchvision{kept}`: what the extra mmfan[cls] has."


def _how_to_get_mmcv(with_operators: bool) -> str:
    """With compiled operators, or first without, which takes seconds, where that is enough for segmentation."""
    original = _keeps_to_original()
    whole = "mmcv==2.1.0" if original else "onedl-mmcv"
    here = installed("mmcv", "mmcv-lite", "onedl-mmcv")
    if original and _torch_has_prebuilt():
        first = f"`pip uninstall {' '.join(here)}`, " if here else ""
        return f"Install mmcv from its wheel for this torch: {first}`pip install openmim`, `mim install {whole}`."
    again = "--force-reinstall --no-deps --no-cache-dir " if here else ""
    first = "`pip uninstall mmcv-lite`, then " if "mmcv-lite" in here else ""
    # pip's cache may hold a wheel that was built without operators, or for another torch
    compiled = (
        f"compiled for the torch that is here: {first}`MMCV_WITH_OPS=1 pip install {again or '--no-cache-dir '}"
        f"--no-build-isolation {whole}` (some minutes; it needs a C++ compiler and `pip install 'setuptools<81' wheel "
        "ninja`)"
    )
    if with_operators or original:
        return f"Install mmcv with its operators, {compiled}."
    return f"For segmentation `pip install {again}onedl-mmcv` is enough; detection needs its operators, {compiled}."


def state_of(module: str) -> tuple[str | None, str | None]:
    """Look whether a module is there, can be imported and is new enough.

    Args:
        module: Any; what versions are needed is known of those in ``REQUIREMENTS``.

    Returns:
        Its version, if it can be told, and what is wrong with it, with the cure; None where nothing is.
    """
    cure = how_to_install(module) or ""
    if not is_installed(module):
        return None, f"mmfan needs the package `{module}`, which is not installed. {cure}".strip()
    try:
        loaded = importlib.import_module(module)
        found = str(getattr(loaded, "__version__", "of unknown version"))
    except (ImportError, AssertionError, AttributeError, RuntimeError, OSError) as error:
        # mmseg and mmdet assert mmcv's version, a torch that does not fit its libraries raises OSError
        return None, f"`{module}` is installed but cannot be imported: {_told(error)}"
    oldest = REQUIREMENTS.get(module, ("0",))[0]
    if release(found) < release(oldest):
        return found, f"mmfan needs `{module}` {oldest} or newer, got {found} ({loaded.__file__}). {cure}"
    return found, _numpy_problem(loaded) if module == "torch" else None


def _told(error: Exception) -> str:
    """What an import says, with the cure where it is known."""
    if isinstance(error, AssertionError):  # mmseg's and mmdet's, of mmcv's version
        cure = how_to_install("mmcv")
    else:
        missing = getattr(error, "name", None)
        cure = how_to_install(missing) if missing and not is_installed(missing) else None
    return f"{str(error).rstrip('.')}. {cure}" if cure else str(error)


def _numpy_problem(torch: Any) -> str | None:
    """That torch was built for an older NumPy than the one here, of which it only warns."""
    try:
        torch.zeros(1, device="cpu").numpy()
    except RuntimeError as error:
        numpy = installed("numpy").get("numpy")
        return f"torch {torch.__version__} does not work with NumPy {numpy} ({error}). Run `pip install 'numpy<2'`."
    return None


def needs_operators(module: str) -> bool:
    """Whether a module cannot be used without mmcv's compiled operators: mmdet, and mmseg of the original family.

    mmsegmentation 1.2.2 imports them for all of its models, onedl-mmsegmentation for those that use them.
    """
    return module == "mmdet" or (module == "mmseg" and "mmsegmentation" in families()["original"])


def operators_problem() -> str | None:
    """What is wrong with mmcv's compiled operators, with the cure; None where they can be used.

    torch and mmcv must have been imported.
    """
    if not is_installed(OPERATORS):
        return f"mmcv has no compiled operators here (NMS, RoIAlign, ...). {how_to_install(OPERATORS)}"
    try:
        importlib.import_module(OPERATORS)
    except (ImportError, OSError) as error:
        return (
            f"mmcv's compiled operators cannot be loaded; most likely they were compiled for another torch: {error}. "
            f"{how_to_install(OPERATORS)}"
        )
    return None


def opencv_problem() -> str | None:
    """That several builds of OpenCV lie in one place, with the cure; None where there is one or none.

    They overwrite each other's files: which one is imported depends on the order of installing, those that need libGL
    do not start on a server, and removing or updating one breaks the other.
    """
    here = installed(*OPENCV)
    if len(here) < 2:
        return None
    oldest = min(here.values(), key=release)  # another package may refuse a newer one
    return (
        f"{', '.join(f'{name} {version}' for name, version in here.items())} overwrite each other's files. Keep one: "
        f"`pip uninstall -y {' '.join(here)}`, then `pip install --no-deps {OPENCV[0]}=={oldest}`."
    )


def check_environment(*modules: str) -> dict[str, str]:
    """Import the packages named and check their versions; torch, mmengine and mmcv are always checked.

    Args:
        modules: More of ``'mmseg'``, ``'mmdet'``, ``'mmpretrain'``; those that need mmcv's compiled operators, or
            torchvision (mmpretrain), must find them.

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
        version, problem = state_of(module)
        if problem:
            raise EnvironmentMismatchError(problem)
        versions[module] = str(version)
    if "mmpretrain" in modules:  # imports it for all of its models, and is imported itself without
        problem = state_of("torchvision")[1]
        if problem:
            raise EnvironmentMismatchError(f"mmpretrain needs torchvision. {problem}")
    # who goes without operators does not go with such as cannot be loaded
    if {"mmseg", "mmdet"}.intersection(modules) and (is_installed(OPERATORS) or any(map(needs_operators, modules))):
        problem = operators_problem()
        if problem:
            raise EnvironmentMismatchError(problem)
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
                f"mmfan.{name} needs the package `{package}`, which is not installed. {how_to_install(package)}"
            )

        return build

    for name in names:
        registry.register_module(name=name, module=stand_in(name))
