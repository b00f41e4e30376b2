"""Checkpoints of a row that were cut off: no end of a training, and never what it goes on from."""

import subprocess

import pytest
import torch
from mmengine.config import Config

from mmfan.apis import load_config
from mmfan.apis.resume import choose_resume
from mmfan.benchmark.robust import rows
from mmfan.benchmark.robust.arms import CONFIG
from mmfan.benchmark.robust.checkpoints import is_whole, ready_to_resume
from mmfan.benchmark.robust.rows import make_row

LAST = 1200


def write(folder, *iterations, note=None):
    """A work folder with these checkpoints of a training, of which the last is noted."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in iterations:
        content = {
            "state_dict": {"a.weight": torch.ones(64)},
            "meta": {"epoch": 0, "iter": number},
            "message_hub": {"log_scalars": {}, "runtime_info": {}, "resumed_keys": {}},
            "optimizer": {"state": {}, "param_groups": []},
            "param_schedulers": [],
        }
        torch.save(content, folder / f"iter_{number}.pth")
    (folder / "last_checkpoint").write_text(str(folder / f"iter_{note or iterations[-1]}.pth"))


def cut(path, keep=0.9):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def resumed(folder):
    """What ``mmfan train --resume`` goes on from."""
    cfg = Config({"work_dir": str(folder)})
    choose_resume(cfg, "auto")
    return cfg.get("load_from")


@pytest.fixture
def commands(monkeypatch):
    calls = []

    def run(command, check, pass_fds):
        calls.append(command[3])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(rows.subprocess, "run", run)
    return calls


@pytest.mark.parametrize("keep", [0, 0.1, 0.5, 0.99])
def test_a_checkpoint_that_was_cut_off_is_no_end_of_a_training(tmp_path, commands, keep):
    folder = tmp_path / "cwfa-0"
    write(folder, 1000, 1100, LAST, note=1100)
    cut(folder / f"iter_{LAST}.pth", keep)
    said = []
    make_row("cwfa", 0, tmp_path, say=said.append)
    assert commands == ["train", "judge"]
    assert said[0] == f"{folder / 'iter_1200.pth'} was not written to its end: removed."
    assert sorted(path.name for path in folder.glob("*.pth")) == ["iter_1000.pth", "iter_1100.pth"]
    assert resumed(folder) == str(folder / "iter_1100.pth")
    write(folder, LAST)
    make_row("cwfa", 0, tmp_path, say=said.append)
    assert commands == ["train", "judge", "judge"]


def test_the_newest_whole_one_goes_on_where_the_noted_one_was_cut_off_or_is_gone(tmp_path):
    for number, spoil in enumerate((cut, type(tmp_path).unlink)):
        folder = tmp_path / str(number)
        write(folder, 200, 1000, 900, note=1000)  # 1000 is the newest by its number, not by its name or time
        write(folder, 1100)
        spoil(folder / "iter_1100.pth")
        said = []
        ready_to_resume(folder, said.append)
        assert said[-1] == f"The training goes on from {folder / 'iter_1000.pth'}."
        assert resumed(folder) == str(folder / "iter_1000.pth")


@pytest.mark.parametrize("note", ["", "one\ntwo", None])
def test_a_note_that_was_cut_off_or_never_written(tmp_path, note):
    write(tmp_path, 100, 200)
    (tmp_path / "last_checkpoint").unlink()
    if note is not None:
        (tmp_path / "last_checkpoint").write_text(note)
    ready_to_resume(tmp_path, print)
    assert resumed(tmp_path) == str(tmp_path / "iter_200.pth")


def test_without_a_whole_one_the_training_begins_again(tmp_path):
    write(tmp_path, 100)
    cut(tmp_path / "iter_100.pth")
    said = []
    ready_to_resume(tmp_path, said.append)
    assert said[1] == f"{tmp_path} holds no whole checkpoint: the training begins again."
    assert (resumed(tmp_path), list(tmp_path.iterdir())) == (None, [])


def test_what_is_whole_stays_as_it_is(tmp_path):
    ready_to_resume(tmp_path / "new", pytest.fail)
    write(tmp_path, 100, 200, 300, note=200)
    (tmp_path / "best_mIoU_iter_100.pth").touch()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ready_to_resume(tmp_path, pytest.fail)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert not is_whole(tmp_path / "iter_400.pth")


def test_the_yardstick_keeps_one_while_it_writes_another():
    assert load_config(CONFIG).default_hooks.checkpoint.max_keep_ckpts == 2
