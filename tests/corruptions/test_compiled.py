"""Compiled functions where their machine code can be kept, and where it cannot."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmfan.corruptions.compiled import compiled, inlined


def test_results_and_names_are_those_of_the_function() -> None:
    @inlined
    def double(value: int) -> int:
        return 2 * value

    @compiled
    def total(values: np.ndarray) -> int:
        result = 0
        for value in values:
            result += double(value)
        return result

    assert total(np.arange(5)) == 20
    assert total.__name__ == "total"


def test_arithmetic_is_neither_fused_nor_reordered() -> None:
    @compiled
    def product_and_sum(values: np.ndarray, weight: np.float32, out: np.ndarray) -> None:
        for at in range(values.size):
            out[at] = values[at] * weight + values[at]

    values = np.random.default_rng(0).random(4096, np.float32)
    weight, out = np.float32(0.1), np.empty_like(values)
    product_and_sum(values, weight, out)
    np.testing.assert_array_equal(out, (values * weight).astype(np.float32) + values)


@pytest.mark.process
@pytest.mark.slow
def test_without_any_place_for_machine_code(tmp_path: Path) -> None:
    code = """
from numba.core import caching
caching.CacheImpl._locator_classes = []  # as where neither the package nor a home can be written to
import numpy as np
from mmfan.corruptions import corrupt
image = np.arange(40 * 40, dtype=np.uint16).astype(np.uint8).reshape(40, 40)
print(corrupt(image, "gaussian_noise", 1, 3).sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    from mmfan.corruptions import corrupt

    image = np.arange(40 * 40, dtype=np.uint16).astype(np.uint8).reshape(40, 40)
    assert int(done.stdout) == corrupt(image, "gaussian_noise", 1, 3).sum()
