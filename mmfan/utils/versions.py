"""Versions of packages and facts of the machine: what stands beside every figure."""

from __future__ import annotations

import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmfan.version import __version__


def versions(*modules: str) -> dict[str, str]:
    """The versions of mmfan, of Python and of modules, which are imported.

    Args:
        modules: Names to import, such as ``'torch'`` or ``'cv2'``.

    Raises:
        ImportError: A module is not installed.
    """
    found = {"mmfan": __version__, "python": platform.python_version()}
    return found | {module: str(import_module(module).__version__) for module in modules}


def installed(*distributions: str) -> dict[str, str]:
    """The versions of those distributions that are installed, by the names that pip knows; nothing is imported."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The model name of the CPU, or what the platform module knows of it."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def memory_gib() -> float:
    """Main memory, in GiB; 0 where the system does not tell."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0.0
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
