"""Rows of the table of evidence: the commands that make one, and that they go on where they were killed."""

import subprocess
from importlib import import_module
from pathlib import Path

import pytest
import torch

from mmfan.benchmark.robust import alone, rows
from mmfan.benchmark.robust.arms import ARMS, BASELINE, CONFIG, arm_of
from mmfan.benchmark.robust.rows import (
    config_of_row,
    judge_arguments,
    length_of,
    make_row,
    paths_of_rows,
    train_arguments,
)
from mmfan.cli.entry import COMMANDS
from mmfan.errors import MMFanError
from mmfan.training.recipes import RECIPES
from mmfan.utils.processes.locks import NoLocksError


def parsed(arguments):
    command, *rest = arguments
    return import_module(f"mmfan.cli.commands.{COMMANDS[command][0]}").make_parser(command).parse_args(rest)


def test_the_arms_are_the_recipes_of_segmentors_and_a_pair():
    assert {name for arm in ARMS.values() for name in arm.recipes} == set(RECIPES) - {"oamix"}
    assert ARMS[BASELINE].recipes == ("seeded",)
    assert [name for name, arm in ARMS.items() if arm.seeds == 3] == [
        "baseline", "cwfa", "cwfa-light", "augmix", "cwfa-light-augmix", "ema", "cwfa-augmix",
    ]  # fmt: skip
    with pytest.raises(MMFanError, match=r"There is no arm 'cwa'\. Did you mean 'cwfa'\?"):
        arm_of("cwa")


@pytest.mark.parametrize("arm", ARMS)
def test_the_training_of_an_arm(arm):
    args = parsed(train_arguments(arm, 2, Path("out")))
    assert (args.config, args.work_dir, args.resume) == (CONFIG, str(Path("out") / f"{arm}-2"), "auto")
    assert args.robust == list(ARMS[arm].recipes)
    assert args.cfg_options["randomness.seed"] == 2 or args.cfg_options == {"randomness": {"seed": 2}}


def test_the_judgement_of_a_row():
    args = parsed(judge_arguments("cwfa", 1, Path("out"), Path("a.pth")))
    assert (args.config, args.checkpoint, args.name) == (CONFIG, "a.pth", "cwfa-1")
    assert (args.limit, args.severities, args.calibration) == (26, [3], True)
    assert len(args.corruptions) == len(set(args.corruptions)) == 16 + 10
    assert {"speckle_noise", "sparkles"} < set(args.corruptions)
    whole = parsed(judge_arguments("cwfa", 1, Path("out"), Path("a.pth"), "fan_segformer_camvid", "kamann16", 51))
    assert (whole.protocol, whole.corruptions, whole.limit) == ("kamann16", None, 51)


def test_only_rows_of_camvid_bear_its_name(monkeypatch):
    monkeypatch.setenv("MMFAN_CAMVID_HALF", "/sets/half")
    for config, named in ((CONFIG, True), ("segformer_r18_camvid", True), ("fan_segformer_mini", False)):
        assert ("camvid" in judge_arguments("cwfa", 0, Path("out"), Path("a.pth"), config)) is named


def test_rows_of_another_config_need_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(rows.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0))
    (tmp_path / "cwfa-0").mkdir()
    (tmp_path / "cwfa-0/fan_segformer_camvid.py").touch()
    make_row("cwfa", 0, tmp_path, "fan_segformer_camvid")
    with pytest.raises(MMFanError, match=r"holds a training of fan_segformer_camvid, not of segformer_r18_camvid"):
        make_row("cwfa", 0, tmp_path, "segformer_r18_camvid")


def test_rows_of_another_arm_are_of_the_same_config(tmp_path, monkeypatch):
    monkeypatch.setattr(rows.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0))
    for name in ("baseline-0", "notes-0", "cwfa-old"):  # the last two are no rows
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{CONFIG if name == 'baseline-0' else 'other'}.py").touch()
    make_row("cwfa", 0, tmp_path)
    make_row("baseline", 0, tmp_path, f"configs/fan_segformer/{CONFIG}.py")
    with pytest.raises(
        MMFanError, match=rf"baseline-0 holds a training of {CONFIG}, not of .*_camvid: .*another --out"
    ):
        make_row("cwfa", 0, tmp_path, "fan_segformer_camvid")


