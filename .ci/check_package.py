#!/usr/bin/env python3
"""The package as it is shipped: built, looked into, and used in clean environments outside the checkout.

    python .ci/check_package.py judge       # neither torch nor OpenMMLab
    python .ci/check_package.py onedl       # the maintained family: segmentation, then detection
    python .ci/check_package.py openmmlab   # the original family

Wheel and source archive are built and checked in any case. ``--keep FOLDER`` keeps what was built and the environments.
The environments are made of this interpreter, by the commands of docs/install.md. Those with torch take a pinned one,
so that mmcv's operators come from the cache of `make operators` or `make test-classic`, or go there.
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


def run(*command: str | Path, cwd: Path | None = None, more: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit status of a command and what it printed; it finds mmfan where it is installed and nowhere else.

    ``more`` are variables of its environment.
    """
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"OMP_NUM_THREADS": "1", "VALIDATE_PYPROJECT_NO_NETWORK": "1", **(more or {})}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def must(*command: str | Path, cwd: Path | None = None, more: dict[str, str] | None = None) -> str:
    """What a command that must succeed printed.

    Raises:
        PackageError: It failed.
    """
    status, printed = run(*command, cwd=cwd, more=more)
    if status:
        raise PackageError(f"`{' '.join(map(str, command))}` ended with status {status}:\n{printed[-4000:]}")
    return printed


def pin(distribution: str, file: str) -> str:
    """``name==version`` as a file of pins has it."""
    (line,) = re.findall(rf"^{distribution}==\S+$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    return line


def page_commands(heading: str) -> list[str]:
    """The commands below a heading of docs/install.md, without comments."""
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    below = re.split(rf"^#+ {re.escape(heading)}$", page, maxsplit=1, flags=re.MULTILINE)[1]
    (block,) = re.findall(r"^```bash[^\n]*\n(.*?)^```", below, re.MULTILINE | re.DOTALL)[:1]
    return [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]


class Environment:
    """A virtual environment in a folder of its own, and an empty folder to work in."""

    def __init__(self, folder: Path, wheel: Path | None = None, torch_pins: str = "constraints.txt") -> None:
        self.place, self.work, self.wheel = folder / "env", folder / "work", wheel
        must(sys.executable, "-m", "venv", "--clear", self.place)
        shutil.rmtree(self.work, ignore_errors=True)  # of a folder that was kept
        self.work.mkdir()
        # of all that users get as new as it is, torch alone is held: the operators in the cache were compiled for it
        self.pins = folder / "pins.txt"
        self.pins.write_text(pin("torch", torch_pins) + "\n", encoding="utf-8")

    def bin(self, name: str) -> Path:
        """A program of the environment."""
        return self.place / "bin" / name

    def pip(self, *words: str | Path) -> None:
        """Install."""
        must(self.bin("python"), "-m", "pip", "install", "--quiet", *words)

    def follow(self, commands: list[str]) -> None:
        """Run commands of the page as its reader does, in a shell that entered the environment, with the wheel for `.`.

        Raises:
            PackageError: One failed.
        """
        shell = {
            "PATH": f"{self.place / 'bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.place),
            "PIP_CONSTRAINT": str(self.pins),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "OPERATORS": "cpu",
        }
        for command in commands:
            line = re.sub(r"'\.(\[[\w-]+\])'", rf"'mmfan\1 @ {self.wheel.as_uri()}'", command)
            must("bash", "-ec", line, cwd=ROOT, more=shell)

    def walk(self, steps: list[journeys.Step]) -> None:
        """Go through the steps of a journey."""
        journeys.walk(steps, lambda words: run(self.bin(words[0]), *words[1:], cwd=self.work), self.work)

    def size(self) -> str:
        """What it takes on disk."""
        return f"{sum(p.stat().st_size for p in self.place.rglob('*') if p.is_file()) / 1e6:.0f} MB"


# --- what is built


def build(folder: Path) -> tuple[Path, Path]:
    """Source archive and wheel, in ``folder``; the wheel of the archive is that of the checkout, byte for byte."""
    tools = Environment(folder)
    tools.pip("-c", ROOT / "constraints.txt", *CHECKERS)
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
    env = Environment(folder, wheel)
    install, *frost = page_commands("Without a framework")
    env.follow([install])
    say(f"  installed, {env.size()}")
    journeys.write_results(env.work)
    env.walk([*journeys.WITHOUT_FRAMEWORK, *journeys.WITHOUT_FROST])
    env.follow(frost)
    env.walk(journeys.WITH_FROST)
    return env


def onedl(folder: Path, wheel: Path) -> Environment:
    """The maintained family: segmentation with mmcv as pip builds it, then detection with its operators."""
    env = Environment(folder, wheel)
    env.follow(page_commands("The maintained family"))
    say(f"  segmentation is installed, {env.size()}")
    env.walk([*journeys.SEGMENTATION, *journeys.WITHOUT_MMDET, journeys.ONE_OPENCV])
    env.follow(page_commands("Detection, too"))
    say(f"  detection is installed, {env.size()}")
    env.walk([*journeys.DETECTION, journeys.ONE_OPENCV])
    return env


def openmmlab(folder: Path, wheel: Path) -> Environment:
    """The original family, with the torch that most of its users have; mmcv is compiled for it."""
    env = Environment(folder, wheel, "constraints-classic.txt")
    env.follow(page_commands("The original family"))
    say(f"  installed, {env.size()}")
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
