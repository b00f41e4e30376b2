"""What OpenMMLab's mim relies on, as it can be seen without it: `make test-mim` runs the real one."""

import re
import subprocess
import sys

import pytest
from helpers.pages import ROOT, text_of

from mmfan.utils.configs import own_configs

LINES = re.findall(r"^mim (\w+) mmfan ?(.*?)(?: *#.*)?$", text_of("docs/configs.md"), re.MULTILINE)


@pytest.mark.process
@pytest.mark.parametrize("tool", ["train", "test"])
def test_the_tools_take_what_mim_hands_them(tool):
    """It runs ``tools/train.py CONFIG --launcher none ...``, and adds ``--gpus`` where the help names that option."""
    command = [sys.executable, ROOT / f"tools/{tool}.py", "-h"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    assert "--launcher" in told
    assert "--gpus" not in told


def test_configs_and_tools_have_names_of_their_own():
    """mim looks for the bare name in the whole package, tools and configs alike, and refuses to choose."""
    files = [path.name for folder in ("configs", "tools") for path in (ROOT / folder).rglob("*.py")]
    for name in [
        *(path.name for path in own_configs().values()),
        *(path.name for path in (ROOT / "tools").glob("*.py")),
    ]:
        assert files.count(name) == 1


def test_the_pages_lines_name_what_is_there():
    assert {command for command, _ in LINES} == {"search", "train", "test", "run"}
    for command, rest in LINES:
        first = rest.split()[0]
        if command in ("train", "test"):
            assert first.removesuffix(".py").rpartition("/")[2] in own_configs()
            assert "/" not in first or (ROOT / first).is_file()
        elif command == "run":
            assert (ROOT / f"tools/{first}.py").is_file()
