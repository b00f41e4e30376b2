"""Workflows call targets of the Makefile and install what is known, with no more rights and time than they need.

Whether they are workflows at all, `make lint-project` asks the linters of others.
"""

import re
from typing import NamedTuple

import pytest
from helpers.pages import ROOT

yaml = pytest.importorskip("yaml")
# Beside targets of the Makefile, a step runs one of these and nothing else.
INSTALLATIONS = {
    "pip install -e '.[judge,test]'",
    "pip install --no-deps imagecorruptions-imaug",
    "pip install hatchling -c constraints.txt",
}
# workflow, job -> what it may do beside reading the repository
RIGHTS = {
    ("release", "publish"): {"id-token": "write"},
    ("docs", "publish"): {"id-token": "write", "pages": "write"},
}
VERSION = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)*@(v\d+|release/v\d+|[0-9a-f]{40})")
# after `make`: targets, and variables with plain values or variables of the runner in quotes
MAKE = re.compile(r"make( [a-z][a-z-]*)+( [A-Z]+=([\w.-]+|\"\$[A-Z_]+\"))*")


class Job(NamedTuple):
    """A job of a workflow, or the steps of an action of this repository."""

    file: str
    name: str
    job: dict
    workflow: dict

    @property
    def steps(self):
        return self.job["steps"]


def read(text, file="made-up.yml"):
    """The jobs of a workflow's or an action's text."""
    # "on" is a word for true in YAML 1.1
    content = yaml.safe_load(text)
    if "runs" in content:
        return [Job(file, "action", content["runs"], content)]
    return [Job(file, name, job, content) for name, job in content["jobs"].items()]


FILES = sorted((ROOT / ".github").glob("workflows/*.yml")) + sorted((ROOT / ".github/actions").rglob("action.yml"))
JOBS = [job for path in FILES for job in read(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())]


def targets():
    """The targets of the Makefile that have a recipe or prerequisites."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", text, re.MULTILINE))


def unknown_lines(jobs):
    """Lines of ``run:`` that neither call targets that exist nor install what is known."""
    known = targets()
    lines = [line for job in jobs for step in job.steps for line in step.get("run", "").splitlines()]
    unknown = []
    for line in lines:
        words = line.split()[1:]
        called = [word for word in words if "=" not in word]
        if line not in INSTALLATIONS and not (MAKE.fullmatch(line) and known.issuperset(called)):
            unknown.append(line)
    return unknown


def unpinned(jobs):
    """Actions without a version; those of this repository have none."""
    used = [step["uses"] for job in jobs for step in job.steps if "uses" in step]
    return [name for name in used if not VERSION.fullmatch(name) and not (ROOT / name / "action.yml").is_file()]


def loose(jobs):
    """Jobs without an end, with too many rights, or that leave the token in their checkout."""
    found = []
    for job in jobs:
        if "runs" in job.workflow:
            continue
        rights = job.workflow.get("permissions")
        own = job.job.get("permissions", {})
        allowed = RIGHTS.get((job.workflow["name"], job.name), {})
        if rights not in ({}, {"contents": "read"}) or not {"contents": "read", **allowed}.items() >= own.items():
            found.append(f"{job.name}: rights {rights}, {own}")
        if not 0 < job.job.get("timeout-minutes", 0) <= 180:
            found.append(f"{job.name}: no end")
        if "concurrency" not in job.workflow:
            found.append(f"{job.name}: several at once")
        for step in job.steps:
            kept = step.get("with", {}).get("persist-credentials", True)
            if step.get("uses", "").startswith("actions/checkout@") and kept:
                found.append(f"{job.name}: the token stays in the checkout")
    return found


def test_there_are_workflows():
    names = {job.file.rpartition("/")[2] for job in JOBS}
    assert names >= {"ci.yml", "docs.yml", "release.yml", "weekly.yml", "action.yml"}
    wanted = {"lint", "light", "suite", "coverage", "package", "classic", "fuzz", "tutorials", "build", "publish"}
    assert wanted <= {job.name for job in JOBS}


def test_steps_run_targets_that_exist_or_install_what_is_known():
    assert unknown_lines(JOBS) == []


def test_what_is_installed_exists():
    """Extras that a step names stand in pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for line in INSTALLATIONS:
        for extra in ",".join(re.findall(r"\.\[([\w,]+)\]", line)).split(","):
            assert not extra or re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_actions_have_versions():
    assert unpinned(JOBS) == []


def test_jobs_have_few_rights_and_an_end():
    assert loose(JOBS) == []


def test_only_the_newest_pythons_and_the_oldest_are_tried_without_torch():
    (light,) = [job for job in JOBS if job.name == "light"]
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert light.job["strategy"]["matrix"]["python"][0] == oldest


WRONG = """
name: wrong
permissions: {contents: write}
jobs:
  all:
    steps:
      - uses: actions/checkout@main
      - uses: ./.github/actions/nothing
      - run: |
          make test
          make tset
          curl there | sh
          make test && rm -rf .
          make fuzz SEED=${{ github.head_ref }}
"""


def test_what_is_wrong_is_noticed():
    jobs = read(WRONG)
    assert unknown_lines(jobs) == [
        "make tset",
        "curl there | sh",
        "make test && rm -rf .",
        "make fuzz SEED=${{ github.head_ref }}",
    ]
    assert unpinned(jobs) == ["actions/checkout@main", "./.github/actions/nothing"]
    assert loose(jobs) == [
        "all: rights {'contents': 'write'}, {}",
        "all: no end",
        "all: several at once",
        "all: the token stays in the checkout",
    ]
