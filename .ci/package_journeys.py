"""What a user of the package does, command by command, in an empty folder: with no framework, and with either family.

Each step says how it ends and what it prints; ``walk`` goes through them. `.ci/check_package.py` walks in clean
environments, a test in the one that it runs in.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

# words of a command line -> exit status, and what was printed
Run = Callable[[list[str]], tuple[int, str]]


class Step(NamedTuple):
    """One command line.

    Attributes:
        line: Words after ``mmfan``; after ``python:``, Python code.
        says: A pattern that is found in what it prints.
        status: The exit status; with one that is not 0, what is printed must be a message, not a traceback.
        makes: A pattern of files that are there afterwards.
    """

    line: str
    says: str = ""
    status: int = 0
    makes: str = ""


class StepFailedError(Exception):
    """A step ended otherwise than it should."""


def walk(steps: Iterable[Step], run: Run, folder: Path) -> None:
    """Go through the steps in ``folder``, which ``run`` works in.

    Raises:
        StepFailedError: One ended otherwise than it should; the message has what it printed.
    """
    for step in steps:
        is_python = step.line.startswith("python:")
        words = ["python", "-c", step.line[7:]] if is_python else ["mmfan", *shlex.split(step.line)]
        status, printed = run(words)
        wrong = [f"status {status}, expected {step.status}"] if status != step.status else []
        wrong += [] if re.search(step.says, printed) else [f"does not say {step.says!r}"]
        wrong += [f"there is no {step.makes}"] if step.makes and not any(folder.glob(step.makes)) else []
        wrong += ["a traceback"] if "Traceback (most recent" in printed else []
        if wrong:
            raise StepFailedError(f"`{step.line}`: {'; '.join(wrong)}\n{printed[-3000:]}")


# A results file as somebody writes it by hand: 0.8 of whose accuracy is lost where?
RESULTS = [
    {"model": "fan-t", "dataset": "cityscapes", "corruption": "clean", "severity": 0, "metrics": {"mIoU": 0.8}},
    {"model": "fan-t", "dataset": "cityscapes", "corruption": "fog", "severity": 1, "metrics": {"mIoU": 0.6}},
    {"model": "fan-t", "dataset": "cityscapes", "corruption": "fog", "severity": 3, "metrics": {"mIoU": 0.4}},
]
READ_REPORT = """python:
import json
summary = json.load(open("report.json"))
text = json.dumps(summary)
assert '"retention": 0.625' in text, text  # (0.6 + 0.4) / 2 / 0.8
"""
PARTS_WITHOUT_FRAMEWORK = """python:
import sys
import numpy as np
import mmfan
from mmfan.corruptions import corrupt, picture_seed
from mmfan.evaluation import PROTOCOLS, ResultsStore, Summary, get_protocol, read_runs, summarize
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.report import build_report

assert len(get_protocol("kamann16").cells) == 72
picture = np.zeros((32, 32, 3), np.uint8)
assert corrupt(picture, "brightness", 1, picture_seed(0, "a.png", "brightness", 1)).mean() > 20
scores = scores_of_counts(np.array([[[3, 1, 0], [4, 0, 1]]]))  # IoU 3/4 and 4/5
assert abs(scores.metrics["mIoU"] - 0.775) < 1e-12, scores
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"torch", "mmengine", "mmcv", "mmseg", "mmdet"}, loaded
"""
JUDGE_A_FUNCTION = """python:
import sys
import numpy as np
from mmfan import CocoData, SegmentationData, judge

def predict(rgb):
    return np.where(rgb[..., 2] > 150, 10, 0)  # sky, else road

