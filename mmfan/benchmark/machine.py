"""The machine that a figure was measured on: without it a time means nothing."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from mmfan.utils.resources import cores
from mmfan.utils.text import counted
from mmfan.utils.versions import memory_gib, processor, versions


@dataclass(frozen=True)
class Machine:
    """What goes beside every figure.

    Attributes:
        processor: Model name of the CPU.
        cores: Logical cores this process may use.
        threads: Threads that the work uses.
        memory_gib: Main memory, in GiB; 0 where the system does not tell.
        gpu: Model name of the GPU, or none.
        system: Name of the operating system and machine type.
        versions: Of what takes part, by name.
    """

    processor: str
    cores: int
    threads: int
    memory_gib: float
    gpu: str | None
    system: str
    versions: Mapping[str, str]

    def __str__(self) -> str:
        parts = [self.gpu] if self.gpu else []
        parts += [self.processor, f"{self.cores} cores ({counted(self.threads, 'thread')})"]
        parts += [f"{self.memory_gib:.0f} GiB"] if self.memory_gib else []
        return ", ".join([*parts, *(f"{name} {version}" for name, version in self.versions.items()), self.system])


def describe_machine(threads: int, packages: Mapping[str, str], gpu: str | None = None) -> Machine:
    """This machine, as seen by this process; see :class:`Machine`."""
    system = f"{platform.system()} {platform.machine()}"
    return Machine(processor(), cores(), threads, memory_gib(), gpu, system, packages)


def describe_torch_machine(device: str) -> Machine:
    """This machine, for work that torch does on ``'cpu'`` or ``'cuda'`` with the threads it is set to."""
    import torch  # here, so that the corruptions can be measured without it

    gpu = torch.cuda.get_device_name() if device == "cuda" else None
    return describe_machine(torch.get_num_threads(), versions("torch"), gpu)
