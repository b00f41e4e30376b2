"""The machine a figure was measured on: without it a time means nothing."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What goes beside every figure.

    Attributes:
        processor: Model name of the CPU.
        cores: Logical cores this process may use.
        threads: Threads that torch uses.
        memory_gib: Main memory, in GiB; 0 where the system does not tell.
        gpu: Model name of the GPU, or none.
        torch: Version.
        python: Version.
        system: Name of the operating system and machine type.
    """

    processor: str
    cores: int
    threads: int
    memory_gib: float
    gpu: str | None
    torch: str
    python: str
    system: str

    def __str__(self) -> str:
        gpu = f"{self.gpu}, " if self.gpu else ""
        memory = f", {self.memory_gib:.0f} GiB" if self.memory_gib else ""
        return (
            f"{gpu}{self.processor}, {self.cores} cores ({self.threads} threads){memory}, torch {self.torch}, "
            f"Python {self.python}, {self.system}"
        )


def describe_machine(device: str = "cpu") -> Machine:
    """This machine, as seen by this process."""
    import torch  # here, so that the functions below can be used without it

    return Machine(
        processor=processor_name(),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        memory_gib=memory_gib(),
        gpu=torch.cuda.get_device_name() if device == "cuda" else None,
        torch=torch.__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
    )


def usable_cores() -> int:
    """Logical cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The model name of the CPU, or what the platform module knows of it."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def memory_gib() -> float:
    """Main memory, in GiB; 0 where the system does not tell."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0.0
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
