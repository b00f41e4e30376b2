"""Identity of a run: hashes of its model, weights and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.registry import DATASETS
from mmengine.runner import Runner

from mmfan.evaluation.loop.identity.contents import Contents
from mmfan.evaluation.loop.identity.weights_hash import weights_hash
from mmfan.evaluation.results.hashes import config_hash, file_hash, pictures_hash
from mmfan.evaluation.results.store import RunKey


def guess_model_name(runner: Runner) -> str:
    """The name of a model that was given none: that of its config file."""
    return Path(runner.cfg.filename).stem if runner.cfg.filename else "model"


def guess_dataset_name(dataset: Any) -> str:
    """The name of a dataset that was given none: its own ``dataset_name``, or that of its class.

    >>> class CityscapesDataset:
    ...     pass
    >>> guess_dataset_name(CityscapesDataset())
    'cityscapes'
    """
    told = getattr(dataset, "dataset_name", None)
    return (
        told if isinstance(told, str) and told else type(dataset).__name__.removesuffix("Dataset").lower() or "dataset"
    )


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


def model_of(cfg: Mapping[str, Any]) -> Any:
    """The model of a config, with the preprocessor that mmengine gives it where one stands beside the model.

    A model takes it in want of its own, the one within test-time augmentation in place of its own.

    >>> model_of({"model": {"type": "Own", "data_preprocessor": 1}, "data_preprocessor": 0})
    {'data_preprocessor': 1, 'type': 'Own'}
    >>> model_of({"model": {"type": "TTA", "module": {"data_preprocessor": 1}}, "data_preprocessor": 0})
    {'type': 'TTA', 'module': {'data_preprocessor': 0}}
    """
    model, beside = cfg.get("model"), cfg.get("data_preprocessor")
    if not isinstance(model, Mapping) or beside is None:
        return model
    inner = model.get("module")
    if isinstance(inner, Mapping):
        return {**model, "module": {**inner, "data_preprocessor": beside}}
    return {"data_preprocessor": beside, **model}


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
    described = model_of(runner.cfg) or str(runner.model)
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
