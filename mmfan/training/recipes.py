"""Recipes of robust training: plug-ins put into any config of a segmentor or detector, and a word on each change.

``mmfan train CONFIG --robust cwfa augmix`` applies them; in Python ``apply_recipes(cfg, ["cwfa", "augmix"])``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from mmengine.config import Config, ConfigDict

from mmfan.datasets.augmentations.overlaps import overlap_of
from mmfan.errors import ConfigError
from mmfan.utils.text import did_you_mean

# Of SegFormer's encoder, whose stages end in layer norms, the paper's lengths; of other backbones a share.
EPS_SEGFORMER, EPS_SEGFORMER_LARGE, BLOCKS_OF_LARGE = 9, 15, 28
EPS_SHARE = 0.5
AUGMIX = {"type": "mmfan.AugMix"}
SWITCHED = "switch_pipeline"  # of mmdetection's PipelineSwitchHook: for the last epochs
SEGMENTATION, DETECTION = "PackSegInputs", "PackDetInputs"
# hooks that draw, by a seed of their own
DRAWING = ("mmfan.FeatureAugmentHook", "mmfan.AmplitudeMixHook", "mmfan.AttentionDiversityHook")


def _cwfa(cfg: Config, prob: float) -> None:
    backbone = cfg.model.get("backbone", {})
    if str(backbone.get("type")).endswith("MixVisionTransformer"):
        large = sum(backbone.get("num_layers", ())) >= BLOCKS_OF_LARGE  # B3 to B5
        strength: dict[str, float] = {"eps": EPS_SEGFORMER_LARGE if large else EPS_SEGFORMER}
    else:
        strength = {"eps_rel": EPS_SHARE}
    _add_hook(cfg, {"type": "mmfan.FeatureAugmentHook", **strength, "prob": prob, "begin": 0.1})


def _augmix(cfg: Config) -> None:
    _wrap(cfg, "mmfan.ConsistencyWrapper")
    _add_step(cfg, {"type": "mmfan.Views", "views": 3, "prob": 0.4, "steps": [dict(AUGMIX)]})


def _oamix(cfg: Config) -> None:
    _refuse(cfg, "oamix", SEGMENTATION, "boxes of objects: of segmentors take augmix")
    _wrap(cfg, "mmfan.ConsistencyWrapper")
    _add_step(cfg, {"type": "mmfan.Views", "views": 2, "steps": [{"type": "mmfan.OAMix"}]})


def _teacher(cfg: Config) -> None:
    _wrap(cfg, "mmfan.TeacherWrapper")
    _add_step(cfg, {"type": "mmfan.Views", "views": 2, "steps": [dict(AUGMIX)]})


def _fda(cfg: Config) -> None:
    """Donors from all pictures of the set: a sample knows its own folder alone, which may be one drive or city."""

    def step(part: Any) -> dict[str, Any]:
        prefix = part.get("data_prefix") or {}
        folder = prefix.get("img_path", prefix.get("img"))
        told = {"styles": str(PurePath(part.get("data_root") or "", folder))} if folder else {}
        return {"type": "mmfan.AmplitudeMix", **told}

    _add_step(cfg, step)


def _step(**step: Any) -> Callable[[Config], None]:
    return lambda cfg: _add_step(cfg, step)


def _on_labels(recipe: str, **step: Any) -> Callable[[Config], None]:
    """A step that needs label maps of pixels."""

    def change(cfg: Config) -> None:
        _refuse(cfg, recipe, DETECTION, "a label map of each picture, gt_seg_map")
        _add_step(cfg, step)

    return change


def _hook(**hook: Any) -> Callable[[Config], None]:
    return lambda cfg: _add_hook(cfg, hook)


def _ema(cfg: Config) -> None:
    length = cfg.train_cfg.get("max_iters")
    # the share of the new weights: a memory of a twentieth of the training, or mmengine's own
    momentum = min(0.05, 20 / length) if length else 2e-4
    _add_hook(
        cfg, {"type": "EMAHook", "ema_type": "ExponentialMovingAverage", "momentum": momentum, "update_buffers": True}
    )


def _swa(cfg: Config) -> None:
    by_epoch = "max_epochs" in cfg.train_cfg
    length = cfg.train_cfg.get("max_epochs" if by_epoch else "max_iters")
    if not length:
        raise ConfigError("Averaging over the last quarter of a training needs train_cfg.max_iters or max_epochs.")
    # mmengine begins with the epoch of that number, counted from 1
    begin = {"begin_epoch": int(0.75 * length) + 1} if by_epoch else {"begin_iter": int(0.75 * length)}
    _add_hook(cfg, {"type": "EMAHook", "ema_type": "StochasticWeightAverage", "update_buffers": True, **begin})


# name -> what it does, and to what
RECIPES: dict[str, tuple[str, Callable[[Config], None]]] = {
    "cwfa": ("features pushed along their mean behind each stage (arXiv 2412.01941)", partial(_cwfa, prob=0.3)),
    "cwfa-light": ("the same pushes, a sixth as often: for short trainings", partial(_cwfa, prob=0.05)),
    "augmix": ("AugMix copies and a loss of consistency (arXiv 1912.02781)", _augmix),
    "augmix-plain": ("AugMix as an augmentation alone", _step(**AUGMIX)),
    "oamix": ("AugMix by objects and a loss of consistency, detectors (arXiv 2312.12133)", _oamix),
    "teacher": ("a teacher on the clean picture, the student on an AugMix copy", _teacher),
    "apr": ("amplitudes swapped within the batch", _hook(type="mmfan.AmplitudeMixHook")),
    "fda": ("low frequencies of other pictures of the set (arXiv 2004.05498)", _fda),
    "adl": (
        "attention of FAN asked to differ from query to query (TAPADL, ICCV 2023)",
        _hook(type="mmfan.AttentionDiversityHook"),
    ),
    "wave": ("a planar wave a channel (arXiv 2403.01944)", _step(type="mmfan.FourierWave")),
    "paint": (
        "labels painted into the picture, segmentors (arXiv 2010.05495)",
        _on_labels("paint", type="mmfan.PaintByNumbers"),
    ),
    "textures": (
        "textures swapped within segments, segmentors (after arXiv 1811.12231)",
        _on_labels("textures", type="mmfan.SwapTextures"),
    ),
    "mask": ("blocks hidden (arXiv 2212.01322)", _step(type="mmfan.MaskBlocks")),
    "filter": ("a random filter on half of the pictures (PRIME)", _step(type="mmfan.RandomFilter", prob=0.5)),
    "colour": ("a random map of colours on half of the pictures (PRIME)", _step(type="mmfan.SmoothColour", prob=0.5)),
    "prime": (
        "random filters and maps of colour, mixed (arXiv 2112.13547)",
        _step(type="mmfan.AugMix", ops=[{"type": "mmfan.RandomFilter"}, {"type": "mmfan.SmoothColour"}]),
    ),
    "ema": ("a running mean of the weights is saved and judged", _ema),
    "swa": ("the mean of the weights of the last quarter is saved and judged", _swa),
    "seeded": ("draws by seed, picture and pass, which every recipe brings, and nothing else", lambda cfg: None),
}


def apply_recipes(cfg: Config, names: Sequence[str], seed: int = 0) -> list[str]:
    """Put recipes into a config of training.

    Whatever changes pictures comes directly before the step that packs them. The training becomes repeatable for any
    number of loading processes: every step of the pipeline draws by seed, picture and pass, and hooks by seed and
    iteration.

    Args:
        cfg: Is changed.
        names: Of :data:`RECIPES`, in the order in which they are applied.
        seed: Of the draws; hooks that name one keep theirs.

    Returns:
        Lines on what was changed, the last one on what the training shows of the tests.

    Raises:
        ConfigError: ``names`` is a text, there is no recipe of a name, two of them do not go together, or the config
            has no place for one.
    """
    if isinstance(names, str):
        raise ConfigError(f"Expected a list of recipes, got the text {names!r}: [{names!r}].")
    for name in names:
        if name not in RECIPES:
            raise ConfigError(
                f"There is no recipe {name!r}.{did_you_mean(name, RECIPES)} There are: {', '.join(RECIPES)}."
            )
    if len(set(names)) < len(names):
        raise ConfigError(f"A recipe is asked for twice: {', '.join(names)}.")
    for key in ("model", "train_dataloader", "train_cfg"):
        if not cfg.get(key):
            raise ConfigError(f"Recipes of training need a config with `{key}`.")
    before = _overlap(cfg)
    lines = []
    for name in names:
        told, change = RECIPES[name]
        was = _snapshot(cfg)
        change(cfg)
        changes = _differences(was, _snapshot(cfg))
        lines.append(f"{name}: {told}{': ' if changes else ''}{'; '.join(changes)}")
    lines.append(_seeded(cfg, seed))
    after = _overlap(cfg)
    more = [name for name in after.types if name not in before.types]
    seen = ", ".join(after.types) or "none"
    lines.append(
        f"corruptions of the tests that the training shows: {seen} (by the recipes: {', '.join(more) or 'none'})"
    )
    return lines


def _overlap(cfg: Config) -> Any:
    return overlap_of([*_inner_steps(cfg), *(step for part, key in _pipelines(cfg) for step in part[key])])


def _pipelines(cfg: Config) -> Iterator[tuple[Any, str]]:
    """Parts of a config that hold a training pipeline, and its key: datasets, and mmdetection's hook that switches."""
    for dataset in _datasets(cfg.train_dataloader.dataset):
        yield dataset, "pipeline"
    for hook in cfg.get("custom_hooks") or []:
        if str(hook.get("type")).rpartition(".")[2] == "PipelineSwitchHook":
            yield hook, SWITCHED


