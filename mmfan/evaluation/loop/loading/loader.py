"""Loader of the stream: a config's dataloader with another dataset and order, its batches in parts of one size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch
from mmengine.registry import FUNCTIONS
from torch.utils.data import DataLoader

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.loop.loading.stream import CellBatches, CellDataset, SampleNote
from mmfan.utils.processes.children import end_with_parent


def collate_with_notes(
    batch: Sequence[tuple[SampleNote, Any]], inner: Callable[[list], Any], equal_sizes: bool = False
) -> list[tuple[list[SampleNote], Any]]:
    """Collate samples as ``inner`` does and leave their notes as they are.

    Args:
        batch: Samples with their notes.
        inner: Collates samples.
        equal_sizes: Part the batch where the size of the pictures changes, for models that need one size.

    Returns:
        The notes and the collated samples of each part, in the order of the batch.
    """
    parts = groupby(batch, lambda pair: sizes_of(pair[1]) if equal_sizes else None)
    pairs = [list(part) for _, part in parts]
    return [([note for note, _ in part], inner([sample for _, sample in part])) for part in pairs]


def sizes_of(sample: Any) -> list[tuple[int, ...]]:
    """Shapes of the picture in a packed sample, of all its forms with test-time augmentation."""
    inputs = sample["inputs"]
    return [tuple(one.shape) for one in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]


def build_sweep_loader(
    runner: Any,
    config: Mapping[str, Any],
    dataset: CellDataset,
    batches: CellBatches,
    equal_sizes: bool = False,
    pinned: bool = False,
) -> DataLoader:
    """The loader of a sweep: a config's loader with another dataset and another order.

    Args:
        runner: The Runner, which knows how to start loading processes.
        config: Config of the dataloader; its sampler and batch size are replaced by ``batches``.
        dataset: What keys are looked up in.
        batches: The keys.
        equal_sizes: See :func:`collate_with_notes`.
        pinned: Put pictures into memory that a GPU copies from by itself, unless the config says otherwise.

    Raises:
        MMFanError: The config cuts the set short.
    """
    if "num_batch_per_epoch" in config:
        raise MMFanError("num_batch_per_epoch would cut the set short; use `limit` of RobustnessLoop.")
    replaced = ("dataset", "sampler", "batch_sampler", "batch_size", "drop_last", "collate_fn", "shuffle")
    kept = {key: value for key, value in config.items() if key not in replaced}
    if not kept.get("num_workers"):
        kept.pop("prefetch_factor", None)  # torch refuses it without loading processes
    # One pass is one run, however many cells. Processes that stay would hold memory, and torch waits ten seconds for
    # them when they are at last left to the garbage collector.
    kept["persistent_workers"] = False
    if pinned:
        kept.setdefault("pin_memory", True)
    collate = dict(config.get("collate_fn", {"type": "pseudo_collate"}))
    kind = collate.pop("type")
    inner = partial(FUNCTIONS.get(kind) if isinstance(kind, str) else kind, **collate)
    loader = runner.build_dataloader(
        {
            **kept,
            "dataset": dataset,
            "sampler": None,
            "batch_sampler": batches,
            "collate_fn": {"type": collate_with_notes, "inner": inner, "equal_sizes": equal_sizes},
        },
        seed=runner.seed,
    )
    loader.worker_init_fn = partial(_start_worker, loader.worker_init_fn)
    return loader


def _start_worker(inner: Callable[[int], None] | None, number: int) -> None:
    end_with_parent()  # torch's own processes notice its end only between two batches
    if inner is not None:
        inner(number)


def needs_equal_sizes(model: torch.nn.Module) -> bool:
    """Whether the model takes a batch of pictures of one size alone, as mmsegmentation's preprocessor does.

    Classifiers would be given what fills up the smaller ones.
    """
    names = {kind.__name__ for module in model.modules() for kind in type(module).__mro__}
    return not names.isdisjoint({"SegDataPreProcessor", "ImageClassifier", "BaseClassifier"})


def check_dataloader(dataloader: Any) -> None:
    """See that the config of a dataloader is one.

    Raises:
        ConfigError: It is none, or has no dataset.
    """
    if not isinstance(dataloader, Mapping) or "dataset" not in dataloader:
        raise ConfigError(f"RobustnessLoop needs the config of a dataloader with its dataset, got {dataloader!r:.80}.")