def test_a_trained_arm_is_judged_only(tmp_path, monkeypatch):
    calls = []

    def run(command, check, pass_fds):
        calls.append(command[3])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(rows.subprocess, "run", run)
    assert make_row("cwfa", 0, tmp_path / "new") == tmp_path / "new/cwfa-0.jsonl"
    assert calls == ["train", "judge"]
    (tmp_path / "new/cwfa-0").mkdir()
    torch.save({"state_dict": {}}, tmp_path / f"new/cwfa-0/iter_{length_of(CONFIG)}.pth")
    make_row("cwfa", 0, tmp_path / "new", say=calls.append)
    assert calls[2].startswith(f"mmfan judge {CONFIG} ")
    assert calls[3:] == ["judge"]


def test_a_command_that_failed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(rows.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 143))
    with pytest.raises(MMFanError, match="`mmfan train` ended with status 143; the same command goes on"):
        make_row("baseline", 0, tmp_path)


def test_a_file_is_no_folder_of_evidence(tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MMFanError, match=r"folder for the evidence, got .*file"):
            make_row("baseline", 0, out)


def test_the_length_of_a_training():
    assert length_of("fan_segformer_camvid_yardstick") == length_of("fan_segformer_camvid") == 1200
    with pytest.raises(MMFanError, match="counts epochs"):
        length_of("fan_cascade_mask_rcnn_coco")


def test_two_commands_do_not_make_one_row(tmp_path, monkeypatch):
    """The second is refused while the first trains, and while it judges; another row may be made meanwhile."""
    tried = []

    def run(command, check, pass_fds):
        assert len(pass_fds) == 1  # the training holds the lock too
        if "baseline-0" not in str(command):
            return subprocess.CompletedProcess(command, 0)
        with pytest.raises(MMFanError, match=r"Another process is at baseline-0 of .*: wait for its end, or stop it"):
            make_row("baseline", 0, tmp_path)
        make_row("cwfa", 0, tmp_path)
        tried.append(command[3])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(rows.subprocess, "run", run)
    make_row("baseline", 0, tmp_path)
    assert tried == ["train", "judge"]
    assert list(tmp_path.iterdir()) == []


def test_without_locks_a_row_is_made_and_it_is_said(tmp_path, monkeypatch):
    def none(file, wait):
        raise NoLocksError(37, "This file system has no locks", file.name)

    calls, said = [], []
    monkeypatch.setattr(alone, "lock", none)
    monkeypatch.setattr(
        rows.subprocess,
        "run",
        lambda command, check, pass_fds: calls.append(pass_fds) or subprocess.CompletedProcess([], 0),
    )
    make_row("cwfa", 0, tmp_path, say=said.append)
    assert calls == [(), ()]
    assert (
        said[0] == f"This file system has no locks: let no other command work on cwfa-0 of {tmp_path} at the same time."
    )


def test_a_folder_in_the_place_of_a_results_file_is_told_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(rows.subprocess, "run", pytest.fail)
    (tmp_path / "cwfa-0.jsonl").mkdir()
    with pytest.raises(MMFanError, match=r"Expected a results file, got .*cwfa-0\.jsonl: a folder is there"):
        make_row("cwfa", 0, tmp_path)


@pytest.mark.parametrize("seed", ["00", "007", "\u0663"])
def test_a_seed_that_no_row_has_is_not_taken_for_another(tmp_path, seed):
    for name in ("cwfa-12.jsonl", "cwfa-old.jsonl", "cwfa-.jsonl"):
        (tmp_path / name).touch()
    assert [(arm, number) for arm, number, _ in paths_of_rows(tmp_path, ".jsonl")] == [("cwfa", 12)]
    (tmp_path / f"cwfa-{seed}.jsonl").touch()
    with pytest.raises(MMFanError, match=rf"cwfa-{seed}\.jsonl has no name of a row, as cwfa-0\.jsonl is"):
        paths_of_rows(tmp_path, ".jsonl")


def test_the_config_of_a_row_is_that_of_its_copy(tmp_path):
    with pytest.raises(MMFanError, match=r"Expected one config in .*cwfa-1, .* got none\. Copy the work folder along"):
        config_of_row("cwfa", 1, tmp_path)
    (tmp_path / "cwfa-1").mkdir()
    (tmp_path / "cwfa-1/fan_b.py").touch()
    assert config_of_row("cwfa", 1, tmp_path) == "fan_b"
    (tmp_path / "cwfa-1/fan_a.py").touch()
    with pytest.raises(MMFanError, match=r"got fan_a, fan_b\. Remove those that were not trained"):
        config_of_row("cwfa", 1, tmp_path)
