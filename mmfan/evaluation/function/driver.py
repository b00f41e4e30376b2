"""The driver of judging for anything that predicts: a cell's pictures through a callable, and what comes out scored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import Situation, at_work
from mmfan.evaluation.conditions.work import FUNCTION
from mmfan.evaluation.conditions.works import Works, refuse_bare_function, working
from mmfan.evaluation.function.scoring.predictions import PredictionError
from mmfan.evaluation.function.scoring.scoring import ClassScores, LabelScores, Scores
from mmfan.evaluation.function.shown import Shown
from mmfan.evaluation.function.sources.items import Item, Ready, Unit
from mmfan.evaluation.function.sources.sources import Chosen, absent_text
from mmfan.evaluation.function.stream import Workers
from mmfan.evaluation.function.units import Units
from mmfan.evaluation.judging.cells import CellProgress
from mmfan.evaluation.judging.flip_counter import FlipCounter
from mmfan.evaluation.judging.timing import Shares
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.utils.text import counted, shortlist

Predict = Callable[..., Any]


NO_CLASS = -1  # in the place of the number of pixels that do not count


class PredictError(MMFanError, RuntimeError):
    """The callable that is judged raised an error."""


def predict_error(error: Exception, told: str, predict: Any, batch_size: int) -> PredictError:
    """What to raise from an error of the callable that is judged; ``told``: on what."""
    text = " ".join(str(error).split()) or "without a word"
    return PredictError(f"predict raised {type(error).__name__} on {told}: {text}{_advice(error, predict, batch_size)}")


def _advice(error: Exception, predict: Any, batch_size: int) -> str:
    """What is behind errors of the first call that are met often; empty for others."""
    if not isinstance(error, (TypeError, AttributeError)):
        return ""
    if hasattr(predict, "state_dict"):
        return (
            ". It is a module of torch, which takes tensors: mmfan.adapters.TorchSegmentor, TorchDetector and "
            "TorchClassifier make of it what is called with pictures."
        )
    many = "a list of them, and returns a list" if batch_size > 1 else "one picture"
    return f". With batch_size={batch_size} predict gets {many}; a picture is an array (H, W, 3), RGB, uint8."


class Caller:
    """Calls what is judged, and names the picture where it fails.

    Args:
        predict: Takes a picture, or a list of them.
        batch_size: With more than 1, lists.
        scores: Reads what comes out.

    Attributes:
        works: What the conditions of cells do to the model; None where there are none.
    """

    def __init__(self, predict: Predict, batch_size: int, scores: Scores) -> None:
        self.predict: Any = predict
        self.batch_size, self.scores = batch_size, scores
        self.works: Works | None = None

    def prepare_works(self, cells: Sequence[Cell], seed: int) -> None:
        """See that what the conditions of cells do to the model can be done to this one.

        Raises:
            NotToModelError: It is a bare function, or lacks what the condition works on.
        """
        if not working(cells):
            return
        if not hasattr(self.predict, "predict_under"):
            refuse_bare_function(cells, "a function of pictures")
        classes = isinstance(self.scores, ClassScores)  # of which every number is one
        ignored = NO_CLASS if classes else getattr(self.scores.data, "ignore_index", None)
        self.works = Works(Situation(self.predict.module, FUNCTION, self.batch_size, seed, ignored), cells)

    def _predicted(self, cell: Cell, items: Sequence[Item], batch: Sequence[Ready]) -> Any:
        pictures = [ready.picture for ready in batch]
        if self.works is not None and at_work(cell) is not None:
            names = [item.name for item in items]
            if isinstance(self.scores, ClassScores):
                truths: list[Any] = [self.scores.column_of(item.truth) for item in items]
            else:
                truths = [ready.truth for ready in batch]
            return self.predict.predict_under(self.works.forward, pictures, truths, names)
        return [self.predict(pictures[0])] if self.batch_size == 1 else self.predict(pictures)

    def call(self, cell: Cell, items: Sequence[Item], batch: Sequence[Ready]) -> list[Any]:
        """What comes out for each picture, not looked at yet.

        Raises:
            PredictError: The callable raised an error.
            PredictionError: It gave another number of predictions.
        """
        names = shortlist([item.name for item in items])
        try:
            outputs = self._predicted(cell, items, batch)
        except Exception as error:  # the user's code, which may raise anything; the cause keeps its traceback
            raise predict_error(error, f"{cell} of the picture {names}", self.predict, self.batch_size) from error
        if self.batch_size > 1:
            if not isinstance(outputs, Sequence) and not hasattr(outputs, "__len__"):
                raise PredictionError(
                    f"With batch_size={self.batch_size} predict gets a list of pictures and returns a list of as many "
                    f"predictions, got {type(outputs).__name__}."
                )
            if len(outputs) != len(batch):
                raise PredictionError(
                    f"Expected {counted(len(batch), 'prediction')} of {cell} of {names}, got {len(outputs)}."
                )
        return list(outputs)

    def read(self, cell: Cell, item: Item, ready: Ready, output: Any) -> Any:
        """The prediction in what came out.

        Raises:
            PredictionError: It cannot be scored; the message names picture and cell.
        """
        try:
            return self.scores.read(output, ready)
        except PredictionError as error:
            raise PredictionError(f"The prediction for {cell} of the picture {item.name}: {error}") from error

    def scored(self, ready: Ready, item: Item) -> Ready:
        """A picture with the truth that scores are of: a condition at work may leave pixels out."""
        if self.works is None or ready.truth is None:
            return ready
        return ready._replace(truth=self.works.counted(ready.truth, item.name))

    def given(self, name: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the model was given of a picture of the last batch: a condition at work may have changed it."""
        return picture if self.works is None else cast("NDArray[np.uint8]", self.works.given(name, picture))

    def add_confidence(self, scores: Scores, cell: Cell, item: Item, ready: Ready, output: Any) -> None:
        """Sum up the confidence in what came out, where that was asked for.

        Raises:
            PredictionError: It says none; the message names picture and cell.
        """
        if not isinstance(scores, LabelScores):
            return
        try:
            scores.add_confidence(output, ready)
        except PredictionError as error:
            raise PredictionError(f"The prediction for {cell} of the picture {item.name}: {error}") from error


