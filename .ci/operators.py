#!/usr/bin/env python3
"""A wheel of mmcv that fits the torch of this interpreter: built once, kept under a name that says what it holds.

    python .ci/operators.py onedl-mmcv==2.3.6                        # with compiled operators, as detection needs them
    python .ci/operators.py onedl-mmcv==2.3.6 --operators none       # without: segmentation, a few seconds

The path of the wheel is the only thing on standard output. Operators are compiled for the GPU where torch sees one or
FORCE_CUDA=1 is set, else for the CPU; ``--operators cpu`` compiles them for the CPU on any machine. What a build needs
is looked for first: a compiler, Python.h, setuptools, and nvcc where it is for the GPU. torch must be there before.

CXX                    the compiler                                     (default: g++)
MAX_JOBS               compilers at a time                              (default: by cores and free memory)
TORCH_CUDA_ARCH_LIST   GPU architectures, e.g. "8.0;9.0"                (default: those of the GPUs here)
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

MEMORY_OF_A_JOB = 1 << 30  # g++ on one source of the operators with torch's headers: 0.6 to 1.0 GB
OLDEST_GCC, OLDEST_SETUPTOOLS = 9, 80  # C++17; setuptools before 80 mistakes a CXX with a path for a linker


class CannotBuildError(Exception):
    """Something that the build needs is missing; the message says what, and the cure."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"[mmcv]  {text}", file=sys.stderr, flush=True)


def output_of(*command: str) -> str | None:
    """What a command prints; None where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


# --- what is to be built


def target(wanted: str) -> str:
    """What the operators are compiled for: ``'none'``, ``'cpu'`` or ``'cuda12.8-sm_90'``.

    Raises:
        CannotBuildError: The GPU is asked for and torch is a CPU build, or no architecture is known.
    """
    if wanted != "auto":
        return wanted
    import torch

    forced = os.environ.get("FORCE_CUDA", "0") == "1"
    if not forced and not torch.cuda.is_available():
        if Path("/dev/nvidia0").exists():
            cause = "is a CPU build" if torch.version.cuda is None else "finds no driver that is new enough"
            say(f"a GPU is here, but torch {torch.__version__} {cause}: operators are compiled for the CPU")
        return "cpu"
    if torch.version.cuda is None:
        raise CannotBuildError(
            f"FORCE_CUDA=1 asks for operators for the GPU, but torch {torch.__version__} is a CPU build. Install a "
            "CUDA build of torch into this environment first, or leave FORCE_CUDA out."
        )
    return f"cuda{torch.version.cuda}-{architectures(torch)}"


def architectures(torch: object) -> str:
    """The GPU architectures, e.g. ``'sm_80_90'``, as TORCH_CUDA_ARCH_LIST says or as the GPUs here are."""
    named = os.environ.get("TORCH_CUDA_ARCH_LIST", "")
    if not named and torch.cuda.is_available():
        found = {torch.cuda.get_device_capability(i) for i in range(torch.cuda.device_count())}
        named = ";".join(f"{major}.{minor}" for major, minor in sorted(found))
        os.environ["TORCH_CUDA_ARCH_LIST"] = named
    if not named:
        raise CannotBuildError(
            "No GPU can be seen here, so its architecture is not known. Set TORCH_CUDA_ARCH_LIST, e.g. to 8.0 (A100), "
            "8.6 (RTX 30), 8.9 (RTX 40, L4) or 9.0 (H100, H200), or compile for the CPU: --operators cpu."
        )
    return "sm_" + re.sub(r"[^0-9A-Za-z+]+", "_", named.replace(".", "")).strip("_")


def folder_name(requirement: str, kind: str) -> str:
    """The name under which a wheel is kept: everything that it was made for."""
    name = requirement.replace("==", "-")
    if kind == "none":
        return f"{name}-without-operators"
    import torch

    python = f"cp{sys.version_info[0]}{sys.version_info[1]}-{sysconfig.get_platform()}"
    return f"{name}-torch-{torch.__version__}-{python}-{kind}"


# --- what the build needs


def check(kind: str) -> None:
    """Look for what the build needs.

    Raises:
        CannotBuildError: With everything that is missing.
    """
    missing = [*problems_of_compiler(), *problems_of_python()]
    if kind.startswith("cuda"):
        missing += problems_of_nvcc(kind)
    if missing:
        raise CannotBuildError("\n".join(missing))


def problems_of_compiler() -> Iterator[str]:
    """What is wrong with the C++ compiler."""
    compiler = os.environ.get("CXX", "g++")
    version = output_of(compiler, "-dumpfullversion", "-dumpversion")
    cure = "Install one (Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++), or set CXX to its path."
    if version is None:
        yield f"A C++ compiler: {compiler} cannot be run. {cure}"
    elif is_gcc(compiler) and int(version.split(".")[0]) < OLDEST_GCC:
        yield f"A C++ compiler for C++17: {compiler} is GCC {version.strip()}, {OLDEST_GCC} or newer is needed. {cure}"


def problems_of_python() -> Iterator[str]:
    """What the interpreter lacks: its headers, packages that build."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        yield (
            f"Python's headers: {header} is not there. Install them (Debian and Ubuntu: apt-get install "
            f"python{version}-dev; Fedora: dnf install python3-devel), or use a Python that brings them."
        )
    for module in ("setuptools", "wheel", "ninja", "psutil"):
        if importlib.util.find_spec(module) is None:
            yield f"The package {module}, which is not installed here: pip install {module}."
    if importlib.util.find_spec("setuptools") is not None:
        import setuptools

        if int(setuptools.__version__.split(".")[0]) < OLDEST_SETUPTOOLS:
            yield (
                f"setuptools {OLDEST_SETUPTOOLS} or newer, got {setuptools.__version__}: "
                f"pip install 'setuptools=={OLDEST_SETUPTOOLS}.*'."
            )


