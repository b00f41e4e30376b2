"""Identity of a run (hashes of model, weights and pictures), and the record of a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.registry import DATASETS
from mmengine.runner import Runner

from mmfan.corruptions import corruption_names, get_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.loop.contents import Contents
from mmfan.evaluation.loop.weights_hash import weights_hash
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.results.hashes import config_hash, file_hash, pictures_hash
from mmfan.evaluation.results.store import RUN_HASHES, Record, RunKey, key_of
from mmfan.utils.text import counted
from mmfan.utils.versions import versions


def guess_model_name(runner: Runner) -> str:
    """The name of a model that was given none: that of its config file."""
    return Path(runner.cfg.filename).stem if runner.cfg.filename else "model"


def guess_dataset_name(dataset: Any) -> str:
    """The name of a dataset that was given none: that of its class.

    >>> class CityscapesDataset:
    ...     pass
    >>> guess_dataset_name(CityscapesDataset())
    'cityscapes'
    """
    return type(dataset).__name__.removesuffix("Dataset").lower() or "dataset"


def pipelines_of(dataset: Any) -> list[Any]:
    """The pipelines in the config of a dataset, inside wrappers too, with the steps that the dataset builds of it."""
    if not isinstance(dataset, Mapping):
        return []
    if "pipeline" in dataset:
        kind = dataset.get("type")
        kind = DATASETS.get(kind) if isinstance(kind, str) else kind
        steps_of_config = getattr(kind, "steps_of_config", None)
        return [dataset["pipeline"] if steps_of_config is None else steps_of_config(dataset["pipeline"])]
    inner = [dataset["dataset"]] if "dataset" in dataset else dataset.get("datasets", [])
    return [found for one in inner for found in pipelines_of(one)]


def run_key(
    runner: Runner,
    *,
    name: str,
    dataset: str,
    dataset_config: Any,
    pictures: Sequence[str],
    seed: int,
    checkpoint: str | None,
    contents: Contents,
    precision: str,
    **more: Any,
) -> RunKey:
    """What the records of a run have in common.

    Args:
        runner: With the model built and its weights loaded.
        name: Of the model.
        dataset: Name of the data set.
        dataset_config: Its config, for the pipeline.
        pictures: Names of the pictures judged.
        seed: Base seed of the corruptions.
        checkpoint: The file that the weights came from; None to hash the weights themselves.
        contents: Hashes of the pictures, the truth and the metric.
        precision: What the model computes in, e.g. ``'float32'``.
        **more: What else changes predictions.
    """
    described = runner.cfg.get("model") or str(runner.model)
    if checkpoint is not None:
        weights = file_hash(checkpoint)
    else:
        # wrappers for several processes and for test-time augmentation put `module.` before the names
        weights = weights_hash({_bare(name): value for name, value in runner.model.state_dict().items()})
    return RunKey(
        model=name,
        config_hash=config_hash(described, pipelines_of(dataset_config), **more),
        checkpoint_hash=weights,
        dataset=dataset,
        seed=seed,
        pictures=pictures_hash(pictures),
        contents=contents.pictures,
        truth=contents.truth,
        metric=contents.metric,
        precision=precision,
    )


def _bare(name: str) -> str:
    while name.startswith("module."):
        name = name.removeprefix("module.")
    return name


def make_record(key: RunKey, cell: Cell, scores: CellScores, seconds: float, **more: Any) -> Record:
    """The record of a cell; see :mod:`mmfan.evaluation.results.store`."""
    record: Record = {
        "model": key.model,
        "dataset": key.dataset,
        "corruption": cell.corruption,
        "severity": cell.severity,
        "metrics": scores.metrics,
        "config_hash": key.config_hash,
        "checkpoint_hash": key.checkpoint_hash,
        "seed": key.seed,
        "pictures": key.pictures,
        **dict(zip(RUN_HASHES, (key.contents, key.truth, key.metric, key.precision), strict=True)),
        "seconds": round(seconds, 3),
        "versions": versions_of(cell),
        **more,
    }
    if scores.classes:
        record["classes"] = list(scores.classes)
    if scores.per_class:
        record["per_class"] = scores.per_class
    if scores.note:
        record["note"] = scores.note
    return record


def versions_of(cell: Cell) -> dict[str, str]:
    """What the score of a cell was made with."""
    version = _version_of(cell)
    return versions("torch", "numpy", "cv2", "mmengine") | ({} if version is None else {"corruption": version})


def _version_of(cell: Cell) -> str | None:
    """The version of a cell's corruption; None for cells that are made otherwise, as analyses make them."""
    known = cell != CLEAN and cell.corruption in corruption_names()
    return get_corruption(cell.corruption).version if known else None


def check_corruption_versions(records: Sequence[Record], where: str) -> None:
    """See that corrupted cells to be taken over were corrupted as this version does it.

    Raises:
        MMFanError: Some were not; the message names them.
    """
    differing = []
    for record in records:
        cell = key_of(record)[1]
        made_with, now = record.get("versions", {}).get("corruption"), _version_of(cell)
        if made_with is not None and now is not None and made_with != now:
            differing.append(f"{cell} (version {made_with}, now {now})")
    if differing:
        raise MMFanError(
            f"{where} holds cells of this model whose corruption has changed since: {', '.join(differing[:5])}. Take a "
            "new results file, or remove those lines."
        )


# What tells runs of one model apart that names do not, and how it is said.
_CHANGED = {
    "contents": "pictures of the same names and other contents",
    "truth": "other labels",
    "metric": "other settings of the metric, or other classes",
    "precision": "another precision",
}


def other_runs(records: Sequence[Record], key: RunKey, cells: Iterable[Cell]) -> str:
    """What a results file has of this model on these pictures that was measured otherwise, in words.

    Args:
        records: Those of the file.
        key: The run that goes on.
        cells: The cells wanted.

    Returns:
        One sentence; empty where there is nothing of the kind. Such records are not taken over.
    """
    wanted = set(cells)
    reasons: Counter[str] = Counter()
    for record in records:
        other, cell = key_of(record)
        named = other._replace(**{name: getattr(key, name) for name in _CHANGED})
        if cell not in wanted or named != key or other == key:
            continue
        reasons[
            "nothing that says which pictures and labels they are of (written before 0.2.0)"
            if other.unchecked
            else " and ".join(text for name, text in _CHANGED.items() if getattr(other, name) != getattr(key, name))
        ] += 1
    return "; ".join(f"{counted(count, 'cell')} with {reason}" for reason, count in reasons.items())
