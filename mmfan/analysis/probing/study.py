"""Study of the depths of one model: probes fitted to clean pictures, judged on clean and on corrupted ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmfan.analysis.probing.depths import depths_of
from mmfan.analysis.probing.fitted import fit, read_fitted, write_fitted
from mmfan.analysis.probing.task import Scores, Task
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.results.line_store import LineStore
from mmfan.models.taps import Tap, describe_taps
from mmfan.utils.progress import ProgressLine


def study(
    task: Task,
    blocks: Sequence[Tap],
    cells: Sequence[Cell],
    decay: float,
    key: str,
    out: Path,
    progress: Callable[[str], ProgressLine],
) -> dict[str, Any]:
    """Scores of each depth.

    What is done is kept in ``depth.jsonl`` and ``depth_KEY.npz`` of the folder: the same study goes on there.

    Args:
        task: What is read, and of what.
        blocks: Of the model.
        cells: Corruptions.
        decay: Of the linear probes.
        key: What the scores depend on, as a short text.
        out: The folder.
        progress: Of a name for the part to what is told how far it is.
    """
    depths = depths_of(blocks)
    store, kept = LineStore(out / "depth.jsonl", key, "cell"), out / f"depth_{key}.npz"
    done = dict(store.read(lambda entry: _scores(entry, len(depths), task.readouts)))
    fitted = None
    for cell in (CLEAN, *cells):
        if cell in done:
            continue
        if fitted is None:
            fitted = read_fitted(kept, key, len(depths), len(blocks) if "knn" in task.readouts else 0)
        if fitted is None:
            fitted = fit(task, depths, decay, progress("probes"))
            write_fitted(kept, key, fitted)
        done[cell] = task.judge(cell, depths, *fitted)
        store.append(corruption=cell.corruption, severity=cell.severity, scores=done[cell])
    return {
        "metric": task.metric,
        **describe_taps(blocks),
        "depths": [depth.name for depth in depths],
        "widths": [sum(blocks[place].width for place in depth.places) for depth in depths],
        "cells": [str(cell) for cell in cells],
        "readouts": {readout: _summary(readout, done, cells) for readout in task.readouts},
    }


def _summary(readout: str, done: dict[Cell, Scores], cells: Sequence[Cell]) -> dict[str, Any]:
    clean = done[CLEAN][readout]
    by_cell = {str(cell): done[cell][readout] for cell in cells}
    corrupted = [float(np.mean(scores)) for scores in zip(*by_cell.values(), strict=True)]
    return {
        "clean": clean,
        "cells": by_cell,
        "corrupted": corrupted,
        "retention": [one / whole if whole else None for one, whole in zip(corrupted, clean, strict=True)],
    }


def _scores(entry: dict[str, Any], depths: int, readouts: Sequence[str]) -> tuple[Cell, Scores]:
    """Cell and scores of a line.

    Raises:
        ValueError, LookupError, TypeError: It is no such line.
    """
    found = {readout: [float(score) for score in entry["scores"][readout]] for readout in readouts}
    if any(len(scores) != depths for scores in found.values()):
        raise ValueError("scores of other depths")
    return Cell(str(entry["corruption"]), int(entry["severity"])), found
