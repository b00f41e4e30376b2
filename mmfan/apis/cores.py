"""Cores shared by a model's threads and the processes that load its pictures: together no more than there are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.device import get_device

from mmfan.utils.resources import share_of_cores

# A quarter of the cores loads while the rest computes: a model on a CPU takes many times as long as its pictures, and
# threads that share a core with a loading process hold all the others up.
LOADING_SHARE = 4


class Shared(NamedTuple):
    """Who gets how many cores.

    Attributes:
        workers: Loading processes.
        threads: Of the model; None leaves them as they are.
    """

    workers: int
    threads: int | None


def shared_cores(wanted: int, cores: int, threads: int | None, on_cpu: bool) -> Shared:
    """Loading processes and threads that fit into the cores.

    Args:
        wanted: Loading processes of the config.
        cores: That this process may use.
        threads: That the user asked for (``OMP_NUM_THREADS``); None for nothing said.
        on_cpu: The model computes on the CPU.

    >>> shared_cores(4, 2, None, on_cpu=True), shared_cores(4, 16, None, on_cpu=True)
    (Shared(workers=0, threads=2), Shared(workers=4, threads=12))
    >>> shared_cores(4, 16, None, on_cpu=False), shared_cores(4, 2, 1, on_cpu=True)
    (Shared(workers=4, threads=12), Shared(workers=1, threads=None))
    """
    if threads is not None:
        return Shared(min(wanted, max(0, cores - threads)), None)
    workers = min(wanted, cores // LOADING_SHARE if on_cpu else cores - 1)
    return Shared(workers, max(1, cores - workers))


def fit_to_cores(cfg: Config, loaders: Sequence[str], words: Sequence[str] = (), asked: bool = False) -> str:
    """Make loading processes and model threads fit into the cores of this process; for commands.

    What the user says stands: ``OMP_NUM_THREADS`` as the threads, and the number of loading processes on the command
    line, beside which the threads stay what torch makes them. A config's number is the most that there will be.

    Args:
        cfg: It is changed.
        loaders: ``'train_dataloader'``, ..., as far as the config has them.
        words: ``KEY=VALUE`` of the command line.
        asked: The number of loading processes was asked for in another way.

    Returns:
        A line on what was changed; empty where nothing was.
    """
    held = {name: cfg[name] for name in loaders if isinstance(cfg.get(name), Mapping)}
    if asked or any(_says_workers(word, name) for word in words for name in held):
        return ""
    cores, on_cpu = share_of_cores(os.environ), get_device() == "cpu"
    told: dict[str, int] = {}
    for name, loader in held.items():
        wanted = int(loader.get("num_workers", 0))
        workers, threads = shared_cores(wanted, cores, threads_asked(os.environ), on_cpu)
        if workers < wanted:
            told[name] = loader["num_workers"] = workers
        if threads is not None and threads < torch.get_num_threads():
            torch.set_num_threads(threads)
    if not told:
        return ""
    listed = ", ".join(f"{name}.num_workers={workers}" for name, workers in told.items())
    count = torch.get_num_threads()
    return f"For {cores} core{'s' * (cores > 1)} and {count} thread{'s' * (count > 1)} of the model: {listed}"


def _says_workers(word: str, loader: str) -> bool:
    key: Any = word.partition("=")[0]
    return key in (loader, f"{loader}.num_workers")


def threads_asked(environment: Mapping[str, str]) -> int | None:
    """Threads that ``OMP_NUM_THREADS`` asks for; None where it does not.

    >>> threads_asked({"OMP_NUM_THREADS": "4,2"}), threads_asked({})
    (4, None)
    """
    first = environment.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None
