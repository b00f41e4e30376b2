"""The wheel, unpacked into a folder of its own and used in an empty one: commands, configs by name, a whole journey."""

import doctest
import email
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution

import pytest
from helpers.pages import ROOT, links, text_of
from helpers.scripts import script
from packaging.requirements import Requirement

from mmfan.environment import OPENCV
from mmfan.utils.versions import installed

pytestmark = [pytest.mark.slow, pytest.mark.process]
# One process for all commands: each of its own would import everything again.
JOURNEY = """
import sys
from pathlib import Path
import mmfan
assert Path(mmfan.__file__).parents[1] == Path(sys.argv[1]), mmfan.__file__
from mmfan.cli import main
from mmfan.apis import load_config
from mmfan.utils.configs import own_configs
for name in own_configs():
    assert load_config(f"configs/{name}.py").filename.startswith(sys.argv[1])
for line in sys.argv[2:]:
    status = main(line.split())
    assert status == 0, (line, status)
"""
COMMANDS = [
    "configs --copy fan_segformer_mini .",
    "mini cityscapes data/mini_cityscapes --train 4 --val 2 --size 128 64 --workers 1",
    "train fan_segformer_mini.py --cfg-options train_cfg.max_iters=1 train_cfg.val_interval=2"
    " train_dataloader.num_workers=0 train_dataloader.persistent_workers=False default_hooks.checkpoint.interval=1",
    "judge fan_segformer_mini work_dirs/fan_segformer_mini/iter_1.pth --limit 1 --corruptions contrast --severities 1"
    " --workers 0 --cfg-options test_dataloader.persistent_workers=False",
    "report work_dirs/fan_segformer_mini/robustness.jsonl --format html --out report.html",
    "env --json",
]  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The folder that the wheel is unpacked into."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "-q", "-w", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("mmfan-*-py3-none-any.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_what_is_inside(wheel):
    (scripts,) = wheel.glob("*.dist-info/entry_points.txt")
    assert scripts.read_text().split() == ["[console_scripts]", "mmfan", "=", "mmfan.cli:main"]
    for folder in ("configs", "tools"):
        inside = wheel / "mmfan/.mim" / folder
        here = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*.py")}
        assert {path.relative_to(inside) for path in inside.rglob("*.py")} == here
    for file in (
        ".mim/configs/index.json",
        ".mim/model-index.yml",
        ".mim/configs/fan_dino/metafile.yml",
        "evaluation/report/published.json",
        "py.typed",
    ):
        assert (wheel / "mmfan" / file).is_file()
    assert not (wheel / "tests").exists()


def test_the_page_for_pypi_leads_nowhere_that_is_not_there(wheel):
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    page = email.message_from_string(metadata.read_text(encoding="utf-8")).get_payload()
    assert page.startswith("# mmfan\n")
    assert "pip install" in page
    assert [link for link in links(page) if not link.startswith(("https://", "#"))] == []


def test_links_lead_to_the_tag_where_the_repository_is_known():
    pytest.importorskip("hatchling")
    pypi_readme = script(".ci/pypi_readme.py")
    assert doctest.testmod(pypi_readme) == (0, 2)
    front = text_of("README.md")
    named = {link for link in links(front) if not link.startswith(("https://", "#"))}
    page = pypi_readme.standalone(front, "https://git.example/me/mmfan", "v1.2.3")
    at = re.compile(r"https://git\.example/me/mmfan/(?:blob|raw)/v1\.2\.3/")
    assert {at.sub("", link) for link in links(page) if at.match(link)} == named
    assert pypi_readme.standalone("```\n[a](b)\n```\n[![a](b)](c)\n", "", "v1") == "```\n[a](b)\n```\n\n"