def _inner_steps(cfg: Config) -> list[Any]:
    """Steps of sets within sets that have a pipeline themselves, as mmdetection's MultiImageMixDataset holds one."""
    found = []
    held = [dataset.dataset for dataset in _datasets(cfg.train_dataloader.dataset) if "dataset" in dataset]
    while held:
        dataset = held.pop()
        found += dataset.get("pipeline", [])
        held += [*([dataset.dataset] if "dataset" in dataset else []), *dataset.get("datasets", [])]
    return found


def _datasets(dataset: Any) -> Iterator[Any]:
    """The datasets of a config that have a pipeline, outermost first found."""
    if "pipeline" in dataset:
        yield dataset
    elif "dataset" in dataset:
        yield from _datasets(dataset.dataset)
    elif "datasets" in dataset:
        for one in dataset.datasets:
            yield from _datasets(one)
    else:
        raise ConfigError(f"The training set {dataset.get('type')} has no `pipeline` that a step could be put into.")


def _add_hook(cfg: Config, hook: dict[str, Any]) -> None:
    hooks = list(cfg.get("custom_hooks") or [])
    same = [one for one in hooks if one.get("type") == hook["type"]]
    if same:
        raise ConfigError(f"The config has a hook {hook['type']} already.")
    cfg.custom_hooks = [*hooks, hook]


