"""Distributed runs on machines without a GPU, and the variables that each launcher sets.

mmengine selects a CUDA device before it joins the process group, so its launchers fail on a CPU-only machine. There,
mmfan joins the group itself with gloo; with a GPU everything is left to mmengine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch.distributed
from mmengine.device import get_device

from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name, torchrun_name

# launcher -> (variable that the launcher sets, name torch.distributed reads)
VARIABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "pytorch": (("RANK", "RANK"), ("WORLD_SIZE", "WORLD_SIZE"), ("LOCAL_RANK", "LOCAL_RANK")),
    "slurm": (("SLURM_PROCID", "RANK"), ("SLURM_NTASKS", "WORLD_SIZE"), ("SLURM_LOCALID", "LOCAL_RANK")),
    "mpi": (
        ("OMPI_COMM_WORLD_RANK", "RANK"),
        ("OMPI_COMM_WORLD_SIZE", "WORLD_SIZE"),
        ("OMPI_COMM_WORLD_LOCAL_RANK", "LOCAL_RANK"),
    ),
}
STARTED_BY = {
    "pytorch": f"torchrun --nproc_per_node N {torchrun_name('train')} CONFIG --launcher pytorch",
    "slurm": f"srun -n N {command_name('train')} CONFIG --launcher slurm",
    "mpi": f"mpirun -n N {command_name('train')} CONFIG --launcher mpi",
}


def has_accelerator() -> bool:
    """Whether mmengine will put models on something other than the CPU."""
    return get_device() != "cpu"


def rank_variables(launcher: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that ``torch.distributed`` reads, from those that a launcher sets.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        environment: Usually ``os.environ``.

    Returns:
        ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``MASTER_ADDR`` and ``MASTER_PORT``.

    Raises:
        MMFanError: The launcher is unknown, or did not start this process.
    """
    if launcher not in VARIABLES:
        raise MMFanError(f"Expected launcher to be one of {sorted(VARIABLES)}, got {launcher!r}.")
    missing = [name for name, _ in VARIABLES[launcher] if name not in environment]
    if missing:
        raise MMFanError(
            f"launcher={launcher!r} needs the variables {', '.join(missing)}, which are not set; start the program "
            f"with `{STARTED_BY[launcher]}`."
        )
    found = {name: environment[source] for source, name in VARIABLES[launcher]}
    found["MASTER_PORT"] = environment.get("MASTER_PORT", "29500")
    found["MASTER_ADDR"] = environment.get("MASTER_ADDR", "127.0.0.1")
    if "MASTER_ADDR" not in environment and int(environment.get("SLURM_NNODES", "1")) > 1:
        raise MMFanError("Runs over several nodes without a GPU need the variable MASTER_ADDR: the first node's name.")
    return found


def join_cpu_group(launcher: str, timeout: float | None = None) -> None:
    """Join the process group with gloo, and set the variables mmengine reads.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        timeout: Seconds after which a collective operation that waits for another rank fails; None for torch's own.

    Raises:
        MMFanError: See :func:`rank_variables`.
    """
    os.environ.update(rank_variables(launcher, os.environ))
    if not torch.distributed.is_initialized():
        # torch 2.1 takes no None
        limit: dict[str, Any] = {} if timeout is None else {"timeout": timedelta(seconds=timeout)}
        torch.distributed.init_process_group(backend="gloo", **limit)
