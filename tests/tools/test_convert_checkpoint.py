import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.tiny_segmentor import run_tool

from mmfan.models import FANHybrid

TOOL = Path(__file__).parents[2] / "tools" / "convert_checkpoint.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.process
@pytest.mark.slow
def test_official_file_is_converted_and_named(tmp_path):
    state = {f"module.{k}": v for k, v in FANHybrid(arch="tiny").state_dict().items()}
    state["module.head.weight"] = torch.zeros(1000, 192)
    torch.save(
        {"state_dict": state, "args": argparse.Namespace(), "optimizer": {"state": {}}}, tmp_path / "official.pth"
    )
    done = run(tmp_path / "official.pth", tmp_path / "new" / "mmfan.pth")
    assert done.returncode == 0, done.stderr
    summary, _, config = done.stdout.partition("\n")
    assert summary.endswith("351 tensors, 7.29 M numbers")
    assert json.loads(config)["backbone"]["arch"] == "tiny"
    content = torch.load(tmp_path / "new" / "mmfan.pth", weights_only=True)
    assert set(content["state_dict"]) == {k.removeprefix("module.") for k in state} - {"head.weight"}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["mmfan.pth"]


def test_bad_arguments(tmp_path, monkeypatch, capsys):
    (tmp_path / "there.pth").touch()
    nowhere = tmp_path / "nowhere.pth"
    assert run_tool(monkeypatch, "convert_checkpoint.py", nowhere, tmp_path / "there.pth") == 2
    assert "there.pth exists; --force replaces it" in capsys.readouterr().err
    assert run_tool(monkeypatch, "convert_checkpoint.py", nowhere, tmp_path / "new.pth") == 2
    message = capsys.readouterr().err
    assert "nowhere.pth does not exist" in message
    assert "Traceback" not in message
