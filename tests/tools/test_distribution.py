"""The wheel, unpacked into a folder of its own and used in an empty one: commands, configs by name, a whole journey."""

import doctest
import email
import json
import os
import re
import subprocess
import sys
import zipfile

import pytest
from helpers.pages import ROOT, links, text_of
from helpers.scripts import script

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
    "report work_dirs/fan_segformer_mini/robustness.jsonl --protocol recorded --format html --out report.html",
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
    assert "For tables and plots: mmfan report work_dirs/fan_segformer_mini/robustness.jsonl" in done.stdout
    assert (tmp_path / "report.html").stat().st_size > 10_000
    found = json.loads(done.stdout[done.stdout.index('{\n  "mmfan"') :])
    assert found["where"] == str(wheel / "mmfan")
