#!/usr/bin/env python3
"""The package as it is shipped: built, looked into, and used in clean environments outside the checkout.

    python .ci/check_package.py judge       # neither torch nor OpenMMLab
    python .ci/check_package.py onedl       # the maintained family: segmentation, then detection
    python .ci/check_package.py openmmlab   # the original family

Wheel and source archive are built and checked in any case. ``--keep FOLDER`` keeps what was built and the environments.
The environments are made of this interpreter; those with torch take the pinned one, so that mmcv's operators come from
the cache of `make operators`, or are compiled into it.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import package_journeys as journeys

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"
CHECKERS = ("build", "twine", "check-wheel-contents", "validate-pyproject", "readme-renderer[md]", "hatchling")
# what mmfan reads at run time beside its modules
DATA_FILES = (
    "py.typed", "evaluation/report/published.json", ".mim/model-index.yml", ".mim/configs/index.json",
    ".mim/configs/fan_segformer/fan_segformer_mini.py", ".mim/tools/train.py",
)  # fmt: skip
STARTED = time.monotonic()


class PackageError(Exception):
    """The package is not as it should be."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"[package {time.monotonic() - STARTED:4.0f} s] {text}", flush=True)


def run(*command: str | Path, cwd: Path | None = None) -> tuple[int, str]:
    """Exit status of a command and what it printed; it finds mmfan where it is installed and nowhere else."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"OMP_NUM_THREADS": "1", "VALIDATE_PYPROJECT_NO_NETWORK": "1"}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def must(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command that must succeed printed.

    Raises:
        PackageError: It failed.
    """
    status, printed = run(*command, cwd=cwd)
    if status:
        raise PackageError(f"`{' '.join(map(str, command))}` ended with status {status}:\n{printed[-4000:]}")
    return printed


def pin(distribution: str) -> str:
    """``name==version`` as constraints.txt has it."""
    (line,) = re.findall(rf"^{re.escape(distribution)}==\S+$", PINS.read_text(encoding="utf-8"), re.MULTILINE)
    return line


class Environment:
    """A virtual environment in a folder of its own, and an empty folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.place, self.work = folder / "env", folder / "work"
        must(sys.executable, "-m", "venv", "--clear", self.place)
        shutil.rmtree(self.work, ignore_errors=True)  # of a folder that was kept
        self.work.mkdir()

    def bin(self, name: str) -> Path:
        """A program of the environment."""
        return self.place / "bin" / name

    def pip(self, *words: str | Path) -> None:
        """Install."""
        must(self.bin("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words)

    def walk(self, steps: list[journeys.Step]) -> int:
        """Go through the steps of a journey."""
        return journeys.walk(steps, lambda words: run(self.bin(words[0]), *words[1:], cwd=self.work), self.work)

    def size(self) -> str:
        """What it takes on disk."""
        return f"{sum(p.stat().st_size for p in self.place.rglob('*') if p.is_file()) / 1e6:.0f} MB"

    def operators(self, requirement: str) -> None:
        """Put mmcv with compiled operators there, from the cache if it was built before."""
        wheel = must(self.bin("python"), ROOT / ".ci/operators.py", requirement, "--operators", "cpu")
        self.pip("--no-deps", "--force-reinstall", wheel.strip().splitlines()[-1])


# --- what is built


def build(folder: Path) -> tuple[Path, Path]:
    """Source archive and wheel, in ``folder``; the wheel of the archive is that of the checkout, byte for byte."""
    tools = Environment(folder)
    tools.pip("-c", PINS, *CHECKERS)
    python = tools.bin("python")
    must(python, "-m", "build", "--no-isolation", "--outdir", folder / "dist", ROOT)
    must(python, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder / "direct", ROOT)
    (wheel,), (archive,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    (direct,) = (folder / "direct").glob("*.whl")
    if hashlib.sha256(wheel.read_bytes()).digest() != hashlib.sha256(direct.read_bytes()).digest():
        raise PackageError(f"{wheel} of the source archive is another than {direct} of the checkout.")
    must(python, "-m", "validate_pyproject", ROOT / "pyproject.toml")
    must(tools.bin("twine"), "check", "--strict", wheel, archive)
    must(tools.bin("check-wheel-contents"), "--config", ROOT / "pyproject.toml", wheel)
    check_page(python, wheel)
    return wheel, archive


def check_page(python: Path, wheel: Path) -> None:
    """Render the description as PyPI does; every picture and link leads somewhere outside, or to a heading."""
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        page = email.message_from_bytes(files.read(name)).get_payload(decode=True)
    render = "import sys; from readme_renderer.markdown import render; print(render(sys.stdin.read()))"
    html = subprocess.run([python, "-c", render], input=page, capture_output=True, check=True).stdout.decode()
    targets = re.findall(r'(?:href|src)="([^"]*)"', html)
    headings = {f"#{name}" for name in re.findall(r'id="([^"]*)"', html)}
    wrong = [target for target in targets if not target.startswith("https://") and target not in headings]
    if "<h1" not in html or wrong:
        raise PackageError(f"The page for PyPI has links or pictures that lead nowhere: {wrong or html[:500]}")


def check_contents(wheel: Path, archive: Path) -> None:
    """The wheel holds mmfan and what it reads, the archive what the wheel and the tests are made of, and no more."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    here = {f"mmfan/{path.relative_to(ROOT / 'mmfan')}" for path in (ROOT / "mmfan").rglob("*.py")}
    missing = {*here, *(f"mmfan/{name}" for name in DATA_FILES)} - inside
    licence = [name for name in inside if name.endswith(".dist-info/licenses/LICENSE")]
    strange = [name for name in inside if not re.match(r"mmfan/|mmfan-[\w.]+\.dist-info/", name)]
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    tracked = set(must("git", "ls-files", cwd=ROOT).split()) if (ROOT / ".git").exists() else names
    missing |= {name for name in ("LICENSE", "README.md", "PKG-INFO", "tests/conftest.py") if name not in names}
    strange += sorted(names - tracked - {"PKG-INFO"})
    if missing or strange or not licence:
        raise PackageError(f"missing: {sorted(missing)}; surplus: {strange}; licence: {licence}")