class Driver:
    """Takes cells through a callable.

    Args:
        caller: Calls it.
        cells: All that are wanted.
        items: The pictures.
        others: Cell -> its pictures and what scores them, where it is of other pictures.
        workers: Make them ready.
        shown: Keeps some of them; None for none.
        logger: Told how far a cell is, and of classes that never occur.
        flips: Counts them; None where that was not asked for.
    """

    def __init__(
        self, caller: Caller, cells: Sequence[Cell], items: Chosen, others: Mapping[Cell, tuple[Chosen, Scores]],
        workers: Workers, shown: Shown | None, logger: logging.Logger, flips: FlipCounter | None = None,
    ) -> None:  # fmt: skip
        self.caller, self.cells, self.items, self.workers = caller, cells, items, workers
        self.others = others
        self.shown, self.logger, self.flips = shown, logger, flips
        self._skipped: set[int] = set()
        self._units_of = {
            number: Units(cells, self._of(cell)[0], workers.preparation)
            for number, cell in enumerate(cells)
            if cell in others
        }
        self._plain = Units(cells, items, workers.preparation)
        self._stream: Iterator[tuple[Unit, Ready]] = iter(())

    def _of(self, cell: Cell) -> tuple[Chosen, Scores]:
        """The pictures of a cell, and what scores them."""
        return self.others.get(cell, (self.items, self.caller.scores))

    def begin(self, todo: Sequence[int]) -> None:
        """Start making the pictures of these cells ready."""
        self._skipped = set()
        self._stream = self.workers.make(self._units(todo))

    def skip(self, number: int) -> None:
        """Leave a cell out."""
        self._skipped.add(number)

    def _units(self, todo: Sequence[int]) -> Iterator[Unit]:
        for number in todo:
            units = self._units_of.get(number, self._plain)
            for place in range(len(units.items)):
                if number in self._skipped:
                    break
                yield units.of(number, place)

    def judge(self, number: int, shares: Shares) -> CellScores:
        """Take the pictures of a cell through the model.

        Raises:
            PredictError: The callable raised an error.
            PredictionError: It returned what cannot be scored.
            MMFanError: A picture cannot be read or corrupted.
        """
        cell, own = self.cells[number], dict[str, float]()
        _, scores = self._of(cell)
        if self.flips is not None:
            self.flips.begin(number)
        with nullcontext() if self.caller.works is None else self.caller.works.during(cell, own):
            self._take(number, shares)
        with shares.measure("metric"):
            found = scores.scores()
        if cell == CLEAN and isinstance(scores, LabelScores):
            absent = scores.absent(found)
            if absent:
                self.logger.warning(f"{absent_text(absent, len(scores.data.classes))} Means are over the others.")
        flips = None if self.flips is None else self.flips.end()
        return replace(found, metrics={**found.metrics, **own}, flips=flips)

    def _take(self, number: int, shares: Shares) -> None:
        """Take the pictures of a cell through the model, and their predictions to the scores."""
        cell, size = self.cells[number], self.caller.batch_size
        chosen, scores = self._of(cell)
        shown = None if self.shown is None else self.shown.of(cell, scores)
        batches = -(-len(chosen) // size)
        progress = CellProgress("pictures" if size == 1 else "batches", batches, self.logger.info)
        for batch_number in range(batches):
            count = min(size, len(chosen) - batch_number * size)
            with shares.measure("wait"):
                items, batch = zip(*(self._next(number) for _ in range(count)), strict=True)
            self._keep_inputs(shown, items, batch, shares)
            with shares.measure("forward"):
                outputs = self.caller.call(cell, items, batch)
            for item, ready, output in zip(items, batch, outputs, strict=True):
                with shares.measure("metric"):
                    prediction = self.caller.read(cell, item, ready, output)
                    scored = self.caller.scored(ready, item)
                    scores.add(prediction, scored, item)
                    self.caller.add_confidence(scores, cell, item, scored, output)
                    if self.flips is not None:
                        self.flips.add(item.name, prediction)
                if shown is not None:
                    with shares.measure("write"):
                        shown.write(cell, item, ready, prediction, self.caller.given)
            shares.add_notes(batch)
            progress(cell, batch_number + 1)

    def _keep_inputs(self, shown: Shown | None, items: Sequence[Item], batch: Sequence[Ready], shares: Shares) -> None:
        """Keep what the model is given before it has it, for it may write on it."""
        if shown is None:
            return
        with shares.measure("write"):
            for item, ready in zip(items, batch, strict=True):
                shown.keep_input(item, ready)

    def _next(self, number: int) -> tuple[Item, Ready]:
        # those of a cell that is skipped may have been on their way already
        return next((unit.item, ready) for unit, ready in self._stream if unit.number == number)
