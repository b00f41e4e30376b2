"""Preflight of the pipeline: one picture through every kind of change, a few label maps by what they hold."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.loop.preflight.findings import Findings


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


def highest_cells(cells: Sequence[Cell]) -> list[int]:
    """Numbers of the cells of the highest severity of each type, without the clean one.

    >>> highest_cells([Cell("clean", 0), Cell("fog", 3), Cell("fog", 1), Cell("snow", 2)])
    [1, 3]
    """
    highest: dict[str, int] = {}
    for number, cell in enumerate(cells):
        if cell != CLEAN and cell.severity > cells[highest.setdefault(cell.corruption, number)].severity:
            highest[cell.corruption] = number
    return list(highest.values())


def try_cells(dataset: Any, cells: Sequence[Cell], picture: int, findings: Findings) -> None:
    """Take one picture through every kind of corruption, at the highest severity asked, and the whole pipeline."""
    for number in highest_cells(cells):
        with findings.collected():
            dataset[number, picture]


def data_sample_of(sample: Any) -> Any:
    """The data sample in what a pipeline gives; with test-time augmentation that of the first form."""
    found = sample.get("data_samples") if isinstance(sample, dict) else None
    return found[0] if isinstance(found, (list, tuple)) and found else found
