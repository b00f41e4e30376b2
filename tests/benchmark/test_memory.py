"""The memory meter against allocations of known size."""

import os
from functools import partial

import numpy as np
import pytest
from helpers.memory_work import holding, leaving_holes

from mmfan.benchmark import memory
from mmfan.benchmark.memory import MemoryNotMeasurableError, measure_memory, read_status

MB = 1_000_000
linux = pytest.mark.skipif(not memory.STATUS.exists(), reason="reads Linux's counters")

# `build` must be importable in the fresh process: partial(partial, f, x)() is the work f(x) of a library's function f.


@linux
@pytest.mark.process
@pytest.mark.slow
def test_a_known_allocation_is_seen() -> None:
    use = measure_memory(partial(partial, np.ones, 25 * MB))  # float64: 200 MB
    assert use.above_start == pytest.approx(200 * MB, rel=0.1)
    assert 5 * MB < use.start < 2000 * MB


@linux
@pytest.mark.process
@pytest.mark.slow
def test_what_was_built_before_does_not_count_and_what_was_freed_does() -> None:
    # The array of 200 MB was there before; the comparison that the work makes of it takes 25 MB.
    held = measure_memory(partial(holding, 25 * MB))
    assert held.start > 200 * MB
    assert held.above_start == pytest.approx(25 * MB, rel=0.2)


@linux
@pytest.mark.process
@pytest.mark.slow
def test_holes_in_the_heap_do_not_count() -> None:
    assert measure_memory(partial(leaving_holes, 12 * MB)).above_start == pytest.approx(96 * MB, rel=0.1)


@linux
@pytest.mark.process
def test_a_killed_process_is_told() -> None:
    with pytest.raises(MemoryError, match="was killed"):
        measure_memory(partial(partial, os._exit, 9))


def test_fields_and_missing_system(tmp_path, monkeypatch) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nVmHWM:\t    12 kB\n")
    monkeypatch.setattr(memory, "STATUS", status)
    assert read_status("VmHWM") == 12 * 1024
    with pytest.raises(MemoryNotMeasurableError, match="no field VmRSS"):
        read_status("VmRSS")
    status.unlink()
    with pytest.raises(MemoryNotMeasurableError, match="only Linux"):
        read_status("VmHWM")


@linux
@pytest.mark.process
@pytest.mark.slow
def test_errors_of_the_work_come_through() -> None:
    with pytest.raises(ValueError, match="negative dimensions"):
        measure_memory(partial(partial, np.ones, -1))
