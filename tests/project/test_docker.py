"""The Dockerfile's RUN lines call scripts that are here; what those do without Docker is run.

`make test-docker` makes a whole environment by them, `make lint-project` asks the linter of others.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.pages import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SCRIPTS = ROOT / ".ci/docker"
FINAL = ("cpu", "cuda")


def instructions():
    """Stage -> its lines as (word, rest), after FROM."""
    stages = {}
    for line in re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages[rest.split(" AS ")[1]] = [(word, rest)]
        elif line.strip():
            stages.setdefault(list(stages)[-1] if stages else "arguments", []).append((word, rest))
    return stages


STAGES = instructions()


def calls(stage):
    """What a stage's RUN lines call: the script's file in the repository, and its arguments."""
    for word, rest in STAGES[stage]:
        if word == "RUN":
            for command in re.sub(r"^(--\S+ )*", "", rest).split(" && "):
                script, *arguments = command.split()
                yield ROOT / script.replace("/opt/ci/", ".ci/docker/"), arguments


def run(*command, **variables):
    """A finished process, its output as text."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, check=False,
                          env={**os.environ, **variables})  # fmt: skip


def executable(path: Path, text: str):
    """A script in the place of a program that is not here."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "arguments"])
def test_run_lines_call_scripts_that_are_here(stage):
    called = list(calls(stage))
    assert called
    for script, _ in called:
        assert script.parent in (SCRIPTS, ROOT / ".ci"), script
        assert os.access(script, os.X_OK), script


@pytest.mark.process
@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_bash_and_say_how_they_are_called(script):
    assert run("bash", "-n", script).returncode == 0
    if script.name in ("packages.sh", "environment.sh", "prove.sh"):
        done = run(script)
        assert (done.returncode, done.stderr) == (
            2,
            f"usage: {script} {'PACKAGE...' if 'pack' in script.name else 'PREFIX'}\n",
        )


@pytest.mark.parametrize("stage", FINAL)
def test_an_image_belongs_to_a_user_and_starts_the_command(stage):
    words = dict(STAGES[stage])
    assert words["USER"] == "10001:10001"
    assert "--uid 10001 " in (SCRIPTS / "user.sh").read_text(encoding="utf-8")
    assert words["ENTRYPOINT"] == '["mmfan"]'
    order = [word for word, _ in STAGES[stage]]
    assert order.index("USER") < len(order) - 1 - order[::-1].index("RUN")  # the proof is made as that user
    assert list(calls(stage))[-1] == (SCRIPTS / "prove.sh", ["/opt/mmfan"])
    for variable in ("XDG_CACHE_HOME=/cache", "NUMBA_CACHE_DIR=/cache/", "MPLCONFIGDIR=/cache/"):
        assert variable in words["ENV"]


def test_stages_of_both_kinds_differ_in_their_bases_and_packages_alone():
    cpu, cuda = (
        [line for line in STAGES[stage] if "packages.sh" not in line[1] and "user.sh" not in line[1]] for stage in FINAL
    )
    assert [(word, rest.replace("cuda-build", "cpu-build")) for word, rest in cuda[1:]] == cpu[1:]


def test_bases_are_arguments_with_a_version():
    given = dict(rest.split("=", 1) for word, rest in STAGES["arguments"] if word == "ARG")
    used = [re.fullmatch(r"\$\{(\w+)\} AS \S+", STAGES[stage][0][1])[1] for stage in STAGES if stage != "arguments"]
    assert set(used) == set(given)
    assert all(re.fullmatch(r"[\w/]+:\d[\w.-]+", base) for base in given.values())
    assert given["CUDA_BUILD_BASE"].replace("-devel-", "-base-") == given["CUDA_BASE"]


def test_the_context_is_what_is_needed_and_no_more():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert "**/__pycache__" in lines
    assert all((ROOT / name).exists() for name in allowed)
    assert {"mmfan", "configs", "tools", ".ci"} <= allowed
    assert not allowed & {".git", ".venv", "data", "docs", "tests", "work_dirs"}
    # what the wheel is built of, and what setup.sh reads
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    carried = re.search(r"force-include\]\n((?:\".*\n)+)", project)[1]
    assert set(re.findall(r'^"([^"]+)" =', carried, re.MULTILINE)) <= allowed
    assert {"README.md", "LICENSE", "pyproject.toml", "constraints.txt"} <= allowed
    copied = [
        rest.split()[0] for lines in STAGES.values() for word, rest in lines if word == "COPY" and "--from" not in rest
    ]
    assert set(copied) == {".", ".ci", ".ci/docker"}


@pytest.mark.process
def test_make_docker_builds_the_stage_that_is_asked_for(tmp_path):
    executable(tmp_path / "docker", 'printf "%s|" "$@"')
    path = f"{tmp_path}:{os.environ['PATH']}"
    build = SCRIPTS / "build.sh"
    assert run(build, PATH=path).stdout == "build|--target|cpu|--tag|mmfan:cpu|.|"
    done = run(build, "--no-cache", PATH=path, CUDA="1", ARCH="8.0;9.0")
    assert done.stdout == "build|--target|cuda|--tag|mmfan:cuda|--build-arg|ARCH=8.0;9.0|--no-cache|.|"
    missing = run(build, DOCKER="no-such-docker")
    assert (missing.returncode, missing.stderr) == (
        1,
        "no-such-docker is not installed here; set DOCKER=podman for podman\n",
    )


@pytest.mark.process
def test_packages_are_asked_for_without_what_they_recommend(tmp_path):
    executable(tmp_path / "apt-get", 'echo "$@"')
    done = run(
        SCRIPTS / "packages.sh", "g++", "python3", PATH=f"{tmp_path}:{os.environ['PATH']}", APT="apt-get --simulate"
    )
    assert done.stdout.splitlines() == [
        "update -q",
        "--simulate install -q --yes --no-install-recommends g++ python3",
        "--simulate clean",
    ]


@pytest.mark.process
@pytest.mark.skipif(os.getuid() != 0, reason="gives folders away")
def test_the_user_gets_work_and_everybody_the_cache(tmp_path):
    assert run(SCRIPTS / "user.sh", tmp_path).returncode == 0
    work, cache = (tmp_path / "work").stat(), (tmp_path / "cache").stat()
    assert (work.st_uid, work.st_gid) == (10001, 10001)
    assert cache.st_mode & 0o7777 == 0o1777


@pytest.mark.slow
@pytest.mark.process
def test_the_proof_of_an_image_holds_here():
    # a short path: loading processes hand pictures over sockets in it, and the path of a socket has 107 characters
    with TemporaryDirectory(dir="/tmp") as folder:
        done = run(SCRIPTS / "prove.sh", sys.prefix, TMPDIR=folder)
        left = os.listdir(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("mmfan works: drawn, trained, judged, reported; mmcv has its operators\n")
    assert left == []