# --- what is used


def judge(folder: Path, wheel: Path) -> Environment:
    """Neither torch nor OpenMMLab."""
    env = Environment(folder)
    env.pip(f"mmfan[judge] @ {wheel.as_uri()}")
    journeys.write_results(env.work)
    env.walk([*journeys.WITHOUT_FRAMEWORK, *journeys.WITHOUT_FROST])
    env.pip("--no-deps", "imagecorruptions-imaug")
    env.walk(journeys.WITH_FROST)
    return env


def onedl(folder: Path, wheel: Path) -> Environment:
    """The maintained family: as pip builds mmcv, then with its operators and one OpenCV."""
    env = Environment(folder)
    env.pip(pin("torch"))
    env.pip(f"mmfan[onedl-segmentation] @ {wheel.as_uri()}")
    say(f"  segmentation is installed, {env.size()}")
    env.walk([*journeys.SEGMENTATION, *journeys.WITHOUT_MMDET])
    env.pip(f"mmfan[onedl] @ {wheel.as_uri()}")
    env.walk([journeys.TWO_OPENCV, *journeys.WITHOUT_OPERATORS])
    env.pip("setuptools<81", "wheel", "ninja")
    env.operators(pin("onedl-mmcv"))
    one_opencv(env)
    say(f"  detection is installed, {env.size()}")
    env.walk([*journeys.DETECTION, journeys.ONE_OPENCV])
    return env


def one_opencv(env: Environment) -> None:
    """Do what `mmfan env` says of two builds of OpenCV."""
    printed = must(env.bin("mmfan"), "env")
    (cure,) = re.findall(r"OpenCV: .*`(pip uninstall .*)`, then `(pip install .*)`", printed)
    for line in cure:
        must(env.bin("python"), "-m", *line.split())


def openmmlab(folder: Path, wheel: Path) -> Environment:
    """The original family, mmcv compiled for the installed torch."""
    env = Environment(folder)
    env.pip(pin("torch"), "numpy<2", "setuptools<81", "wheel", "ninja")
    env.operators("mmcv==2.1.0")
    env.pip(f"mmfan[openmmlab] @ {wheel.as_uri()}")
    env.walk([*journeys.SEGMENTATION, *journeys.DETECTION, journeys.ONE_OPENCV])
    return env


FAMILIES = {"judge": judge, "onedl": onedl, "openmmlab": openmmlab}


def main() -> int:
    """Build, look inside and use; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", choices=[*FAMILIES, []], help="environments to make and to use it in")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work there, and leave it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mmfan-package-") as scratch:
        folder = (args.keep or Path(scratch)).resolve()
        try:
            wheel, archive = build(folder / "tools")
            check_contents(wheel, archive)
            sizes = (f"{path.name} {path.stat().st_size / 1e6:.2f} MB" for path in (wheel, archive))
            say(", ".join(sizes))
            for family in args.families:
                say(f"{family}: a clean environment")
                env = FAMILIES[family](folder / family, wheel)
                say(f"{family}: passed, {env.size()}")
        except (PackageError, journeys.StepFailedError) as error:
            say(f"failed: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
