"""Checkpoints: mmengine's own files load as data, everything else is refused by name and never run."""

import os

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from mmfan.apis.checkpoint import check_fit, is_remote, read_checkpoint, state_of, without_teacher
from mmfan.models.safe_load import CheckpointError, compare_states

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.zeros(2)}


def test_reads_what_mmengine_saves(tmp_path):
    hub = MessageHub("run")
    for step in range(3):
        hub.update_scalar("train/loss", 1.0 / (step + 1))
    hub.update_info("iter", 3)
    meta = {"iter": 3, "seed": 0, "dataset_meta": {"classes": ("road",), "palette": np.array([[1, 2, 3]])}}
    torch.save({"state_dict": STATE, "meta": meta, "message_hub": hub.state_dict()}, tmp_path / "a.pth")
    content = read_checkpoint(tmp_path / "a.pth")
    assert torch.equal(state_of(content)["a.weight"], STATE["a.weight"])
    assert content["meta"]["dataset_meta"]["palette"].tolist() == [[1, 2, 3]]
    assert content["message_hub"]["log_scalars"]["train/loss"].current() == pytest.approx(1 / 3)


def test_reads_plain_dictionaries_and_strips_the_prefix_of_ddp(tmp_path):
    torch.save({f"module.{key}": value for key, value in STATE.items()}, tmp_path / "plain.pth")
    assert list(state_of(read_checkpoint(tmp_path / "plain.pth"))) == list(STATE)


def test_weights_of_a_teacher_are_left_out_for_a_model_without_one():
    teacher = {"taught": torch.tensor(3), "teacher.a.weight": STATE["a.weight"], "teacher.a.bias": STATE["a.bias"]}
    plain = without_teacher({"state_dict": {**STATE, **teacher}, "meta": {"iter": 3}}, STATE)
    assert list(plain["state_dict"]) == list(STATE)
    assert plain["meta"] == {"iter": 3}
    assert check_fit(STATE, plain, "a.pth") == []
    taught = without_teacher({"state_dict": {**STATE, **teacher}}, {**STATE, **teacher})
    assert list(taught["state_dict"]) == [*STATE, *teacher]
    anew = without_teacher({"state_dict": {**STATE, **teacher}}, {**STATE, **teacher}, anew=True)
    assert list(anew["state_dict"]) == list(STATE)
    # a part of that name in a file that no teacher was saved in is the file's own, and is told
    other = without_teacher({"state_dict": {**STATE, "teacher.b": torch.zeros(1)}}, STATE)
    assert check_fit(STATE, other, "a.pth") == ["teacher.b"]


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_malicious_file_is_refused_and_not_run(tmp_path):
    torch.save({"state_dict": STATE, "meta": Evil(tmp_path / "was_run")}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match=r"evil\.pth: it holds something other than weights.*mkdir"):
        read_checkpoint(tmp_path / "evil.pth")
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("keep", [0, 10, 500, -20])
def test_truncated_files_are_named(tmp_path, keep):
    torch.save({"state_dict": {"a": torch.zeros(1000)}}, tmp_path / "whole.pth")
    content = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(content[:keep])
    with pytest.raises(CheckpointError, match=r"cut\.pth"):
        read_checkpoint(tmp_path / "cut.pth")


def test_missing_file_and_wrong_content(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth does not exist"):
        read_checkpoint(tmp_path / "none.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="dictionary of weights, got a list"):
        read_checkpoint(tmp_path / "list.pth")
    (tmp_path / "text.pth").write_text("these are no weights")
    with pytest.raises(CheckpointError, match=r"text\.pth"):
        read_checkpoint(tmp_path / "text.pth")


def test_compare_states_by_hand():
    model = {"a": torch.zeros(2), "b": torch.zeros(3), "n.num_batches_tracked": torch.zeros(())}
    loaded = {"b": torch.zeros(4), "c": torch.zeros(1)}
    assert compare_states(model, loaded) == (["a"], ["c"], ["b (model (3,), file (4,))"])


def test_check_fit_names_what_does_not_fit():
    assert check_fit(STATE, {"state_dict": {**STATE, "extra": torch.zeros(1)}}, "x.pth") == ["extra"]
    with pytest.raises(CheckpointError, match=r"x\.pth does not fit .*1 missing: a\.bias"):
        check_fit(STATE, {"a.weight": STATE["a.weight"]}, "x.pth")


@pytest.mark.parametrize(("path", "remote"), [("a/b.pth", False), ("https://x/y.pth", True), ("open-mmlab://r", True)])
def test_is_remote(path, remote):
    assert is_remote(path) is remote
