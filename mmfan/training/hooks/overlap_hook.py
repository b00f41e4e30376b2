"""``OverlapHook``: the test corruptions that a training shows, written into its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.hooks import Hook

from mmfan.corruptions import BUILT_IN
from mmfan.datasets.augmentations.overlaps import OVERLAP_KEY, Overlap, joined, overlap_from, overlap_of
from mmfan.evaluation.conditions.cue_settings import SHOWABLE
from mmfan.registry import HOOKS
from mmfan.utils.text import did_you_mean


@HOOKS.register_module()
class OverlapHook(Hook):
    """Write what the training shows of the tests into ``meta["training_overlap"]`` of each checkpoint.

    It looks at the pipelines of the training set as they are built, and at the hooks that change pictures; what the
    checkpoint that training continues or starts from was shown is added. ``mmfan train`` has it by itself.
    """

    priority = "VERY_LOW"

    def before_train(self, runner: Any) -> None:
        """Look at the pipelines, and say what they show."""
        hooks = [hook for hook in runner.hooks if getattr(hook, "overlaps", None)]
        found = overlap_of(training_pipelines(runner.train_loop.dataloader.dataset, runner.hooks), hooks)
        before = overlap_from({OVERLAP_KEY: getattr(runner, "training_overlap", None)})
        whole = found if before is None else joined(found, before)
        runner.training_overlap = whole.to_dict()
        runner.logger.info(describe(whole))

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Write it into the checkpoint."""
        if getattr(runner, "training_overlap", None) is not None:
            checkpoint.setdefault("meta", {})[OVERLAP_KEY] = runner.training_overlap


def training_pipelines(dataset: Any, hooks: Iterable[Any]) -> list[Any]:
    """The pipelines of a training: those of its built set, and those that its hooks put in their place later."""
    # mmdetection's PipelineSwitchHook puts another pipeline in the place of the first for the last epochs
    later = [hook.switch_pipeline for hook in hooks if getattr(hook, "switch_pipeline", None)]
    return [*pipelines_of(dataset), *later]


def pipelines_of(dataset: Any) -> Iterator[Any]:
    """The pipelines of a built dataset and of those within it."""
    pipeline = getattr(dataset, "pipeline", None)
    if pipeline is not None:
        yield pipeline
    inner = getattr(dataset, "datasets", None) or ([dataset.dataset] if hasattr(dataset, "dataset") else [])
    for one in inner:
        yield from pipelines_of(one)


def describe(overlap: Overlap) -> str:
    """A line on it.

    >>> describe(Overlap((), {}))
    'The training shows none of the corruptions of the tests.'
    """
    steps = "; ".join(f"{name}: {', '.join(types)}" for name, types in overlap.by_step.items())
    text = "The training shows none of the corruptions of the tests"
    if overlap.types:
        beyond = ", ".join(overlap.added) or "none"
        text = f"The training shows corruptions of the tests ({steps}), beyond FAN's own recipe {beyond}"
    if overlap.unknown:
        text += f"; nobody has said what these show: {', '.join(overlap.unknown)}"
    strange = [name for name in overlap.types if name not in SHOWABLE]
    told = "".join(f" No corruption of mmfan's is called {name!r}.{did_you_mean(name, BUILT_IN)}" for name in strange)
    return f"{text}.{told}"