def test_a_journey_in_an_empty_folder(wheel, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", JOURNEY, wheel, *COMMANDS],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "\n  mmfan report work_dirs/fan_segformer_mini/robustness.jsonl\n" in done.stdout
    assert (tmp_path / "report.html").stat().st_size > 10_000
    found = json.loads(done.stdout[done.stdout.index('{\n  "mmfan"') :])
    assert found["where"] == str(wheel / "mmfan")


def requirements_of(wheel, extra):
    """Names of the distributions that the wheel asks for with this extra, and of all that those ask for."""
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    asked = email.message_from_string(metadata.read_text(encoding="utf-8")).get_all("Requires-Dist")
    names, todo = set(), [(text, extra) for text in asked]
    while todo:
        text, wanted = todo.pop()
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": wanted}):
            continue
        # any build of OpenCV will do
        name = next(iter(installed(*OPENCV)), "") if requirement.name in OPENCV else requirement.name
        if name and name not in names:
            names.add(name)
            todo += [(text, "") for text in distribution(name).requires or ()]
    return names


@pytest.fixture
def bare_site(wheel, tmp_path):
    """A folder with the wheel and what its extra ``judge`` asks for, and nothing else of this environment."""
    site = tmp_path / "site"
    shutil.copytree(wheel, site)
    for name in requirements_of(wheel, "judge"):
        here = distribution(name)
        for top in {file.parts[0] for file in here.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(here.locate_file(top))
    return site


def test_judging_without_a_framework(bare_site, tmp_path):
    journeys = script(".ci/package_journeys.py")
    journeys.write_results(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(bare_site),
        "OMP_NUM_THREADS": "1",
    }
    programs = {"python": [], "mmfan": ["-m", "mmfan"]}

    def run(words):
        done = subprocess.run(
            [sys.executable, "-S", *programs[words[0]], *words[1:]],
            cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout

    status, where = run(["python", "-c", "import mmfan, numpy; print(mmfan.__file__)"])
    assert (status, where) == (0, f"{bare_site}/mmfan/__init__.py\n")
    journeys.walk([*journeys.WITHOUT_FRAMEWORK, *journeys.WITHOUT_FROST], run, tmp_path)


def test_a_step_that_ends_otherwise_is_told(tmp_path):
    journeys = script(".ci/package_journeys.py")

    def ends(status, text):
        return lambda words: (status, text)

    (tmp_path / "made.txt").touch()
    journeys.walk(
        [journeys.Step("env", "al+ well", makes="*.txt"), journeys.Step("python:1")], ends(0, "all well"), tmp_path
    )
    for step, status, printed, wrong in [
        (journeys.Step("env"), 1, "", "status 1, expected 0"),
        (journeys.Step("env", status=2), 0, "", "status 0, expected 2"),
        (journeys.Step("env", "well"), 0, "ill", "does not say 'well'"),
        (journeys.Step("env", makes="*.png"), 0, "", r"there is no \*\.png"),
        (journeys.Step("env", status=1), 1, "Traceback (most recent call last):", "a traceback"),
    ]:
        with pytest.raises(journeys.StepFailedError, match=f"`env`: {wrong}"):
            journeys.walk([step], ends(status, printed), tmp_path)


@pytest.mark.parametrize(("named", "pins"), [("onedl-mmcv", "constraints.txt"), ("mmcv", "constraints-classic.txt")])
def test_the_page_compiles_the_mmcv_that_is_pinned(named, pins):
    compiled = re.findall(rf"operators\.py {named}==([\d.]+)", text_of("docs/install.md"))
    assert compiled == re.findall(rf"^{named}==(.+)$", text_of(pins), re.MULTILINE)


def test_the_check_runs_the_commands_of_the_page():
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        check = script(".ci/check_package.py")
    finally:
        sys.path.remove(str(ROOT / ".ci"))
    first = {
        "The maintained family": "pip install torch",
        "Detection, too": "pip install 'setuptools<81' wheel ninja",
        "The original family": "pip install torch 'numpy<2' 'setuptools<81' wheel ninja",
        "Without a framework": "pip install '.[judge]'",
    }
    for heading, command in first.items():
        assert check.page_commands(heading)[0] == command
        assert check.page_commands(heading)[-1] == "mmfan env"
    with pytest.raises(check.PackageError, match=r"`false` ended with status 1"):
        check.must("false")
    assert check.must("printenv", "A", more={"A": "b"}) == "b\n"


def test_the_extras_of_the_page_are_there():
    pages = text_of("README.md") + text_of("docs/install.md")
    asked = set(re.findall(r"'\.\[([\w-]+)\]'", pages))
    project = text_of("pyproject.toml").split("[project.optional-dependencies]")[1].split("\n[")[0]
    assert asked == {"judge", "onedl-segmentation", "onedl", "openmmlab"}
    assert asked <= set(re.findall(r"^([\w-]+) = \[", project, re.MULTILINE))