protocol = {"corruptions": ["contrast"], "severities": [1, 5]}
data = SegmentationData.cityscapes("data/mini")
result = judge(predict, data, protocol, results="function.jsonl", name="mine", workers=0, verbose=False)
assert 0 < result.corrupted < result.clean < 1, result
assert result.retention == result.corrupted / result.clean
result.report("function.html")
assert len(CocoData("data/coco/val2017", "data/coco/annotations/instances_val2017.json", masks=True)) == 2
assert not {"torch", "mmengine", "mmcv"} & set(sys.modules)
"""
_NEEDS_MORE = r"\Ammfan [\w -]+: error: .*(torch|mmengine).* not installed.*pip install.*\n\Z"
_TINY = "--train 1 --val 2 --size 256 128 --workers 1"
_CELLS = "--corruptions contrast jpeg_compression --severities 1 3 --workers 1"
_PICTURE = "data/mini/leftImg8bit/val/falkenrode/falkenrode_000000_000019_leftImg8bit.png"
_OF_A_FRAMEWORK = (
    "train fan_segformer_mini",
    "train fan_segformer_mini --cfg-options max_iters=1",
    "test fan_segformer_mini x.pth",
    "judge fan_segformer_mini x.pth",
    f"infer fan_segformer_mini x.pth {_PICTURE}",
    "infer --compare fan_segformer_mini x.pth --out compared.png",
    "analyze spectrum fan_segformer_mini x.pth",
    "convert x.pth y.pth",
    "bench",
    "bench detection",
)

WITHOUT_FRAMEWORK = [
    Step("--version", r"mmfan \d"),
    Step("env", r"torch +-\n(.*\n)*OpenMMLab family +none"),
    Step("env --json", '"family": "none"'),
    Step("configs", "fan_segformer_mini"),
    Step("configs --copy fan_segformer_mini .", makes="fan_segformer_mini.py"),
    Step(f"mini cityscapes data/mini {_TINY}", makes="data/mini/gtFine/val/*/*_labelTrainIds.png"),
    Step(f"mini coco data/coco {_TINY}", makes="data/coco/annotations/*val*.json"),
    Step("prepare cityscapes data/mini --splits train val --expected train=1 val=2", makes="data/mini"),
    Step("prepare camvid data/mini data/camvid", "No CamVid found in .*data/mini", 2),
    Step(f"corrupt data/mini data/mini_c {_CELLS}", "complete: 4 of 4 corruptions x severities"),
    Step("corrupt data/mini data/mini_c --verify", "8 files as in the manifests, 0 problems"),
    Step(f"corrupt --sheet {_PICTURE} --corruptions contrast jpeg_compression --out sheet.png", makes="sheet.png"),
    Step("report results.jsonl --protocol recorded --format json --out report.json", makes="report.json"),
    Step(READ_REPORT),
    Step("report results.jsonl --protocol recorded --format html --out report.html --plots plots", makes="plots/*"),
    Step(PARTS_WITHOUT_FRAMEWORK),
    Step(JUDGE_A_FUNCTION, makes="function.html"),
    Step("report function.jsonl", "mine"),
    *(Step(line, _NEEDS_MORE, 2) for line in _OF_A_FRAMEWORK),
]
WITHOUT_FROST = [Step("corrupt data/mini data/mini_f --corruptions frost", "--no-deps imagecorruptions-imaug", 2)]
WITH_FROST = [Step("corrupt data/mini data/mini_f --corruptions frost fog --severities 5", "complete: 2 of 2")]

# one iteration, in the process itself
_ONCE = (
    "--cfg-options train_cfg.max_iters=1 train_cfg.val_interval=2 default_hooks.checkpoint.interval=1 "
    "train_dataloader.num_workers=0 train_dataloader.persistent_workers=False"
)
_TWO_CELLS = (
    "--limit 1 --corruptions contrast --severities 1 --workers 0 --cfg-options test_dataloader.persistent_workers=False"
)
_STREETS, _OBJECTS = "work_dirs/fan_segformer_mini", "work_dirs/fan_mask_rcnn_mini"

SEGMENTATION = [
    Step("env", r"mmseg +\d"),
    Step("mini cityscapes data/mini_cityscapes --train 4 --val 2 --size 256 128 --workers 1"),
    Step(f"train fan_segformer_mini {_ONCE}", makes=f"{_STREETS}/iter_1.pth"),
    Step(f"test fan_segformer_mini {_STREETS}/iter_1.pth", "mIoU"),
    Step(f"judge fan_segformer_mini {_STREETS}/iter_1.pth {_TWO_CELLS}", makes=f"{_STREETS}/robustness.jsonl"),
    Step(f"report {_STREETS}/robustness.jsonl --protocol recorded --format html --out r.html", makes="r.html"),
    Step(f"infer fan_segformer_mini {_STREETS}/iter_1.pth data/mini_cityscapes/leftImg8bit/val/falkenrode --out seen"),
]
DETECTION = [
    Step("env", r"mmcv operators +compiled: yes"),
    Step("mini coco data/mini_coco --train 4 --val 2 --workers 1"),
    Step(f"train fan_mask_rcnn_mini {_ONCE}", "bbox_mAP", makes=f"{_OBJECTS}/iter_1.pth"),
    # after one iteration it finds nothing, and mmfan says what that makes of retention
    Step(f"judge fan_mask_rcnn_mini {_OBJECTS}/iter_1.pth {_TWO_CELLS}", "has the score 0 .* there is no retention"),
    Step(f"python:assert len(open('{_OBJECTS}/robustness.jsonl').readlines()) == 2"),
]
WITHOUT_MMDET = [Step("train fan_mask_rcnn_mini", r"`mmdet`, which is not installed\. .*pip install", 2)]
ONE_OPENCV = Step("python:import mmfan.environment as e; assert e.opencv_problem() is None")


def write_results(folder: Path) -> None:
    """Write ``results.jsonl``, by hand as it were."""
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in RESULTS), encoding="utf-8")
