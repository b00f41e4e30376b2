"""Scores for analyses, from the judge's own loop, metrics and results file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmfan.analysis.context import AnalysisError, Context
from mmfan.analysis.scoring.alterations import Alteration
from mmfan.analysis.scoring.part_scores import PartCountsMetric
from mmfan.apis.robustness import judged_config
from mmfan.apis.runner import build_runner
from mmfan.corruptions.cell import CLEAN
from mmfan.errors import MMFanError
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator, make_evaluator
from mmfan.evaluation.metrics.segmentation import SegCountsMetric
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, key_of


class AlteredLoop(RobustnessLoop):
    """The judge's loop, whose cells are made by an alteration and not by corruptions.

    Args:
        runner: The Runner.
        dataloader: Config of the dataloader.
        evaluator: As in :class:`RobustnessLoop`.
        alteration: Takes the place of the corruption.
        settings: What the records say of it.
        progress: Told how many cells are done, and of how many.
        loop: Arguments of :class:`RobustnessLoop`.

    Raises:
        MMFanError: As :class:`RobustnessLoop`, or the alteration does not suit the dataset.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: Any,
        evaluator: Any,
        alteration: Alteration,
        settings: Mapping[str, Any],
        progress: Callable[[int, int], None] | None = None,
        **loop: Any,
    ) -> None:
        super().__init__(runner, dataloader, evaluator, change=alteration, **loop)
        self.settings, self.progress = dict(settings), progress
        # before the loading processes start: they get the dataset as it is when the loop runs
        alteration.install(self.dataloader.dataset.dataset, self.seed, self.name_root)

    def _more(self) -> dict[str, Any]:
        return {**super()._more(), "alteration": self.settings}

    def _report(self, record: Record, done: int, left: float) -> None:
        super()._report(record, done, left)
        if self.progress is not None:
            self.progress(done, len(self.cells))


class Judge:
    """Scores one model of a config, as often as an analysis asks.

    Args:
        cfg: Config with ``test_dataloader`` and ``test_evaluator``.
        checkpoint: Its weights.
        results: Results file; cells that are in it are not judged again.
        name: Of the model in the results.
        work_dir: Where the Runner's log goes.
        limit: Number of pictures, spread evenly; None for all.
        seed: Base seed.
        workers: Loading processes; None for the config's number.
        used: Gets the names of the pictures that were judged.

    Raises:
        ConfigError: The config cannot be tested.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str | Path,
        *,
        results: str | Path,
        name: str,
        work_dir: str | Path,
        limit: int | None = None,
        seed: int = 0,
        workers: int | None = None,
        used: list[str] | None = None,
    ) -> None:
        self.cfg = judged_config(cfg, workers=workers)
        self.cfg.log_level = "WARNING"
        self.runner = build_runner(self.cfg, work_dir=work_dir, checkpoint=checkpoint)
        self.runner.load_or_resume()
        self.results, self.name, self.limit, self.seed = Path(results), name, limit, seed
        self.used = [] if used is None else used

    @property
    def model(self) -> torch.nn.Module:
        """The model that is judged."""
        return self.runner.model

    def run(
        self,
        protocol: Protocol | Mapping[str, Any],
        *,
        alteration: Alteration | None = None,
        settings: Mapping[str, Any] | None = None,
        progress: Callable[[int, int], None] | None = None,
        name: str | None = None,
        changed: AbstractContextManager[Any] | None = None,
    ) -> list[Record]:
        """Judge the clean pictures and the cells of a protocol.

        Args:
            protocol: The cells; their types need not be corruptions if there is an alteration.
            alteration: Makes the cells; None for the corruptions of those names.
            settings: What the records say of the alteration.
            progress: Told how many cells are done, and of how many; with an alteration.
            name: Name in the results, if it is not the model's own.
            changed: Entered while the model is at work: for models that something is taken out of.

        Returns:
            The records of the protocol's cells and the clean one, in the protocol's order.
        """
        common: dict[str, Any] = {
            "protocol": protocol, "results": self.results, "seed": self.seed, "limit": self.limit,
            "name": name or self.name, "fp16": self.cfg.test_cfg.get("fp16", False),
        }  # fmt: skip
        evaluator = make_evaluator(self.cfg.test_evaluator)
        loader = self.cfg.test_dataloader
        if alteration is None:
            loop = RobustnessLoop(self.runner, loader, evaluator, **common)
        else:
            _check_labels(alteration, evaluator)
            evaluator = with_parts(evaluator, alteration.parts)
            loop = AlteredLoop(self.runner, loader, evaluator, alteration, settings or {}, progress, **common)
        self.runner._test_loop = loop
        with changed if changed is not None else nullcontext():
            self.runner.test()
        self.used[:] = loop.names
        return records_of(loop)


def with_parts(evaluator: RetentionEvaluator, parts: tuple[str, str] | None) -> RetentionEvaluator:
    """The evaluator with scores over parts, where it counts pixels."""
    if parts is None:
        return evaluator
    metrics = [
        PartCountsMetric(parts, metric.ignore_index) if isinstance(metric, SegCountsMetric) else metric
        for metric in evaluator.metrics
    ]
    return RetentionEvaluator(metrics, evaluator.scale)


def records_of(loop: RobustnessLoop) -> list[Record]:
    """The records of the loop's run that are in its results file, in the order of its cells."""
    if loop.store is None or loop.key is None:
        raise MMFanError("The loop keeps no results, or has not run.")
    found = {cell: record for record in loop.store.records() for run, cell in [key_of(record)] if run == loop.key}
    return [found[cell] for cell in loop.cells]


def main_metric(records: Sequence[Record]) -> str:
    """The score that an analysis shows: mIoU, mAP, else the first."""
    names = list(records[0]["metrics"])
    return next((name for name in ("mIoU", "bbox_mAP", "coco/bbox_mAP") if name in names), names[0])


def judge_of(context: Context, analysis: str, **more: Any) -> Judge:
    """The judge of a context's model; its results are in ``ANALYSIS.jsonl`` of the context's folder.

    Raises:
        AnalysisError: There is no checkpoint, or options were given that an analysis with scores has no use for.
    """
    if context.checkpoint is None:
        raise AnalysisError(f"{analysis} judges predictions: give {context.label} a checkpoint.")
    if context.crop is not None or context.tap_names:
        raise AnalysisError(f"{analysis} judges whole pictures by the model's outputs: leave out --crop and --taps.")
    judge = Judge(
        context.model.cfg, context.checkpoint, results=context.out / f"{analysis}.jsonl", name=context.label,
        work_dir=context.out / "work", limit=context.limit, seed=context.seed, used=context.used_pictures, **more,
    )  # fmt: skip
    judge.model.to(context.device)
    return judge


def without_cell(context: Context, analysis: str) -> None:
    """Refuse corrupted pictures for an analysis that changes them by itself.

    Raises:
        AnalysisError: There is a corruption.
    """
    if context.cell != CLEAN:
        raise AnalysisError(f"{analysis} changes the pictures by itself: leave out --cell.")


def _check_labels(alteration: Alteration, evaluator: RetentionEvaluator) -> None:
    if alteration.needs_labels and not any(isinstance(metric, SegCountsMetric) for metric in evaluator.metrics):
        kinds = ", ".join(type(metric).__name__ for metric in evaluator.metrics)
        raise MMFanError(f"This analysis works on label maps and is for segmentation; the config is judged by {kinds}.")
