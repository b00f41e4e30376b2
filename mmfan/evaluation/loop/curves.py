"""Curves of robustness for the backends of mmengine's visualizer: TensorBoard, W&B, MLflow, or its own JSON lines.

Names of the scalars, for a metric M and a corruption C; all are fractions:

- ``robustness/C/S/M``: the score of a cell, at the iteration of the training (0 where a model is judged): how a cell
  rises while training goes on.
- ``robustness/C/M`` and ``robustness/C/retention/M``: score and retention over the severities of a corruption, with the
  severity for the step and the clean pictures at 0; where a model is judged.
- ``clean/M``, ``corrupted/M``, ``retention/M``: what the loop returns; while training mmengine adds them by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.results.store import Record, is_defined, key_of


class Curves:
    """Adds the scores of a run to a visualizer, cell by cell.

    Args:
        visualizer: mmengine's, with its backends.
        iteration: Of the training; 0 where a model is judged.
        over_severities: Whether to add the curves over severities, which have one step a severity.
    """

    def __init__(self, visualizer: Any, iteration: int, over_severities: bool) -> None:
        self.visualizer = visualizer
        self.iteration = iteration
        self.over_severities = over_severities
        self.clean: dict[str, float] = {}
        self.begun: set[str] = set()

    @classmethod
    def of_runner(cls, runner: Any, mode: str) -> Curves:
        """Curves of a Runner that validates (``'val'``) or tests."""
        # asking the Runner for its iteration would build the loop of a training that there is not
        iteration = getattr(runner._train_loop, "iter", 0) if mode == "val" else 0
        return cls(runner.visualizer, iteration, over_severities=mode == "test")

    def add(self, record: Record) -> None:
        """Add the scores of a cell; those of the clean pictures come first.

        Args:
            record: Of the results file; scores that are not defined are left out.
        """
        cell = key_of(record)[1]
        scores = {name: value for name, value in record["metrics"].items() if is_defined(value)}
        self._add({f"robustness/{cell.corruption}/{cell.severity}/{name}": value for name, value in scores.items()})
        if cell == CLEAN:
            self.clean = scores
        elif self.over_severities:
            if cell.corruption not in self.begun:
                self.begun.add(cell.corruption)
                self._add(self._points(cell.corruption, self.clean), step=0)
            self._add(self._points(cell.corruption, scores), step=cell.severity)

    def conclude(self, scores: Mapping[str, float]) -> None:
        """Add what a loop returns, where mmengine does not do it."""
        if self.over_severities:
            self._add(scores)

    def _points(self, corruption: str, scores: Mapping[str, float]) -> dict[str, float]:
        points = {f"robustness/{corruption}/{name}": value for name, value in scores.items()}
        return points | {
            f"robustness/{corruption}/retention/{name}": value / self.clean[name]
            for name, value in scores.items()
            if self.clean.get(name, 0) > 0
        }

    def _add(self, scalars: Mapping[str, float], step: int | None = None) -> None:
        if scalars:
            self.visualizer.add_scalars(dict(scalars), step=self.iteration if step is None else step)
