"""Messages name a command as the reader started mmfan."""

import sys
from pathlib import Path

import pytest

from mmfan.utils.commands import TOOLS, command_name, name_commands, torchrun_name

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("program", "says", "to_torchrun"),
    [
        ("/usr/bin/mmfan", "mmfan report", "-m mmfan report"),
        ("/lib/mmfan/__main__.py", "mmfan report", "-m mmfan report"),
        ("tools/train.py", "python tools/report.py", "tools/report.py"),
        (
            "/my disk/mmfan/tools/train.py",
            "python '/my disk/mmfan/tools/report.py'",
            "'/my disk/mmfan/tools/report.py'",
        ),
        ("/home/me/tools/my_script.py", "mmfan report", "-m mmfan report"),  # somebody else's tools
        ("train.py", "mmfan report", "-m mmfan report"),
    ],
)
def test_the_running_program_decides(program, says, to_torchrun, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program])
    assert command_name("report") == says
    assert torchrun_name("report") == to_torchrun


def test_a_text_is_said_in_the_readers_commands(monkeypatch):
    text = "mmfan mini cityscapes x, `mmfan prepare camvid`, mmfan corrupt --sheet a, mmfan corrupt b, mmfan configs"
    assert name_commands(text) == text
    monkeypatch.setattr(sys, "argv", ["tools/train.py"])
    assert name_commands(text) == (
        "python tools/make_mini_set.py cityscapes x, `python tools/prepare_camvid.py`, "
        "python tools/browse_corruptions.py a, python tools/make_corrupted_set.py b, mmfan configs"
    )


def test_every_tool_is_there():
    assert sorted(TOOLS.values()) == sorted(path.name for path in (ROOT / "tools").glob("*.py"))