def _add_step(cfg: Config, wanted: dict[str, Any] | Callable[[Any], dict[str, Any]]) -> None:
    for part, key in _pipelines(cfg):
        step = wanted(part) if callable(wanted) else wanted
        steps = list(part[key])
        packing = [at for at, one in enumerate(steps) if str(one["type"]).rpartition(".")[2].startswith("Pack")]
        if len(packing) != 1:
            raise ConfigError(f"Expected one step that packs (Pack...) in the training pipeline, got {len(packing)}.")
        place = packing[0]
        if place and steps[place - 1]["type"] == "mmfan.Views":
            if step["type"] == "mmfan.Views":
                raise ConfigError("The training pipeline has mmfan.Views already: one recipe with copies at a time.")
            place -= 1
        part[key] = [*steps[:place], ConfigDict(step), *steps[place:]]
    if "train_pipeline" in cfg:
        cfg.train_pipeline = next(_datasets(cfg.train_dataloader.dataset)).pipeline


def _refuse(cfg: Config, recipe: str, packing: str, needed: str) -> None:
    """Refuse a recipe where the pipeline packs samples that lack what it needs."""
    for part, key in _pipelines(cfg):
        names = {str(step["type"]).rpartition(".")[2] for step in part[key]}
        with_maps = "LoadPanopticAnnotations" in names or any(step.get("with_seg") for step in part[key])
        if packing in names and not (packing == DETECTION and with_maps):
            raise ConfigError(f"The recipe {recipe} needs {needed}; this training, with {packing}, has none.")


