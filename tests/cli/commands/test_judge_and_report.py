"""The last line that `mmfan judge` prints, run as it stands: it reports what was just judged."""

import json
import os
import shlex
import subprocess
import sys

import pytest
from helpers.tiny_robustness import write_parts

from mmfan.cli import main

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts") / "a folder")


@pytest.fixture
def judge(parts, tmp_path, capfd):
    def judge_and_report(*options, parts=parts):
        """The last line, the table that was printed, and what the line gives as JSON."""
        arguments = ["judge", *parts, "--work-dir", tmp_path / "work dir", "--workers", "0", *options]
        assert main(list(map(str, arguments))) == 0
        said = capfd.readouterr().out.splitlines()
        words = shlex.split(said[-1])
        assert words[:2] == ["mmfan", "report"]
        command = [sys.executable, "-m", "mmfan", *words[1:], "--format", "json"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        )
        assert done.returncode == 0, done.stderr
        return words, [line for line in said if line.startswith("| ")][-1], json.loads(done.stdout)

    return judge_and_report


def named(report):
    return report["protocol"], report["protocol_cells"], report["metric"]


def test_a_list_of_ones_own_with_a_limit_and_without(judge, tmp_path):
    words, row, report = judge("--corruptions", "contrast", "--severities", "2", "5", "--limit", "2")
    assert words[2:] == [str(tmp_path / "work dir/robustness.jsonl")]
    assert named(report) == ("custom", 2, "mIoU")
    (model,) = report["models"]
    assert f" {100 * model['clean']:.1f}" in row
    # the same model on all pictures, in the same file: both are shown
    words, _, report = judge("--corruptions", "contrast", "--severities", "2", "5")
    assert len(words) == 3
    assert [model["name"].split(" (")[0] for model in report["models"]] == ["tiny", "tiny"]
    # on cells that the others have not: this run alone
    words, row, report = judge("--corruptions", "fog", "--severities", "1")
    assert words[3] == "--model"
    assert "--protocol" not in words
    assert (named(report), len(report["models"])) == (("custom", 1, "mIoU"), 1)
    assert f" {100 * report['models'][0]['clean']:.1f}" in row
    # and on what was judged before, so that the protocol recorded last is another
    words, row, report = judge("--corruptions", "contrast", "--severities", "5")
    assert words[5] == "--protocol"
    assert (named(report), len(report["models"])) == (("custom", 1, "mIoU"), 1)
    assert list(report["models"][0]["scores"]) == ["contrast"]


def test_a_named_protocol_and_one_of_a_file(judge, tmp_path):
    words, _, report = judge("--protocol", "level5", "--limit", "1")
    assert (len(words), named(report)) == (3, ("level5", 16, "mIoU"))
    path = tmp_path / "night.json"
    path.write_text('{"name": "night", "corruptions": {"brightness": [1, 5], "fog": [2]}}')
    words, _, report = judge("--protocol", path, "--limit", "1")
    assert (len(words), named(report)) == (3, ("night", 3, "mIoU"))


def test_a_detector(judge, tmp_path):
    pytest.importorskip("mmdet")
    from helpers.peeking_detector import PEEKING
    from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_checkpoint, write_detector_config

    config = write_detector_config(tmp_path / "tiny.py", write_coco_tree(tmp_path / "data"), PEEKING)
    detector = config, write_detector_checkpoint(tmp_path / "tiny.pth", config)
    words, row, report = judge("--corruptions", "fog", "--severities", "1", parts=detector)
    assert (len(words), named(report)) == (3, ("custom", 1, "bbox_mAP"))
    assert f" {100 * report['models'][0]['clean']:.1f}" in row


def test_a_run_that_was_stopped_says_what_is_missing(judge, tmp_path, capfd):
    judge("--protocol", "level5", "--limit", "1")
    results = tmp_path / "work dir/robustness.jsonl"
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:10]))
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(results)])
    assert stopped.value.code == 2
    said = capfd.readouterr().err
    assert said.startswith(
        "mmfan report: error: 9 of the 16 cells of 'level5' are there for the model 'tiny'; missing: "
    )
    assert "start the same `mmfan judge` again" in said
    assert "--partial" in said
    assert "usage" not in said
    assert main(["report", str(results), "--partial"]) == 0
    assert "PARTIAL: tiny lacks 7 cells" in capfd.readouterr().out
