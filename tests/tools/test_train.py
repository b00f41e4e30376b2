"""tools/train.py as its users start it: with torchrun on two processes, and with a mistake in the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.tiny_segmentor import run_tool, write_config, write_tree

pytestmark = [pytest.mark.process, pytest.mark.slow]

TOOL = Path(__file__).parents[2] / "tools" / "train.py"
SAVER = """
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class SaveEveryRank(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        names = [sample.img_path for sample in data_batch["data_samples"]]
        runner.message_hub.update_info("seen", runner.message_hub.runtime_info.get("seen", []) + names)

    def after_train(self, runner):
        state = {"weights": dict(runner.model.module.named_parameters()), "seen": runner.message_hub.get_info("seen")}
        state["wrapper"] = type(runner.model).__name__
        state["norms"] = sorted({type(m).__name__ for m in runner.model.modules() if "BatchNorm" in type(m).__name__})
        state["unused"] = runner.model.find_unused_parameters
        torch.save(state, f"{runner.work_dir}/rank_{runner.rank}.pth")
"""
HOOK = """
custom_imports = dict(imports=["save_every_rank"])
custom_hooks = [dict(type="SaveEveryRank")]
train_dataloader["sampler"] = dict(type="InfiniteSampler", shuffle=False)
"""


def start(command, **environment):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_two_processes_without_a_gpu_end_with_the_same_weights(tmp_path):
    (tmp_path / "save_every_rank.py").write_text(SAVER)
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"), HOOK)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0"]
    done = start(
        [*torchrun, "--standalone", str(TOOL), str(config), "--launcher", "pytorch", "--work-dir", str(tmp_path / "w"),
         "--cfg-options", "train_cfg.max_iters=3", "train_cfg.val_interval=3"],
        PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "such layers become BatchNorm" in done.stdout + done.stderr
    assert "mIoU" in done.stdout + done.stderr
    first, second = (torch.load(tmp_path / "w" / f"rank_{rank}.pth", weights_only=False) for rank in (0, 1))
    for name, weight in first["weights"].items():
        assert torch.equal(weight, second["weights"][name]), name
    # Each saw every other picture: 3 iterations x 2 pictures out of 6, over and over in order.
    numbers = [[int(Path(path).name.split("_")[1]) for path in rank["seen"]] for rank in (first, second)]
    assert numbers == [[0, 2, 4, 0, 2, 4], [1, 3, 5, 1, 3, 5]]
    assert first["wrapper"] == "MMDistributedDataParallel"
    assert first["norms"] == ["_BatchNormXd"]
    assert first["unused"] is False
    assert (tmp_path / "w" / "iter_3.pth").is_file()


def test_a_misspelt_key_ends_with_one_message(tmp_path):
    config = write_config(tmp_path / "tiny.py", tmp_path / "data")
    done = start([sys.executable, str(TOOL), str(config), "--cfg-options", "train_dataloder.batch_size=1"])
    assert done.returncode == 2
    assert done.stderr.endswith("takes none; did you mean 'train_dataloader'?\n")
    assert "train.py: error: --cfg-options train_dataloder.batch_size" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "work_dirs").exists()


def test_missing_data_end_with_their_own_message_after_the_start(tmp_path, monkeypatch, capsys):
    config = write_config(tmp_path / "no_data.py", tmp_path / "nowhere")
    assert run_tool(monkeypatch, "train.py", config, "--work-dir", tmp_path / "w") == 1
    message = capsys.readouterr().err
    assert "train.py: error: The data root" in message
    assert str(tmp_path / "nowhere") in message