def problems_of_nvcc(kind: str) -> Iterator[str]:
    """What is wrong with CUDA's compiler."""
    from torch.utils.cpp_extension import CUDA_HOME

    needed = kind.removeprefix("cuda").split("-")[0]
    nvcc = str(Path(CUDA_HOME) / "bin" / "nvcc") if CUDA_HOME else "nvcc"
    text = output_of(nvcc, "--version")
    cure = (
        f"Install the CUDA toolkit {needed} (and set CUDA_HOME), or compile for the CPU (--operators cpu; "
        "OPERATORS=cpu for make): segmentation runs on the GPU all the same."
    )
    if text is None:
        yield f"CUDA's compiler: {nvcc} cannot be run. {cure}"
        return
    found = re.search(r"release (\d+\.\d+)", text)
    if found and found.group(1).split(".")[0] != needed.split(".")[0]:
        yield f"CUDA's compiler for torch's CUDA {needed}: {nvcc} is of CUDA {found.group(1)}. {cure}"


def is_gcc(compiler: str) -> bool:
    """Whether a compiler is GCC, whose precompiled headers fast_cxx.py is made for."""
    text = output_of(compiler, "--version")
    return text is not None and "Free Software Foundation" in text


def free_memory() -> int:
    """Bytes that this process may still take: of the machine, or of the control group that it runs in."""
    import psutil

    free = psutil.virtual_memory().available
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and limit.read_text().strip() != "max":
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return free


