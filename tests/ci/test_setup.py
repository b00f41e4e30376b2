"""The set-up: pins that hold together, and what a build of operators asks for before it starts."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
# what the pins leave out on purpose: the second OpenCV, and what the standard library holds
LEFT_OUT = {"opencv-python", "typing"}


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def operators():
    return loaded("operators")


def sections() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith("# --- "):
            pins = found.setdefault(line.split()[2].rstrip(":"), [])
        elif line and not line.startswith("#"):
            pins.append(Requirement(line))
    return found


def test_each_pin_is_one_release_and_stands_once():
    here = [pin for pins in sections().values() for pin in pins if pin.marker is None or pin.marker.evaluate()]
    assert len(here) > 80
    assert {str(pin) for pin in here if [part.operator for part in pin.specifier] != ["=="]} == set()
    names = [canonicalize_name(pin.name) for pin in here]
    assert sorted(names) == sorted(set(names))


def test_sections_are_whole():
    """They are installed without asking for dependencies: each must be a pin of this section or an earlier one."""
    pinned: set[str] = set()
    lacking = set()
    for pins in sections().values():
        here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
        pinned |= {canonicalize_name(pin.name) for pin in here}
        for pin in here:
            try:
                needs = importlib.metadata.requires(pin.name) or []
            except importlib.metadata.PackageNotFoundError:
                continue  # a tool of the checks that this environment lacks
            for need in map(Requirement, needs):
                wanted = need.marker is None or need.marker.evaluate({"extra": ""})
                if wanted and canonicalize_name(need.name) not in pinned | LEFT_OUT:
                    lacking.add(f"{need.name}, for {pin.name}")
    assert lacking == set()


def test_one_opencv():
    names = {canonicalize_name(pin.name) for pins in sections().values() for pin in pins}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "arguments", "variables", "told"),
    [
        ("setup", ["everything"], {}, "expected segmentation, operators, dev or docs, got everything"),
        ("setup", [], {"PYTHON": "/nowhere/python3"}, "Python 3.10 or newer is needed"),
        ("classic", ["everything"], {}, "expected setup, tests, miniatures or nothing, got everything"),
        ("classic", ["setup"], {"PYTHON": "/nowhere/python3.11"}, "Python 3.11 is needed"),
    ],
)
def test_scripts_say_what_they_cannot_use(script, arguments, variables, told, tmp_path):
    command = ["bash", str(ROOT / ".ci" / f"{script}.sh"), *arguments]
    run = subprocess.run(command, env={**os.environ, **variables, "VENV": str(tmp_path / "venv")},
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 1
    assert told in run.stderr
    assert not (tmp_path / "venv").exists()


# --- operators.py


def test_a_build_names_all_that_is_missing(operators, monkeypatch):
    monkeypatch.setenv("CXX", "/nowhere/g++")
    monkeypatch.setattr(operators.sysconfig, "get_path", lambda name: "/nowhere/include")
    with pytest.raises(operators.CannotBuildError) as error:
        operators.check("cpu")
    lines = str(error.value).splitlines()
    assert re.match(r"A C\+\+ compiler: /nowhere/g\+\+ cannot be run\. .*apt-get install g\+\+", lines[0])
    assert re.match(r"Python's headers: /nowhere/include/Python.h is not there\. .*python3\.\d+-dev", lines[1])


def test_an_old_compiler_is_refused(operators, monkeypatch, tmp_path):
    old = tmp_path / "g++"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "(C) Free Software Foundation" || echo 7.5.0\n')
    old.chmod(0o755)
    monkeypatch.setenv("CXX", str(old))
    assert [line for line in operators.problems_of_compiler() if "is GCC 7.5.0, 9 or newer is needed" in line]


@pytest.mark.parametrize(
    ("version", "told"), [("release 11.8, V11.8.89", "is of CUDA 11.8"), ("release 12.4, V12.4.1", None)]
)
def test_nvcc_must_fit_torch(operators, monkeypatch, version, told):
    monkeypatch.setattr("torch.utils.cpp_extension.CUDA_HOME", "/nowhere/cuda")
    monkeypatch.setattr(operators, "output_of", lambda *command: f"Cuda compilation tools, {version}")
    problems = list(operators.problems_of_nvcc("cuda12.8-sm_90"))
    assert [told in problem for problem in problems] == ([True] if told else [])


def test_no_nvcc_is_told_with_both_ways_out(operators, monkeypatch):
    monkeypatch.setattr("torch.utils.cpp_extension.CUDA_HOME", None)
    monkeypatch.setattr(operators, "output_of", lambda *command: None)
    (problem,) = operators.problems_of_nvcc("cuda12.8-sm_90")
    assert problem.startswith("CUDA's compiler: nvcc cannot be run. Install the CUDA toolkit 12.8")
    assert "OPERATORS=cpu" in problem


def test_a_gpu_asked_of_a_cpu_torch_is_refused(operators, monkeypatch):
    monkeypatch.setenv("FORCE_CUDA", "1")
    monkeypatch.setattr("torch.version.cuda", None)
    with pytest.raises(operators.CannotBuildError, match=r"is a CPU build\. Install a CUDA build of torch"):
        operators.target("auto")


def test_kinds_of_wheels_have_names_of_their_own(operators, monkeypatch):
    monkeypatch.setattr("torch.version.cuda", "12.8")
    monkeypatch.setattr("torch.__version__", "2.13.0+cu128")
    monkeypatch.setenv("FORCE_CUDA", "1")
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "8.0;9.0+PTX")
    assert operators.target("auto") == "cuda12.8-sm_80_90+PTX"
    assert operators.target("cpu") == "cpu"
    names = [operators.folder_name("onedl-mmcv==2.3.6", operators.target(wanted)) for wanted in ("auto", "cpu", "none")]
    assert len(set(names)) == 3
    assert names[0].startswith("onedl-mmcv-2.3.6-torch-2.13.0+cu128-cp3")
    assert names[2] == "onedl-mmcv-2.3.6-without-operators"


def test_no_gpu_and_no_list_is_refused(operators, monkeypatch):
    monkeypatch.setattr("torch.version.cuda", "12.8")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("FORCE_CUDA", "1")
    monkeypatch.delenv("TORCH_CUDA_ARCH_LIST", raising=False)
    with pytest.raises(operators.CannotBuildError, match="Set TORCH_CUDA_ARCH_LIST"):
        operators.target("auto")


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        ({"mmcv/ops/nms.py": b""}, "none"),
        ({"mmcv/_ext.cpython-311-x86_64-linux-gnu.so": b"libtorch_cpu.so"}, "cpu"),
        ({"mmcv/_ext.cpython-311-x86_64-linux-gnu.so": b"libcudart.so.12"}, "cuda"),
    ],
)
def test_a_wheel_is_what_its_name_says(operators, tmp_path, content, holds):
    wheel = tmp_path / "mmcv.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    for kind in ("none", "cpu", "cuda12.8-sm_90"):
        if kind.startswith(holds):
            operators.verify(wheel, kind)
        else:
            with pytest.raises(operators.CannotBuildError, match=f"those in it are for: {holds}"):
                operators.verify(wheel, kind)


@pytest.mark.parametrize(("cores", "gigabytes", "at_a_time"), [(16, 64, 16), (16, 4, 4), (2, 0.5, 1)])
def test_jobs_fit_cores_and_memory(operators, monkeypatch, cores, gigabytes, at_a_time):
    monkeypatch.delenv("MAX_JOBS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    monkeypatch.setattr(operators, "free_memory", lambda: int(gigabytes * 2**30))
    assert operators.jobs() == at_a_time
    monkeypatch.setenv("MAX_JOBS", "3")
    assert operators.jobs() == 3


@pytest.mark.process
def test_operators_script_refuses_a_bad_variable(tmp_path):
    command = [sys.executable, str(ROOT / ".ci" / "operators.py"), "onedl-mmcv==2.3.6", "--cache", str(tmp_path)]
    run = subprocess.run(command, env={**os.environ, "OPERATORS": "gpu"}, capture_output=True, text=True)
    assert run.returncode == 2
    assert "OPERATORS must be auto, cpu or none, got 'gpu'" in run.stderr
    assert list(tmp_path.iterdir()) == []


# --- fast_cxx.py


def test_flags_of_a_header_are_those_of_the_source():
    line = "-MMD -MF a/b.o.d -Imm/ops/csrc -Wall -O3 -fPIC -c -c /x/mmcv/ops/csrc/pytorch/nms.cpp -o a/b.o -std=c++17"
    assert loaded("fast_cxx").flags_of(line.split()) == (["-Imm/ops/csrc", "-Wall", "-O3", "-fPIC", "-std=c++17"], True)


@pytest.mark.parametrize("line", ["-c other.cpp -o x.o", "a.o b.o -shared -o /x/ops/csrc.so", "--version"])
def test_other_compilations_are_left_alone(line):
    assert loaded("fast_cxx").flags_of(line.split())[1] is False


@pytest.mark.process
@pytest.mark.skipif(not loaded("operators").is_gcc("g++"), reason="the wrapper is for GCC")
def test_the_header_is_used_and_compiled_once(tmp_path):
    """A source that includes nothing itself compiles only with the header in front; a second one finds it there."""
    source = tmp_path / "ops" / "csrc" / "square.cpp"
    source.parent.mkdir(parents=True)
    source.write_text("std::vector<torch::Tensor> square() { return {}; }\n")
    headers = tmp_path / "include" / "torch"
    headers.mkdir(parents=True)
    (headers / "types.h").write_text("namespace torch { struct Tensor {}; }\n")
    command = [sys.executable, str(ROOT / ".ci" / "fast_cxx.py"), f"-I{headers.parent}", "-O3", "-g", "-Winvalid-pch",
               "-Werror", "-c", str(source), "-o", str(tmp_path / "square.o")]  # fmt: skip
    variables = {**os.environ, "FAST_CXX_CACHE": str(tmp_path / "cache")}
    times = set()
    for _ in range(2):
        subprocess.run(command, env=variables, check=True)
        (compiled,) = (tmp_path / "cache").glob("*/*.gch")
        times.add(compiled.stat().st_mtime_ns)
    assert len(times) == 1
    assert b".debug_info" not in (tmp_path / "square.o").read_bytes()
