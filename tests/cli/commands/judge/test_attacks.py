"""`mmfan judge --attack`: options that contradict themselves, the dry run's cost, the table, the report's section."""

import json

import pytest
from helpers.tiny_robustness import write_parts

from mmfan.cli import main
from mmfan.cli.commands.judge.command import make_parser, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


def command(parts, folder, *options):
    words = ["judge", *parts, "--work-dir", folder, "--workers", "0", "--attack", "segpgd", "--steps", "2", *options]
    return main(list(map(str, words)))


@pytest.mark.parametrize("option", [["--eps", "4"], ["--norm", "l2"], ["--unrounded"], ["--patch-area", "4"]])
def test_options_of_attacks_need_an_attack(option, capsys):
    parser = make_parser("mmfan judge")
    with pytest.raises(SystemExit):
        run(parser.parse_args(["config.py", "checkpoint.pth", *option]), parser)
    assert f"{option[0]} is of attacks: give --attack as well" in capsys.readouterr().err


def test_radii_given_as_shares_of_1_are_refused(capsys):
    parser = make_parser("mmfan judge")
    words = ["config.py", "checkpoint.pth", "--attack", "pgd", "--eps", "0.0157", "0.0314"]
    with pytest.raises(SystemExit):
        run(parser.parse_args(words), parser)
    assert "--eps is in 1/255, so that 8/255 is 8: got 0.0314 at most" in capsys.readouterr().err


def test_a_dry_run_without_a_checkpoint_leaves_what_training_starts_from(parts, tmp_path, capfd):
    start = ["--cfg-options", f"load_from={tmp_path / 'not_there.pth'}"]
    assert command(parts[:1], tmp_path, "--eps", "4", "--limit", "1", "--dry-run", *start) == 0
    assert "With a checkpoint, a few pictures would be timed" in capfd.readouterr().out


def test_dry_run_judging_and_report(parts, tmp_path, capfd):
    assert command(parts, tmp_path, "--eps", "0.5", "16", "--limit", "2", "--dry-run") == 0
    said = capfd.readouterr().out
    assert "segpgd 16: 3 forward and 2 backward passes a picture, 2 pictures" in said
    assert "segpgd 0.5: 1 forward and 0 backward passes a picture" in said
    assert "about" in said
    assert command(parts, tmp_path, "--eps", "0.5", "16", "--limit", "2") == 0
    records = [json.loads(line) for line in (tmp_path / "robustness.jsonl").read_text().splitlines()]
    assert [(one.get("condition") or {}).get("strength") for one in records] == [None, 0.5, 16]
    assert {"model", "clean", "0.5", "16", "half"} <= {
        word.strip() for line in capfd.readouterr().out.splitlines() for word in line.split("|")
    }
    # beside corruptions in the same file: a section of its own, and no mean over both
    words = ["judge", *parts, "--work-dir", tmp_path, "--workers", "0", "--limit", "2"]
    assert main([*map(str, words), "--corruptions", "contrast", "--severities", "2"]) == 0
    capfd.readouterr()
    assert main(["report", str(tmp_path / "robustness.jsonl"), "--format", "json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["protocol_cells"] == 1
    [section] = report["families"]
    assert section["title"].startswith("Attacks: segpgd (alpha 2.5 eps/steps, norm linf, rounded True, steps 2)")
    scores = {one["condition"]["strength"]: one["metrics"]["mIoU"] for one in records[1:]}
    [model] = section["models"]
    assert model["scores"]["segpgd"]["0.5"] == model["clean"]
    assert model["scores"]["segpgd"]["16"] <= scores[0.5]


def test_patches_judged_and_reported(parts, tmp_path, capfd):
    words = [
        "judge",
        *parts,
        "--work-dir",
        tmp_path,
        "--workers",
        "0",
        "--limit",
        "2",
        "--attack",
        "patch",
        "patch_noise",
    ]
    words += ["--steps", "2", "--patch-area", "4", "--patch-place", "centre", "--patch-loss", "cross_entropy"]
    assert main([*map(str, words), "--dry-run"]) == 0
    said = capfd.readouterr().out
    assert "patch 4: 3 forward and 2 backward passes a picture, 2 pictures" in said
    assert main([*map(str, words), "--calibration"]) == 0
    records = [json.loads(line) for line in (tmp_path / "robustness.jsonl").read_text().splitlines()]
    conditions = [(one["condition"]["name"], one["condition"]["settings"]) for one in records]
    assert conditions == [
        ("outside", {"place": "centre"}),
        ("patch", {"left_out": 4, "place": "centre", "steps": 2, "alpha": 159.375, "loss": "cross_entropy"}),
        ("patch_noise", {"left_out": 4, "place": "centre"}),
    ]
    # 64x96 pixels, three rows of them not labelled, without a square of 16: the confidence is of the same pixels
    assert {one["calibration"]["count"] for one in records} == {2 * (61 * 96 - 16 * 16)}
    capfd.readouterr()
    assert main(["report", str(tmp_path / "robustness.jsonl"), "--format", "json"]) == 0
    families = json.loads(capfd.readouterr().out)["families"]
    assert [list(one["models"][0]["scores"]) for one in families] == [["patch"], ["patch_noise"]]
    assert len({one["models"][0]["clean"] for one in families}) == 1
    for wrong, told in ((["--eps", "4"], "a patch has no radius"), (["--norm", "l2"], "no setting 'norm'")):
        with pytest.raises(SystemExit):
            main([*map(str, words), *wrong])
        assert told in capfd.readouterr().err
