"""`mmfan judge --cues`: options that contradict themselves, both tables, the report's section, beside other cells."""

import json

import pytest
from helpers.known_segmentor import KNOWN
from helpers.tiny_robustness import write_parts

from mmfan.cli import main
from mmfan.cli.commands.judge.command import make_parser, run
from mmfan.cli.cue_options import asked_with_cues

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"), more=KNOWN)


def command(parts, folder, *options):
    words = ["judge", *parts, "--work-dir", folder, "--workers", "0", "--cue-settings", '{"area": 64}', *options]
    return main(list(map(str, words)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cue-settings", "{}"], "is of changes of cues: give --cues as well"),
        (["--classifier", "x.py:y", "--images", "z", "--cues", "all"], "--cues cannot stand beside a classifier"),
    ],
)
def test_options_that_do_not_go_together(options, message, capsys):
    parser = make_parser("mmfan judge")
    words = options if "--classifier" in options else ["config.py", "checkpoint.pth", *options]
    with pytest.raises(SystemExit):
        run(parser.parse_args(words), parser)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cues", "textures"], "There is no change of cues 'textures'"),
        (["--cues", "all", "--cue-settings", "{"], "is no JSON"),
        (["--cues", "all", "--cue-settings", "[1]"], "as a dict of JSON"),
        (["--cues", "all", "--cue-settings", '{"areas": 4}'], "no setting 'areas'"),
    ],
)
def test_what_is_asked_is_checked(words, message):
    with pytest.raises(ValueError, match=message):
        asked_with_cues(make_parser("mmfan judge").parse_args(["config", "checkpoint", *words]), None)


def test_cues_stand_beside_attacks_and_corruptions():
    args = make_parser("mmfan judge").parse_args(["config", "checkpoint", "--cues", "grey_edges"])
    attacks = {"name": "mine", "conditions": [{"kind": "attack", "name": "fgsm", "strengths": [1]}]}
    found = asked_with_cues(args, attacks)
    assert found["name"] == "mine and cues"
    assert [one["name"] for one in found["conditions"]] == ["fgsm", "grey_edges"]
    assert "corruptions" not in found
    assert asked_with_cues(args, "ssb15_s3")["corruptions"]["fog"] == [3]


def test_judging_and_report(parts, tmp_path, capfd):
    wanted = ["--cues", "texture_swap", "texture_remove", "shape_remove"]
    assert command(parts, tmp_path, *wanted, "--corruptions", "contrast", "--severities", "2") == 0
    said = capfd.readouterr().out
    assert "shape retention" in said
    assert "mean of classes" in said
    records = [json.loads(line) for line in (tmp_path / "robustness.jsonl").read_text().splitlines()]
    assert [(one["corruption"], (one.get("condition") or {}).get("name")) for one in records] == [
        ("clean", None),
        ("contrast", None),
        ("clean", "texture_swap"),
        ("clean", "texture_remove"),
        ("clean", "shape_remove"),
    ]
    assert main(["report", str(tmp_path / "robustness.jsonl"), "--format", "json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["protocol_cells"] == 1
    [section] = report["families"]
    assert section["title"] == "Shape and texture"
    [model] = section["models"]
    scores = {one["condition"]["name"]: one["metrics"] for one in records[2:]}
    assert model["shape_bias"]["texture_swap"] == scores["texture_swap"]["shape_bias"]
    clean = model["clean"]
    assert model["shape_retention"] == pytest.approx(model["scores"]["texture_remove"]["1"] / clean)
