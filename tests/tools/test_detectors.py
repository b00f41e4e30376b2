"""tools/train.py, test.py and infer.py with a detector: resumed, in mixed precision, on two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

pytest.importorskip("mmdet")
from helpers.tiny_mask_rcnn import SIZE, write_coco_tree, write_detector_checkpoint, write_detector_config
from helpers.tiny_segmentor import run_tool

from mmfan.apis import build_runner, load_config

pytestmark = pytest.mark.slow

TOOLS = Path(__file__).parents[2] / "tools"
HOOK = """
custom_imports = dict(imports=["weights_of_ranks"])
custom_hooks = [dict(type="WeightsOfRanks")]
"""
SAVER = """
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class WeightsOfRanks(Hook):
    def after_train(self, runner):
        torch.save(dict(runner.model.module.named_parameters()), f"{runner.work_dir}/rank_{runner.rank}.pth")
"""


def start(command, **environment):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", **environment}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_coco_tree(tmp_path_factory.mktemp("coco") / "data")


@pytest.mark.process
def test_two_processes_without_a_gpu_end_with_the_same_weights(tree, tmp_path):
    (tmp_path / "weights_of_ranks.py").write_text(SAVER)
    config = write_detector_config(tmp_path / "tiny.py", tree, HOOK)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0"]
    done = start(
        [*torchrun, "--standalone", TOOLS / "train.py", config, "--launcher", "pytorch", "--work-dir", tmp_path / "w",
         "--cfg-options", "train_cfg.max_iters=2", "train_cfg.val_interval=2"],
        PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "validation: coco/bbox_mAP " in done.stdout + done.stderr
    first, second = (torch.load(tmp_path / "w" / f"rank_{rank}.pth") for rank in (0, 1))
    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name


def train(config, work_dir, iterations, **more):
    options = {"train_cfg.max_iters": iterations, "train_cfg.val_interval": 100}
    runner = build_runner(load_config(config, options), work_dir=work_dir, **more)
    runner.train()
    return runner


@pytest.mark.process
def test_resumed(tree, tmp_path):
    """Sampling of regions is random, so the weights differ; iteration, schedule and optimiser continue."""
    config = write_detector_config(tmp_path / "tiny.py", tree)
    train(config, tmp_path / "w", 2)
    runner = train(config, tmp_path / "w", 4, resume=True)
    assert runner.iter == 4
    assert (tmp_path / "w" / "iter_4.pth").is_file()
    steps = {int(state["step"]) for state in runner.optim_wrapper.optimizer.state.values()}
    assert steps == {4}


@pytest.mark.process
def test_mixed_precision(tree, tmp_path):
    config = write_detector_config(tmp_path / "tiny.py", tree)
    runner = train(config, tmp_path / "w", 2, amp=True)
    assert type(runner.optim_wrapper).__name__ == "CPUAmpOptimWrapper"
    losses = runner.message_hub.get_scalar("train/loss").data[0]
    assert len(losses) == 2
    assert all(loss == loss for loss in losses)  # no NaN
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in runner.model.parameters())


@pytest.mark.process
def test_infer_draws_objects(tree, tmp_path):
    config = write_detector_config(tmp_path / "tiny.py", tree)
    checkpoint = write_detector_checkpoint(tmp_path / "tiny.pth", config)
    done = start(
        [sys.executable, TOOLS / "infer.py", config, checkpoint, tree / "val2017", "--labels", "--score-thr", 0,
         "--out-dir", tmp_path / "o"]
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    names = [path.stem for path in sorted((tree / "val2017").iterdir())]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == sorted(
        [f"{name}.png" for name in names] + [f"{name}.json" for name in names]
    )
    assert cv2.imread(str(tmp_path / "o" / f"{names[0]}.png")).shape == (4 * SIZE[0], 4 * SIZE[1], 3)
    entries = json.loads((tmp_path / "o" / f"{names[0]}.json").read_text())
    assert set(entries[0]) == {"image_id", "category_id", "category_name", "bbox", "score", "segmentation"}


@pytest.mark.process
def test_missing_annotations_end_with_one_message(tmp_path, monkeypatch, capsys):
    config = write_detector_config(tmp_path / "tiny.py", tmp_path / "nowhere")
    assert run_tool(monkeypatch, "train.py", config, "--work-dir", tmp_path / "w") == 1
    message = capsys.readouterr().err
    assert "train.py: error: The annotation file" in message
    assert "nowhere/annotations/instances_train2017.json (`ann_file`) does not exist" in message


def test_a_wrong_score(monkeypatch, capsys):
    assert run_tool(monkeypatch, "infer.py", "config.py", "model.pth", "a.png", "--score-thr", 30) == 2
    assert "argument --score-thr: expected a number from 0 to 1, got '30" in capsys.readouterr().err


@pytest.mark.process
def test_a_segmentor_s_checkpoint(tree, tmp_path, monkeypatch, capsys):
    config = write_detector_config(tmp_path / "tiny.py", tree)
    torch.save({"state_dict": {"decode_head.w": torch.zeros(1), "backbone.w": torch.zeros(1)}}, tmp_path / "seg.pth")
    assert run_tool(monkeypatch, "test.py", config, tmp_path / "seg.pth", "--work-dir", tmp_path / "w") == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("test.py: error: ")
    assert "The file holds backbone, decode_head; the model is made of backbone, neck, roi_head, rpn_head." in message
