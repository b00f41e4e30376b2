"""Estimate of how long judging a model will take, from a few pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions import passes_of
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop


@dataclass(frozen=True)
class Pace:
    """Seconds a picture.

    Attributes:
        forward: Of the model and the metric.
        prepare: Of reading the picture and the steps of the pipeline.
        corrupt: Of each type, at its highest severity.
    """

    forward: float
    prepare: float
    corrupt: Mapping[str, float] = field(default_factory=dict)


def estimate_seconds(
    pace: Pace,
    cells: Iterable[Cell],
    pictures: int,
    workers: int,
    ranks: int = 1,
    others: Mapping[Cell, int] | None = None,
) -> float:
    """How long cells will take.

    Pictures are made ready by the loading processes while the model computes, so that the slower of the two counts;
    without loading processes one waits for the other.

    Args:
        pace: Measured.
        cells: What is to be judged.
        pictures: Number of pictures of the set.
        workers: Loading processes of each rank.
        ranks: Processes that share the pictures.
        others: Cell -> number of its pictures, where it is of other ones.

    >>> estimate_seconds(Pace(0.5, 0.1, {"fog": 0.9}), [Cell("clean", 0), Cell("fog", 1)], 10, workers=1)
    15.0
    """
    seconds = 0.0
    for cell in cells:
        ready = pace.prepare + pace.corrupt.get(cell.pictures.corruption, 0.0)
        forward = pace.forward * passes_of(cell)
        each = max(forward, ready / workers) if workers else forward + ready
        seconds += each * -(-(others or {}).get(cell, pictures) // ranks)
    return seconds


@torch.no_grad()
def measure_pace(loop: RobustnessLoop, pictures: int = 3) -> Pace:
    """Take a few pictures through a loop whose model has its weights; nothing is kept.

    Each step is done twice at least and its fastest time counts: the first pass compiles and fills caches.
    """
    loader = loop.dataloader
    dataset, model = loader.dataset, loop.runner.model
    model.eval()
    forward, prepare = [], []
    with loop.computing.prepared():
        for number in (loop.chosen.numbers * 2)[: max(2, pictures)]:
            note, sample = dataset[0, number]
            prepare.append(note.load + note.other)
            [(_, batch)] = loader.collate_fn([(note, sample)])
            start = time.perf_counter()
            outputs = loop.computing.forward(model.test_step, batch)
            loop.evaluator.process(data_samples=outputs, data_batch=batch)
            loop.computing.wait()
            forward.append(time.perf_counter() - start)
    loop.evaluator.forget()
    corruptions = [cell.pictures for cell in loop.cells]
    highest = {cell.corruption: number for number, cell in enumerate(corruptions) if cell != CLEAN}
    first = loop.chosen.numbers[0]
    corrupt = {name: min(dataset[number, first][0].corrupt for _ in range(2)) for name, number in highest.items()}
    return Pace(min(forward), min(prepare), corrupt)
