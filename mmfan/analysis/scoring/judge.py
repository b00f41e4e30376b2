"""Judge of analyses: scores from the loop, the metrics and the results file of a robustness test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch

from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.scoring.alterations import Alteration
from mmfan.analysis.scoring.part_scores import PartCountsMetric
from mmfan.apis.robustness import judged_config
from mmfan.apis.runner import PlainRunner, build_runner
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
        given: Runner, dataloader and evaluator, as in :class:`RobustnessLoop`.
        progress: Told how many cells are done, and of how many.
        loop: Arguments of :class:`RobustnessLoop`; ``change`` is the alteration.

    Raises:
        MMFanError: As :class:`RobustnessLoop`, or the alteration does not suit the dataset.
    """

    def __init__(self, *given: Any, progress: Callable[[int, int], None] | None = None, **loop: Any) -> None:
        super().__init__(*given, **loop)
        self.progress = progress
        self.alteration: Alteration = loop["change"]

    def _more(self) -> dict[str, Any]:
        return {**super()._more(), "alteration": self.alteration.settings}


class Judge:
    """Scores of a context's model, as often as an analysis asks.

    Records are kept in ``ANALYSIS.jsonl`` of the context's folder; cells that are in it are not judged again.

    Args:
        context: Gives model, weights, number of pictures and seed; gets the names of the pictures that were judged.
        workers: Loading processes; None for the config's number.
        alters: The analysis changes the pictures by itself, so that corruptions have no place in it.

    Attributes:
        seed: Base seed of the next run.

    Raises:
        AnalysisError: The context has no checkpoint, other weights than its checkpoint, or settings that an analysis
            with scores has no use for.
        ConfigError: The config cannot be tested.
    """

    def __init__(self, context: Context, workers: int | None = None, alters: bool = False) -> None:
        name = context.analysis
        if context.checkpoint is None:
            raise AnalysisError(f"{name} judges predictions: give {context.label} a checkpoint.")
        if context.crop is not None or context.tap_names:
            raise AnalysisError(f"{name} judges whole pictures by the model's outputs: leave out `crop` and `taps`.")
        if alters and context.cell != CLEAN:
            raise AnalysisError(f"{name} changes the pictures by itself: leave out `cell`.")
        self.context, self.seed = context, context.seed
        self._checked: set[type] = set()
        self.cfg = judged_config(context.model.cfg, workers=workers)
        self.cfg.log_level = "WARNING"
        self.cfg.pop("runner_type", None)  # the loop is given to mmfan's own
        runner = build_runner(self.cfg, work_dir=context.out / "work", checkpoint=context.checkpoint)
        self.runner = cast(PlainRunner, runner)
        self.runner.load_or_resume()
        self._check_weights()
        self.model.to(context.device)

    @property
    def model(self) -> torch.nn.Module:
        """The model that is judged."""
        return self.runner.model

    def _check_weights(self) -> None:
        judged = self.model.state_dict()
        for key, value in self.context.model.state_dict().items():
            if key in judged and not torch.equal(value.cpu(), judged[key].cpu()):
                raise AnalysisError(
                    f"The weights of {self.context.label} are not those of {self.context.checkpoint}, which would be "
                    f"judged: {key} differs. Save the model and give that file."
                )

    def run(
        self,
        protocol: Protocol | Mapping[str, Any],
        *,
        alteration: Alteration | None = None,
        progress: Callable[[int, int], None] | None = None,
        name: str | None = None,
        changed: AbstractContextManager[Any] | None = None,
    ) -> list[Record]:
        """Judge the clean pictures and the cells of a protocol.

        Args:
            protocol: The cells; their types need not be corruptions if there is an alteration.
            alteration: Makes the cells; None for the corruptions of those names.
            progress: Told how many cells are done, and of how many; with an alteration.
            name: Name in the results, if it is not the model's own.
            changed: Entered while the model is at work: for models that something is taken out of.

        Returns:
            The records of the protocol's cells and the clean one, in the protocol's order.
        """
        common: dict[str, Any] = {
            "protocol": protocol, "results": self.context.out / f"{self.context.analysis}.jsonl", "seed": self.seed,
            "limit": self.context.limit, "name": name or self.context.label,
            **_precision_of(self.cfg.test_cfg),
        }  # fmt: skip
        evaluator = make_evaluator(self.cfg.test_evaluator)
        loader = self.cfg.test_dataloader
        if alteration is None:
            loop = RobustnessLoop(self.runner, loader, evaluator, **common)
        else:
            _check_labels(alteration, evaluator)
            evaluator = with_parts(evaluator, alteration.parts)
            loop = AlteredLoop(self.runner, loader, evaluator, change=alteration, progress=progress, **common)
        # an analysis may judge dozens of times; what changes the pictures alike is looked at once
        loop.checked = type(alteration) in self._checked
        self._checked.add(type(alteration))
        self.runner.use_test_loop(loop)
        with changed if changed is not None else nullcontext():
            self.runner.test()
        self.context.used_pictures[:] = loop.chosen.names
        return records_of(loop)


def _precision_of(test_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """The precision of an analysis: float32 on a GPU too, unless the config asks for another."""
    fp16 = bool(test_cfg.get("fp16", False))
    return {"fp16": fp16, "precision": test_cfg.get("precision") or (None if fp16 else "fp32")}


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


def _check_labels(alteration: Alteration, evaluator: RetentionEvaluator) -> None:
    if alteration.needs_labels and not any(isinstance(metric, SegCountsMetric) for metric in evaluator.metrics):
        kinds = ", ".join(type(metric).__name__ for metric in evaluator.metrics)
        raise MMFanError(f"This analysis works on label maps and is for segmentation; the config is judged by {kinds}.")
