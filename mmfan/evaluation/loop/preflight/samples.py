"""Preflight of the pipeline: one picture through every kind of change, a few label maps by what they hold."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.judging.findings import Findings
from mmfan.evaluation.judging.pictures import highest_cells


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Leave the random numbers of Python, NumPy and torch as if the block had drawn none."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def try_cells(dataset: Any, cells: Sequence[Cell], picture: int, findings: Findings) -> None:
    """Take one picture through every kind of corruption, at the highest severity asked, and the whole pipeline."""
    for number in highest_cells(cells):
        with findings.collected():
            dataset[number, picture]


def data_sample_of(sample: Any) -> Any:
    """The data sample in what a pipeline gives; with test-time augmentation that of the first form."""
    found = sample.get("data_samples") if isinstance(sample, dict) else None
    return found[0] if isinstance(found, (list, tuple)) and found else found
