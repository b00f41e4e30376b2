"""Places of a config that recipes of training change: its model, its hooks, the steps of its training pipelines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS as ROOT_MODELS

from mmfan.environment import is_installed
from mmfan.errors import ConfigError
from mmfan.utils.text import did_you_mean
from mmfan.utils.type_names import full_name, package_and_name, same_type

SWITCHED = "switch_pipeline"  # of mmdetection's PipelineSwitchHook: for the last epochs
SEGMENTATION, DETECTION = "PackSegInputs", "PackDetInputs"
CLASSIFICATION = ("PackClasses", "PackInputs")


def short(part: Any) -> str:
    """The type of a part of a config, without the scope before it."""
    return package_and_name(part.get("type"))[1]


def hooks_of(cfg: Config) -> list[Any]:
    """The hooks of a config that are not mmengine's own.

    Raises:
        ConfigError: ``custom_hooks`` is no list of configs.
    """
    hooks = cfg.get("custom_hooks") or []
    if not isinstance(hooks, (list, tuple)) or not all(isinstance(one, Mapping) for one in hooks):
        raise ConfigError(
            f"Expected `custom_hooks` to be a list of configs, [dict(type='EMAHook')], got {hooks!r:.80}."
        )
    return list(hooks)


def datasets(dataset: Any) -> Iterator[Any]:
    """The datasets of a config that have a pipeline, outermost first found.

    Raises:
        ConfigError: There is none.
    """
    if "pipeline" in dataset:
        yield dataset
    elif "dataset" in dataset:
        yield from datasets(dataset.dataset)
    elif "datasets" in dataset:
        for one in dataset.datasets:
            yield from datasets(one)
    else:
        raise ConfigError(
            f"The training set {full_name(dataset.get('type'))} has no `pipeline` that a step could be put into."
        )


def kinds(dataset: Any) -> Iterator[str]:
    """The types of a dataset and of those within it."""
    yield full_name(dataset.get("type"))
    for inner in _within(dataset):
        yield from kinds(inner)


def _within(dataset: Any) -> list[Any]:
    """The sets that a dataset of a config holds."""
    return [*([dataset.dataset] if "dataset" in dataset else []), *(dataset.get("datasets") or [])]


def pipelines(cfg: Config) -> Iterator[tuple[Any, str]]:
    """Parts of a config that hold a training pipeline, and its key: datasets, and mmdetection's hook that switches."""
    for dataset in datasets(cfg.train_dataloader.dataset):
        yield dataset, "pipeline"
    for hook in hooks_of(cfg):
        if short(hook) == "PipelineSwitchHook":
            yield hook, SWITCHED


def inner_steps(cfg: Config) -> list[Any]:
    """Steps of sets within sets that have a pipeline themselves, as mmdetection's MultiImageMixDataset holds one."""
    found = []
    held = [dataset.dataset for dataset in datasets(cfg.train_dataloader.dataset) if "dataset" in dataset]
    while held:
        dataset = held.pop()
        found += dataset.get("pipeline", [])
        held += _within(dataset)
    return found


def picture_folders(dataset: Any) -> list[str]:
    """The folders of pictures that a dataset of a config names, or else those within it."""
    prefix = dataset.get("data_prefix") or {}
    folder = prefix if isinstance(prefix, str) else prefix.get("img_path", prefix.get("img"))
    if folder:
        return [str(PurePath(dataset.get("data_root") or "", folder))]
    return list(dict.fromkeys(folder for inner in _within(dataset) for folder in picture_folders(inner)))


def keep_variable(cfg: Config) -> None:
    """Let the variable ``train_pipeline`` of a config be the pipeline of its set."""
    if "train_pipeline" in cfg:
        cfg.train_pipeline = next(datasets(cfg.train_dataloader.dataset)).pipeline


def add_hook(cfg: Config, hook: dict[str, Any]) -> None:
    """Add a hook.

    Raises:
        ConfigError: The config has one of its type, by whatever name.
    """
    hooks = hooks_of(cfg)
    if any(short(one) == short(hook) for one in hooks):
        raise ConfigError(f"The config has a hook {hook['type']} already.")
    cfg.custom_hooks = [*hooks, hook]