def jobs() -> int:
    """Compilers at a time: MAX_JOBS, else as many as there are cores and gigabytes of free memory."""
    if os.environ.get("MAX_JOBS"):
        return max(1, int(os.environ["MAX_JOBS"]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, free_memory() // MEMORY_OF_A_JOB))


# --- the build


def build_variables(kind: str, scratch: Path) -> dict[str, str]:
    """The environment variables of a build."""
    variables = dict(os.environ, MAX_JOBS=str(jobs()), MMCV_WITH_OPS="1")
    # the tools of this environment (ninja) before those of the system
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if kind == "cpu":
        variables.update(FORCE_CUDA="0", CUDA_VISIBLE_DEVICES="")
    else:
        variables["FORCE_CUDA"] = "1"
    compiler = os.environ.get("CXX", "g++")
    if is_gcc(compiler):
        wrapper = str(Path(__file__).resolve().parent / "fast_cxx.py")
        variables.update(CXX=wrapper, FAST_CXX_COMPILER=compiler, FAST_CXX_CACHE=str(scratch))
    else:
        say(f"{compiler} is not GCC: no precompiled header, so compiling takes some five times as long")
    return variables


@contextmanager
def progress(log: Path) -> Iterator[None]:
    """A line every 20 seconds: how many of the sources are compiled."""
    done = threading.Event()
    started = time.monotonic()

    def watch() -> None:
        while not done.wait(20):
            steps = re.findall(r"\[(\d+/\d+)\] ", log.read_text(errors="replace"))
            say(f"  {time.monotonic() - started:4.0f} s, {steps[-1] if steps else 'reading the headers'}")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def build(requirement: str, kind: str, folder: Path) -> Path:
    """Build a wheel and put it, whole, into ``folder``.

    Raises:
        CannotBuildError: The build failed, or the wheel does not hold what was asked for.
    """
    name = re.split("[=<>!~]", requirement)[0]
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "wheel",
        "-v",
        "--no-deps",
        "--no-binary",
        name,
    ]
    # pip's own cache knows nothing of torch: it would hand out a wheel that was compiled against another one
    command += ["--no-cache-dir", requirement]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as temporary:
        scratch = Path(temporary)
        log = scratch / "build.log"
        variables = None
        if kind != "none":
            # the build must find torch, which an isolated one does not: that is what decides about operators
            command.append("--no-build-isolation")
            variables = build_variables(kind, scratch / "headers")
        with open(log, "w") as out, progress(log) if variables else nullcontext():
            status = subprocess.run([*command, "-w", str(scratch / "wheel")], stdout=out, stderr=out, env=variables,
                                    stdin=subprocess.DEVNULL).returncode  # fmt: skip
        wheels = list((scratch / "wheel").glob("*.whl"))
        if status or len(wheels) != 1:
            kept = folder.parent / f"{folder.name}.log"
            shutil.copyfile(log, kept)
            errors = [line for line in log.read_text(errors="replace").splitlines() if "rror" in line][:10]
            raise CannotBuildError(
                "\n".join([f"pip wheel {requirement} failed; the whole output is in {kept}", *errors])
            )
        verify(wheels[0], kind)
        folder.mkdir(exist_ok=True)
        return Path(shutil.move(wheels[0], folder / wheels[0].name))


def verify(wheel: Path, kind: str) -> None:
    """Hold a wheel against what it should contain: operators or none, for CUDA or not.

    Raises:
        CannotBuildError: It contains something else.
    """
    with zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if re.fullmatch(r"mmcv/_ext\..*(so|pyd)", name)]
        cuda = any(b"libcudart" in archive.read(name) for name in libraries)
    found = "none" if not libraries else "cuda" if cuda else "cpu"
    if found != re.sub(r"\d.*", "", kind):
        raise CannotBuildError(
            f"The wheel {wheel.name} should hold operators for {kind}, but those in it are for: {found}."
        )


def main() -> int:
    """Print the path of the wheel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("requirement", help="onedl-mmcv==VERSION or mmcv==VERSION")
    parser.add_argument("--operators", choices=["auto", "cpu", "none"], default=os.environ.get("OPERATORS", "auto"))
    cache = os.environ.get("MMFAN_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mmfan"
    parser.add_argument("--cache", type=Path, default=Path(cache), help="where wheels are kept")
    arguments = parser.parse_args()
    if arguments.operators not in ("auto", "cpu", "none"):  # argparse does not look at a default
        parser.error(f"OPERATORS must be auto, cpu or none, got {arguments.operators!r}")
    try:
        kind = target(arguments.operators)
        folder = arguments.cache / folder_name(arguments.requirement, kind)
        wheel = next(iter(sorted(folder.glob("*.whl"))), None)
        if wheel is None:
            started = time.monotonic()
            if kind == "none":
                say(f"{arguments.requirement} without operators")
            else:
                check(kind)
                say(f"compiling the operators of {arguments.requirement} for {kind}, {jobs()} at a time")
            wheel = build(arguments.requirement, kind, folder)
            say(f"built in {time.monotonic() - started:.0f} s")
    except CannotBuildError as error:
        print(f"[mmcv] cannot build {arguments.requirement}:\n{error}", file=sys.stderr)
        return 1
    print(wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
