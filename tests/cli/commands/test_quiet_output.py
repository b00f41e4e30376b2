"""What `mmfan train`, `test` and their like show on the two outputs, and what stands in the log file instead."""

import os
import re
import subprocess
import sys

import pytest
from helpers.tiny_segmentor import write_config, write_tree

pytestmark = [pytest.mark.process, pytest.mark.slow]

OPTIONS = ["train_cfg.max_iters=4", "default_hooks.logger.interval=2", "default_hooks.checkpoint.interval=4"]
# Of mmengine, of mmseg and of the packages that they import; each on its own line or lines of the log.
CHATTER = ("System environment:", "Config:", "Hooks will be executed", "The prefix is not set", "UserWarning")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs mmfan in a folder with a tiny config; returns both outputs and the newest log file of a run."""
    folder = tmp_path_factory.mktemp("folder")
    write_config(folder / "tiny.py", write_tree(folder / "data", train=16, val=2))

    def start(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "mmfan", *map(str, arguments)], cwd=folder, capture_output=True, text=True,
            timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        newest = max((folder / "work_dirs/tiny").glob("*/*.log"), key=lambda path: path.stat().st_mtime_ns)
        return done.stdout.splitlines(), done.stderr.splitlines(), newest.read_text()

    return start


@pytest.fixture(scope="module")
def trained(run):
    return run("train", "tiny.py", "--cfg-options", *OPTIONS)


def test_a_training(trained):
    out, err, log = trained
    checkpoint = "work_dirs/tiny/iter_4.pth"
    assert out == [
        f"Checkpoint: {checkpoint}", "Test it, and judge it under corruption:",
        f"  mmfan test tiny.py {checkpoint}", f"  mmfan judge tiny.py {checkpoint}",
    ]  # fmt: skip
    expected = [
        r"Training tiny.py; checkpoints go to work_dirs/tiny, the whole log to work_dirs/tiny/\d+_\d+",
        r"The training shows none of the corruptions of the tests\.?",
        r"iteration 2/4  loss [\d.]+  lr [\d.e+-]+  eta 0:00:\d\d",
        r"iteration 4/4  loss [\d.]+  lr [\d.e+-]+  eta 0:00:00",
        r"Saving checkpoint at 4 iterations",
        r"validation 2/2  eta 0:00:00",
        r"validation: aAcc [\d.]+ %  mIoU [\d.]+ %  mAcc [\d.]+ %",
    ]
    assert len(err) == len(expected), err
    for line, pattern in zip(err, expected, strict=True):
        assert re.fullmatch(pattern, line), line
    for words in CHATTER:
        assert words in log


@pytest.mark.usefixtures("trained")
def test_a_test_gives_its_scores_on_the_standard_output(run):
    out, err, log = run("test", "tiny.py", "work_dirs/tiny/iter_4.pth")
    assert re.fullmatch(r"aAcc [\d.]+ %  mIoU [\d.]+ %  mAcc [\d.]+ %", out[-1])
    assert "|     Class     |" in "".join(out)
    assert [line.split()[0] for line in err] == ["Testing", "Load", "test", "test"]
    assert "Config:" in log
    out, err, _ = run("test", "tiny.py", "work_dirs/tiny/iter_4.pth", "--quiet")
    assert (len(out), err) == (1, [])
    out, err, _ = run("test", "tiny.py", "work_dirs/tiny/iter_4.pth", "-v")
    assert len(out) == 1
    assert {"Config:", "System environment:"} <= {line.rpartition(" - ")[2].strip() for line in err}


@pytest.mark.usefixtures("trained")
def test_a_judgement(run):
    out, err, log = run("judge", "tiny.py", "work_dirs/tiny/iter_4.pth", "--corruptions", "fog", "--severities", "1")
    assert out[0] == "Results: work_dirs/tiny/robustness.jsonl"
    assert out[-1] == "  mmfan report work_dirs/tiny/robustness.jsonl"
    assert sum(line.startswith("|") for line in out) == 3
    assert err[3] == "the model computes in float32"
    assert err[4].startswith("[1/2] clean: mIoU ")
    assert " %, " in err[4]
    assert len(err) == 8
    assert "Config:" in log


@pytest.mark.usefixtures("trained")
def test_pictures(run):
    out, err, _ = run("infer", "tiny.py", "work_dirs/tiny/iter_4.pth", "data/leftImg8bit/val/town")
    assert all(re.fullmatch(r"data/\S+ -> work_dirs/predictions/\S+\.png", line) for line in out)
    assert out
    assert err == []
