"""Costs of an iteration of an arm beside the baseline's: CPU time on one thread, the arms in turn, and memory.

All of an iteration counts: loading and changing pictures, both passes, the step of the optimiser. CPU time of the
process is little troubled by other work on the machine, as time on the clock would be. Each arm trains as ``mmfan
train`` has it, and waits for its turn after each iteration.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from mmengine.hooks import Hook

from mmfan.apis import build_runner, load_config
from mmfan.benchmark.memory import MemoryNotMeasurableError, measure_memory
from mmfan.benchmark.robust.alone import alone
from mmfan.benchmark.robust.arms import BASELINE, arm_of
from mmfan.benchmark.robust.costs_file import COSTS, joined_costs
from mmfan.benchmark.robust.evidence import LOCK
from mmfan.benchmark.robust.rows import Say
from mmfan.errors import MMFanError
from mmfan.training.recipes import apply_recipes
from mmfan.utils.files import write_whole

WARM_UP = 2  # iterations that are not counted: first uses allocate
BEGINNINGS = ("begin", "begin_iter")  # of hooks: what they cost is told of when they are at work


class EndOfMeasurementError(Exception):
    """Ends a training that was measured."""


class Turns(Hook):
    """Lets a training do one iteration at a time."""

    priority = "VERY_LOW"

    def __init__(self) -> None:
        self._go, self._done, self._ends = threading.Semaphore(0), threading.Semaphore(0), False

    def before_train(self, runner: Any) -> None:
        """Everything is built: wait for the first turn."""
        self._pause()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Wait for the next turn."""
        self._pause()

    def _pause(self) -> None:
        self._done.release()
        self._go.acquire()
        if self._ends:
            raise EndOfMeasurementError

    def ready(self, training: Future[Any]) -> None:
        """Wait until it has begun, or finished what it was let do; raises what the training failed with."""
        while not self._done.acquire(timeout=0.05):
            if training.done():
                training.result()
                raise MMFanError("The training ended before enough of its iterations were measured: it is too short.")

    def step(self, training: Future[Any]) -> float:
        """CPU seconds of one iteration."""
        start = time.process_time()
        self._go.release()
        self.ready(training)
        return time.process_time() - start

    def end(self) -> None:
        """Let the training end, wherever it waits."""
        self._ends = True
        self._go.release()


def arm_config(arm: str, config: str) -> Any:
    """The config of an arm whose plug-ins are at work from the start, loading its pictures in the same process."""
    cfg = load_config(config)
    apply_recipes(cfg, arm_of(arm).recipes)
    for hook in cfg.get("custom_hooks") or []:
        for name in BEGINNINGS:
            if name in hook:
                hook[name] = 0
    cfg.train_dataloader.num_workers = 0
    cfg.train_dataloader.persistent_workers = False
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.visualizer = None  # one by a name in the config would be shared by all trainings of this process
    return cfg


@contextmanager
def _training(arm: str, config: str, folder: Path, pool: ThreadPoolExecutor) -> Iterator[Callable[[], float]]:
    """A training that waits; calling it does an iteration and gives its CPU seconds."""
    turns = Turns()
    cfg = arm_config(arm, config)
    cfg.experiment_name = f"{arm}_{folder.name}"
    runner = build_runner(cfg, work_dir=folder / arm)
    runner.register_hook(turns)

    def train() -> None:
        torch.set_num_threads(1)
        try:
            runner.train()
        except EndOfMeasurementError:
            return

    training = pool.submit(train)
    try:
        turns.ready(training)
        yield partial(turns.step, training)
    finally:
        turns.end()


def measure_costs(arms: Sequence[str], config: str, rounds: int, say: Say) -> Iterator[dict[str, Any]]:
    """Measure arms beside the baseline, two at a time: the baseline and one, A B A B.

    Args:
        arms: Their names.
        config: What is trained.
        rounds: Iterations of each that count.
        say: Receives a line for each arm.

    Yields:
        After each arm what is known of all so far: ``config``, ``rounds``, and ``arms``: name -> ``seconds`` and
        ``memory`` as shares of the baseline's, and both as ``own_seconds`` (mean of the rounds) and ``own_bytes``.
        Memory is left out where the system does not tell it.

    Raises:
        MMFanError: There is no arm beside the baseline, or a training is too short.
    """
    others = [name for name in arms if name != BASELINE]
    if not others:
        raise MMFanError("Expected an arm beside the baseline, which costs are shares of, got none: name one (--arms).")
    torch.set_num_threads(1)
    found: dict[str, dict[str, float]] = {}
    base_bytes, base_seconds = _memory(BASELINE, config), []
    for arm in others:
        own, base = _seconds(arm, config, rounds)
        base_seconds.append(base)
        found[arm] = {"seconds": own / base, "own_seconds": own} | _shares(_memory(arm, config), base_bytes)
        say(f"{arm}: {own:.2f} s, {own / base:.3f} of the baseline's {base:.2f} s")
        found[BASELINE] = {"seconds": 1.0, "own_seconds": fmean(base_seconds)} | _shares(base_bytes, base_bytes)
        yield {"config": config, "rounds": rounds, "arms": found}


def _shares(own: int | None, base: int | None) -> dict[str, float]:
    return {"memory": own / base, "own_bytes": own} if own and base else {}


def _seconds(arm: str, config: str, rounds: int) -> tuple[float, float]:
    """Mean seconds of an arm, and of the baseline in the same rounds."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        first, second = (_training(name, config, Path(folder), pool) for name in (BASELINE, arm))
        with first as base, second as own:
            pairs = [(base(), own()) for _ in range(WARM_UP + rounds)][WARM_UP:]
    return fmean(pair[1] for pair in pairs), fmean(pair[0] for pair in pairs)


def _memory(arm: str, config: str) -> int | None:
    try:
        return measure_memory(partial(_short_training, arm, config)).above_start
    except MemoryNotMeasurableError:
        return None


def _short_training(arm: str, config: str) -> Callable[[], object]:
    """Three iterations, built; run in a process of their own."""
    torch.set_num_threads(1)
    cfg = arm_config(arm, config)
    cfg.train_cfg.max_iters = 3
    cfg.default_hooks.checkpoint = None
    runner = build_runner(cfg, work_dir=tempfile.mkdtemp(prefix="mmfan_cost_"))
    return runner.train


def write_costs(out: Path, costs: dict[str, Any]) -> None:
    """Write what was measured beside the rows; arms measured earlier with the same config stay.

    Several processes may write to one folder: one waits for another.

    Raises:
        MMFanError: The folder holds costs of another config.
    """
    with alone(out / LOCK, f"the evidence of {out}", wait=True):
        write_whole(out / COSTS, (json.dumps(joined_costs(out, costs), indent=2) + "\n").encode())
