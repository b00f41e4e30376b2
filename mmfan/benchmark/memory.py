"""Peak memory of one piece of work above what was held before it, in a process of its own.

On the CPU the kernel's counters are read (Linux only): resident size before the run, then its high-water mark, which is
reset just before. On CUDA the allocator's own counters are read.

Left to itself, glibc moves maps of up to 32 MB into its heap once one such map was freed, and the holes between them
stay resident: half of what a training step seems to take may be holes, more or fewer with the order of the calls. So
here every map of a megabyte or more goes back to the system when it is freed, and the mark is that of the work alone.
"""

import ctypes
import gc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

from mmfan.utils.processes.children import end_with_parent

M_MMAP_THRESHOLD = -3  # malloc.h: blocks of at least so many bytes are mapped one by one
MAPPED_BYTES = 2**20
STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


class MemoryNotMeasurableError(RuntimeError):
    """This system does not tell a process's peak memory."""


@dataclass(frozen=True)
class MemoryUse:
    """Memory of one run, in bytes.

    Attributes:
        start: Held before the run: program, weights, input.
        above_start: Peak during the run, less ``start``.
    """

    start: int
    above_start: int


def measure_memory(build: Callable[[], Callable[[], object]], device: str = "cpu") -> MemoryUse:
    """Build a piece of work in a fresh process and measure its one run there.

    Args:
        build: Returns the work; must be picklable (a module-level function or a ``functools.partial`` of one). What it
            allocates and keeps counts as held before the run.
        device: ``'cpu'`` or ``'cuda'``.

    Raises:
        MemoryNotMeasurableError: On a CPU system other than Linux.
        MemoryError: Where the process was killed, most likely for want of memory.
    """
    # spawn: a forked child would share the parent's pages, and CUDA does not survive a fork
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        try:
            return pool.submit(_measure_here, build, device).result()
        except BrokenProcessPool as error:
            raise MemoryError("The measured process was killed, most likely for want of memory.") from error
        except KeyboardInterrupt:
            for child in active_children():  # else it would be waited for
                child.kill()
            raise


def _measure_here(build: Callable[[], Callable[[], object]], device: str) -> MemoryUse:
    _return_large_blocks()
    work = build()
    gc.collect()
    if device == "cuda":
        return _measure_cuda(work)
    _trim()
    start = read_status("VmRSS")
    try:
        CLEAR_REFS.write_text("5")  # resets VmHWM to the present resident size
    except OSError as error:
        raise MemoryNotMeasurableError(
            f"Could not reset the high-water mark of memory through {CLEAR_REFS}."
        ) from error
    kept = work()  # kept alive until the mark is read
    peak = read_status("VmHWM")
    del kept
    return MemoryUse(start, max(0, peak - start))


def _measure_cuda(work: Callable[[], object]) -> MemoryUse:
    import torch

    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    start = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    kept = work()
    torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated()
    del kept
    return MemoryUse(start, peak - start)


def read_status(field: str) -> int:
    """A size of this process in bytes, such as ``VmRSS`` (resident now) or ``VmHWM`` (its high-water mark).

    Raises:
        MemoryNotMeasurableError: Where the system does not tell it.
    """
    try:
        lines = STATUS.read_text().splitlines()
    except OSError as error:
        raise MemoryNotMeasurableError(f"Peak memory is read from {STATUS}, which only Linux has.") from error
    for line in lines:
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024  # "  123 kB"
    raise MemoryNotMeasurableError(f"{STATUS} has no field {field}.")


def _return_large_blocks() -> None:
    """Let freed blocks of ``MAPPED_BYTES`` and more go back to the system at once, from now on (glibc only)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def _trim() -> None:
    """Give freed heap back to the system, so that it is not counted as held (glibc only; elsewhere it stays)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
