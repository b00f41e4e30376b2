"""Passes of a run: the stream of its batches, taken cell after cell through the model and into the evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmfan.evaluation.conditions.works import Works
from mmfan.evaluation.judging.cells import CellProgress, CellRun
from mmfan.evaluation.loop.building import building
from mmfan.evaluation.loop.computing.computing import Computing
from mmfan.evaluation.loop.cue_decisions import CueDecisions
from mmfan.evaluation.loop.flips import LoopFlips
from mmfan.evaluation.loop.loading.stream import CellBatches, SampleNote
from mmfan.evaluation.loop.shown import ShownPictures
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.dense_shape_bias import with_cues

Stream = Iterator[list[tuple[list[SampleNote], Any]]]  # batches, in parts of pictures of one size


class CellPasses:
    """What :meth:`mmfan.evaluation.judging.cells.CellRun.run` asks of a driver, for mmengine's Runner.

    Args:
        runner: With the model, and the hooks that are called around each batch.
        mode: ``'val'`` or ``'test'``.
        run: The way through the cells.
        loader: Of :func:`mmfan.evaluation.loop.loading.loader.build_sweep_loader`.
        batches: Its batches.
        computing: How the model computes.
        evaluators: Takes the number of a cell, gives its
            :class:`mmfan.evaluation.metrics.evaluator.RetentionEvaluator`.
        works: What conditions do to the model.
        shown: Writes some of the pictures; None writes none.
        flips: Counts them; None counts none.
    """

    def __init__(
        self,
        runner: Runner,
        mode: str,
        run: CellRun,
        *,
        loader: DataLoader,
        batches: CellBatches,
        computing: Computing,
        evaluators: Callable[[int], Any],
        works: Works,
        shown: ShownPictures | None,
        flips: LoopFlips | None,
    ) -> None:
        self.runner, self.mode, self.run = runner, mode, run
        self.loader, self.batches = loader, batches
        self.computing, self.evaluators = computing, evaluators
        self.works, self.shown, self.flips = works, shown, flips
        self.decisions = CueDecisions((evaluators(0).dataset_meta or {}).get("classes", ()))
        self.stream: Stream = iter(())

    def begin(self, todo: list[int]) -> None:
        """Start the stream of the cells of these numbers."""
        self.batches.cells, self.batches.skipped = todo, set()
        self.stream = iter(self.loader) if todo else iter(())
        if todo:
            self.runner.logger.info(self.computing.told())

    def judge(self, number: int, place: int) -> CellScores | None:
        """Take the cell of a number, the so-many-th of the run, through the model.

        Returns:
            Its scores; None but in the main process.

        Raises:
            ConfigError: The evaluator of the config fails.
        """
        own: dict[str, float] = {}
        with self.works.during(self.run.cells[number], own):
            self.take(number, sum(map(self.batches.batches_of, self.batches.cells[:place])))
        with self.run.shares.measure("metric"), building("the evaluator"):
            found = self.evaluators(number).cell_scores()
        flips = None if self.flips is None else self.flips.of_all()
        decided = self.decisions.of_all()
        found = found and with_cues(found, decided, self.decisions.classes)
        return found and replace(found, metrics={**found.metrics, **own}, flips=flips)

    def skip(self, number: int) -> None:
        """Take no more of a cell that another process has judged meanwhile."""
        self.batches.skipped.add(number)

    @torch.no_grad()
    def take(self, number: int, first: int) -> None:
        """Take a cell's pictures of this process through the model and into the evaluator.

        Args:
            number: Of the cell.
            first: Number of its first batch in the run, for hooks.
        """
        mode, shares, cell = self.mode, self.run.shares, self.run.cells[number]
        batches, evaluator = self.batches.batches_of(number), self.evaluators(number)
        progress = CellProgress("batches", batches, self.runner.logger.info)
        step = partial(self.works.forward, getattr(self.runner.model, f"{mode}_step"))
        if self.flips is not None:
            self.flips.begin(number)
        for index in range(first, first + batches):
            with shares.measure("wait"):
                # those of a cell that is skipped may have been on their way already
                parts = next(parts for parts in self.stream if parts[0][0][0].cell == number)
            for notes, batch in parts:
                self.runner.call_hook(f"before_{mode}_iter", batch_idx=index, data_batch=batch)
                with shares.measure("forward"):
                    outputs = self.computing.forward(step, batch)
                with shares.measure("metric"), building("the evaluator"):
                    evaluator.process(data_samples=outputs, data_batch=batch)
                    self.decisions.take(notes, outputs)
                    if self.flips is not None:
                        self.flips.take(notes, outputs)
                if self.shown is not None:
                    with shares.measure("write"):
                        self.shown.write(cell, notes, outputs, self.works.given)
                shares.add_notes(notes)
                self.runner.call_hook(f"after_{mode}_iter", batch_idx=index, data_batch=batch, outputs=outputs)
            progress(cell, index - first + 1)
