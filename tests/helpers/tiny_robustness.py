"""Judging the tiny segmentor: a few pictures, a few cells, in this process or in others that are quick to start."""

import multiprocessing
import os
from pathlib import Path

from helpers.plain_configs import any_config, leave_plain
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

leave_plain()  # in the processes that are quick to start, too
PROTOCOL = {"corruptions": ["contrast", "gaussian_noise"], "severities": [2, 5]}
CELLS = [("clean", 0), ("contrast", 2), ("contrast", 5), ("gaussian_noise", 2), ("gaussian_noise", 5)]


def write_parts(folder: Path, pictures: int = 3, more: str = "") -> tuple[Path, Path]:
    """Tree, config and checkpoint; returns the paths of the last two."""
    folder.mkdir(parents=True, exist_ok=True)
    config = write_config(folder / "tiny.py", write_tree(folder / "data", train=2, val=pictures), more)
    return config, write_checkpoint(folder / "tiny.pth", config)


def make_runner(config, checkpoint, work_dir, options=None, launcher="none", tta=False, workers=0, **loop):
    """A Runner whose test is the loop."""
    from mmfan.apis import build_runner, load_config
    from mmfan.apis.robustness import judged_config

    cfg = judged_config(load_config(config, options), workers=workers, **{"protocol": PROTOCOL, **loop})
    with any_config():
        return build_runner(cfg, work_dir=work_dir, checkpoint=checkpoint, launcher=launcher, tta=tta)


def judge(config, checkpoint, results, **more):
    """Judge; returns the scores of the loop and its records by cell."""
    from mmfan.evaluation.results.store import ResultsStore, key_of

    runner = make_runner(config, checkpoint, Path(config).parent / "work", results=str(results), **more)
    with any_config():
        scores = runner.test()
    return scores, {tuple(key_of(record)[1]): record for record in ResultsStore(results).records()}


def judge_as_rank(rank, ranks, port, arguments, keywords):
    """Judge as one of several processes that join with gloo; for a process of its own."""
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": "-1",
    }  # fmt: skip
    judge(*arguments, launcher="pytorch", **keywords)


def quick_processes():
    """Start processes from a server that has imported everything: seconds less for each."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["helpers.tiny_robustness", "mmfan.apis.robustness", "mmseg.models", "mmseg.datasets"]
    )
    return context