def add_step(cfg: Config, wanted: dict[str, Any] | Callable[[Any], dict[str, Any]]) -> None:
    """Add a step to every pipeline, directly before the one that packs, or before the copies.

    Args:
        cfg: Is changed.
        wanted: The step, or what makes it for the dataset or hook that holds the pipeline.

    Raises:
        ConfigError: No step or several ones pack, or the pipeline has the step already.
    """
    for part, key in pipelines(cfg):
        step = wanted(part) if callable(wanted) else wanted
        steps = list(part[key])
        packing = [at for at, one in enumerate(steps) if short(one).startswith("Pack")]
        if len(packing) != 1:
            raise ConfigError(f"Expected one step that packs (Pack...) in the training pipeline, got {len(packing)}.")
        if any(_same(one, step) for one in steps):
            more = ": one recipe with copies at a time" if step["type"] == "mmfan.Views" else ""
            raise ConfigError(f"The training pipeline has {step['type']} already{more}.")
        place = packing[0]
        if place and same_type(steps[place - 1]["type"], "mmfan.Views"):
            place -= 1
        part[key] = [*steps[:place], ConfigDict(step), *steps[place:]]
    keep_variable(cfg)


def _same(one: Any, other: Mapping[str, Any]) -> bool:
    """Of one type; AugMix with operations of its own, as PRIME has them, is another augmentation."""
    return same_type(one["type"], other["type"]) and one.get("ops") == other.get("ops")


def refuse(cfg: Config, recipe: str, lacking: Collection[str], needed: str) -> None:
    """Refuse a recipe where the pipeline packs samples that lack what it needs.

    Args:
        cfg: To look at.
        recipe: Its name.
        lacking: Steps that pack such samples.
        needed: What they lack, for the message.

    Raises:
        ConfigError: A pipeline has one of them; but a detector may load label maps too.
    """
    for part, key in pipelines(cfg):
        names = {short(step) for step in part[key]}
        with_maps = "LoadPanopticAnnotations" in names or any(step.get("with_seg") for step in part[key])
        for packing in sorted(names.intersection(lacking)):
            if not (packing == DETECTION and with_maps):
                raise ConfigError(f"The recipe {recipe} needs {needed}; this training, with {packing}, has none.")


def wrap(cfg: Config, wrapper: str) -> None:
    """Put the model into a wrapper that changes its loss.

    Raises:
        ConfigError: It is in one already, or nobody knows the model.
    """
    kind = cfg.model.get("type")
    package, name = package_and_name(kind)
    if package == "mmfan" and name.endswith("Wrapper"):
        raise ConfigError(f"The model is in mmfan.{name} already, and one wrapper at a time can change its loss.")
    check_model(cfg)
    # a class by its path: mmengine could not write it to a file in any other place than `type`
    cfg.model = ConfigDict(cfg.model, type=wrapper, of=full_name(kind))


def check_model(cfg: Config) -> None:
    """Refuse a type of model that is in no registry, which mmengine says with a KeyError.

    Raises:
        ConfigError: ``model`` is no config, or there is no such type.
    """
    if "model" not in cfg:
        return
    model = cfg.model
    if not isinstance(model, Mapping) or not model.get("type"):
        raise ConfigError(f"Expected `model` to be the config of a model, with its `type`, got {model!r:.80}.")
    kind, scope = model["type"], cfg.get("default_scope")
    package = kind.partition(".")[0] if isinstance(kind, str) and "." in kind else scope
    if not isinstance(kind, str) or (package and not is_installed(package)):
        return  # a class itself, or what is missing is said where packages are checked
    with ROOT_MODELS.switch_scope_and_registry(scope) as registry:
        if registry.get(kind) is None:
            near = did_you_mean(kind.rpartition(".")[2], registry.module_dict)
            where = f" in {package}" if package else ""
            raise ConfigError(
                f"`model.type`: there is no model {kind!r}{where}.{near} (Of one of your own, name the module that "
                "registers it in `custom_imports`.)"
            )