def _wrap(cfg: Config, wrapper: str) -> None:
    kind = str(cfg.model.get("type"))
    if kind.startswith("mmfan.") and kind.endswith("Wrapper"):
        raise ConfigError(f"The model is in {kind} already, and one wrapper at a time can change its loss.")
    cfg.model = ConfigDict({**cfg.model, "type": wrapper, "of": kind})


def _seeded(cfg: Config, seed: int) -> str:
    """Let the draws of hooks come from the seed, those of the pipeline from seed, picture and pass."""
    for hook in cfg.get("custom_hooks") or []:
        if seed and hook.get("type") in DRAWING:
            hook.setdefault("seed", seed)  # 0 is their own
    loader = cfg.train_dataloader
    tables = [kind for kind in _kinds(loader.dataset) if kind.endswith("ClassBalancedDataset")]
    if tables or not loader.get("sampler"):
        why = tables[0] if tables else "a loader without a sampler"
        return f"seeds: left as they are, as {why} does not tell the pass; draws depend on the number of workers"
    if loader.sampler.type != "mmfan.PassSampler":
        loader.sampler = ConfigDict(type="mmfan.PassSampler", sampler=loader.sampler)
    for part, key in _pipelines(cfg):
        if not part[key] or part[key][0]["type"] != "mmfan.SeedByPicture":
            part[key] = [ConfigDict(type="mmfan.SeedByPicture", seed=seed), *part[key]]
    if "train_pipeline" in cfg:
        cfg.train_pipeline = next(_datasets(loader.dataset)).pipeline
    return f"seeds: mmfan.SeedByPicture and mmfan.PassSampler; the same draws for any number of workers{_unless(cfg)}"


def _unless(cfg: Config) -> str:
    """What draws by the process all the same."""
    names = [str(step["type"]).rpartition(".")[2] for part, key in _pipelines(cfg) for step in part[key]]
    inner = [str(step["type"]).rpartition(".")[2] for step in _inner_steps(cfg)]
    told = dict.fromkeys(name for name in names if name.startswith("Cached"))  # mixes in what its process loaded before
    told |= dict.fromkeys(name for name in inner if not name.startswith("Load"))  # is done before the seed is set
    return f", but for {' and '.join(told)}, whose draws are those of a process" if told else ""


def _kinds(dataset: Any) -> Iterator[str]:
    yield str(dataset.get("type"))
    for inner in (*([dataset.dataset] if "dataset" in dataset else []), *(dataset.get("datasets") or [])):
        yield from _kinds(inner)


def _snapshot(cfg: Config) -> dict[str, Any]:
    steps = [step for part, key in _pipelines(cfg) for step in part[key]]
    return {
        "model.type": [cfg.model.get("type")],
        "train pipeline": [_call(step) for step in steps],
        "custom_hooks": [
            _call({key: value for key, value in hook.items() if key != SWITCHED})
            for hook in cfg.get("custom_hooks") or []
        ],
    }


def _call(part: Any) -> str:
    settings = ", ".join(f"{key}={_call(value) if isinstance(value, dict) else _value(value)}"
                         for key, value in part.items() if key != "type")  # fmt: skip
    return f"{part.get('type')}({settings})"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_call(one) if isinstance(one, dict) else repr(one) for one in value)}]"
    return repr(value)


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{key} + {new}" for key, values in after.items() for new in dict.fromkeys(values) if new not in before[key]
    ]
