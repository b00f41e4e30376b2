"""Print what mmfan stands on here: versions, the family of OpenMMLab packages, compiled operators, GPU, cores, memory.

    mmfan env
    mmfan env --json

A report of a bug needs this text. What is missing or cannot be imported is listed with its cure; exit status 0 always.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import sys
import warnings
from importlib import import_module
from typing import Any

from mmfan.cli.options import make_command_parser
from mmfan.environment import (
    OPERATORS,
    families,
    how_to_install,
    is_installed,
    needs_operators,
    opencv_problem,
    operators_problem,
    state_of,
)
from mmfan.utils.configs import PACKAGE
from mmfan.utils.resources import cores
from mmfan.utils.versions import memory_gib, processor
from mmfan.version import __version__

SHOWN = ("numpy", "torch", "cv2", "numba", "PIL", "matplotlib", "mmengine", "mmcv", "mmseg", "mmdet")
# For what is compared with, converted or measured; mmfan works without.
OPTIONAL = ("cityscapesscripts", "imagecorruptions", "psutil", "pycocotools", "scipy")


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def module_state(module: str) -> dict[str, str]:
    """``version`` of a module, if it can be told, and ``problem``, if there is one: what is wrong, and the cure."""
    version, problem = state_of(module)
    return {key: value for key, value in (("version", version), ("problem", problem)) if value}


def family() -> str:
    """Which of the two families of packages provides OpenMMLab's modules."""
    here = families()
    if here["onedl"] and here["original"]:
        return f"both, which cannot stand side by side: {', '.join([*here['onedl'], *here['original']])}"
    return next((name for name, packages in here.items() if packages), "none")


def operators() -> dict[str, str]:
    """Whether mmcv's compiled operators are there, and those for GPUs."""
    if any("problem" in module_state(module) for module in ("torch", "mmcv")):
        return {"compiled": "no, torch or mmcv cannot be used", "cuda": "no"}
    problem = operators_problem()
    if problem:
        without = "no" if needs_operators("mmseg") else "no; segmentation goes without, detection not"
        state = "but they cannot be loaded" if is_installed(OPERATORS) else without
        return {"compiled": state, "cuda": "no", "problem": problem}
    cuda = str(import_module(OPERATORS).get_compiling_cuda_version())
    return {"compiled": "yes", "cuda": "no" if cuda == "not available" else f"yes, CUDA {cuda}"}


def accelerators() -> list[str]:
    """The GPUs that torch finds."""
    if "version" not in module_state("torch"):
        return []
    import torch

    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return names or (["Apple GPU (mps)"] if torch.backends.mps.is_available() else [])


def describe() -> dict[str, Any]:
    """All of it, as it goes into JSON."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # packages talk while they are imported
        warnings.simplefilter("ignore")
        return {
            "mmfan": __version__,
            "where": str(PACKAGE),
            "python": platform.python_version(),
            "executable": sys.executable,
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "processor": processor(),
            "cores": cores(),
            "memory_gib": round(memory_gib(), 1),
            "modules": {module: module_state(module) for module in SHOWN},
            "optional": {module: is_installed(module) for module in OPTIONAL},
            "family": family(),
            "operators": operators(),
            "opencv": {"problem": problem} if (problem := opencv_problem()) else {},
            "gpus": accelerators(),
        }


def as_text(found: dict[str, Any]) -> str:
    """For people."""
    rows = [
        ("mmfan", f"{found['mmfan']} in {found['where']}"),
        ("python", f"{found['python']} ({found['executable']})"),
        ("system", found["system"]),
        ("processor", f"{found['processor']}, {found['cores']} cores, {found['memory_gib']} GiB"),
        ("GPU", ", ".join(found["gpus"]) or "none"),
        *((module, state.get("version", "-")) for module, state in found["modules"].items()),
        ("OpenMMLab family", found["family"]),
        ("mmcv operators", f"compiled: {found['operators']['compiled']}; CUDA: {found['operators']['cuda']}"),
        ("optional", ", ".join(name for name, there in found["optional"].items() if there) or "none"),
    ]
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{value}" for name, value in rows]
    states = {**found["modules"], "mmcv operators": found["operators"], "OpenCV": found["opencv"]}
    wrong = [f"  {name}: {state['problem']}" for name, state in states.items() if "problem" in state]
    wrong += [f"  {name}: optional. {how_to_install(name)}" for name, there in found["optional"].items() if not there]
    return "\n".join([*lines, *(["", "missing or not usable:", *wrong] if wrong else [])])


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Look and print."""
    found = describe()
    print(json.dumps(found, indent=2) if args.json else as_text(found))
    return 0
