"""Recipes of robust training: plug-ins put into any config of a segmentor or detector, and a word on each change.

``mmfan train CONFIG --robust cwfa augmix`` applies them; in Python ``apply_recipes(cfg, ["cwfa", "augmix"])``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mmengine.config import Config

from mmfan.datasets.augmentations.amplitude import BETA, least_side
from mmfan.datasets.augmentations.overlaps import hooks_that_show, overlap_of
from mmfan.errors import ConfigError
from mmfan.training.recipe_places import (
    CLASSIFICATION,
    DETECTION,
    SEGMENTATION,
    SWITCHED,
    add_hook,
    add_step,
    hooks_of,
    inner_steps,
    picture_folders,
    pipelines,
    refuse,
    short,
    wrap,
)
from mmfan.training.seeds import checked_seed, seed_draws
from mmfan.utils.text import did_you_mean
from mmfan.utils.type_names import full_name

# Of SegFormer's encoder, whose stages end in layer norms, the paper's lengths; of other backbones a share.
EPS_SEGFORMER, EPS_SEGFORMER_LARGE, BLOCKS_OF_LARGE = 9, 15, 28
EPS_SHARE = 0.5
AUGMIX = {"type": "mmfan.AugMix"}


def _cwfa(cfg: Config, prob: float) -> None:
    backbone = cfg.model.get("backbone", {})
    if short(backbone).endswith("MixVisionTransformer"):
        large = sum(backbone.get("num_layers", ())) >= BLOCKS_OF_LARGE  # B3 to B5
        strength: dict[str, float] = {"eps": EPS_SEGFORMER_LARGE if large else EPS_SEGFORMER}
    else:
        strength = {"eps_rel": EPS_SHARE}
    add_hook(cfg, {"type": "mmfan.FeatureAugmentHook", **strength, "prob": prob, "begin": 0.1})


def _augmix(cfg: Config) -> None:
    wrap(cfg, "mmfan.ConsistencyWrapper")
    add_step(cfg, {"type": "mmfan.Views", "views": 3, "prob": 0.4, "steps": [dict(AUGMIX)]})


def _oamix(cfg: Config) -> None:
    refuse(cfg, "oamix", (SEGMENTATION, *CLASSIFICATION), "boxes of objects: of segmentors take augmix")
    wrap(cfg, "mmfan.ConsistencyWrapper")
    add_step(cfg, {"type": "mmfan.Views", "views": 2, "steps": [{"type": "mmfan.OAMix"}]})


def _teacher(cfg: Config) -> None:
    wrap(cfg, "mmfan.TeacherWrapper")
    add_step(cfg, {"type": "mmfan.Views", "views": 2, "steps": [dict(AUGMIX)]})


def _fda(cfg: Config) -> None:
    """Donors from all pictures of the set: a sample knows its own folder alone, which may be one drive or city."""

    def step(part: Any) -> dict[str, Any]:
        side = _side(part["pipeline" if "pipeline" in part else SWITCHED])
        if side is not None and side < least_side(BETA):
            raise ConfigError(
                f"The recipe fda does nothing to crops of {side} pixels: its low frequencies, beta={BETA} of the "
                f"shorter side, begin at {least_side(BETA)} pixels. Train on larger crops, or put a step with more "
                "into the config: dict(type='mmfan.AmplitudeMix', beta=0.09)."
            )
        # a hook that switches pipelines has no set of its own
        folders = picture_folders(cfg.train_dataloader.dataset if SWITCHED in part else part)
        # of several sets in one the step knows no common folder
        return {"type": "mmfan.AmplitudeMix", **({"styles": folders[0]} if len(folders) == 1 else {})}

    add_step(cfg, step)


def _side(steps: Any) -> int | None:
    """The shorter side of what the last crop leaves; None where no step says it."""
    for step in reversed(steps):
        size = step.get("scale" if short(step) == "RandomResizedCrop" else "crop_size")
        sides = size if isinstance(size, (list, tuple)) else [size]
        if size is not None or "Resize" in short(step):
            return min(sides) if all(isinstance(one, int) for one in sides) else None
    return None


def _apr(cfg: Config) -> None:
    if cfg.train_dataloader.get("batch_size") == 1:
        raise ConfigError(
            "The recipe apr swaps amplitudes within the batch of a process, and train_dataloader.batch_size is 1: give "
            "--cfg-options train_dataloader.batch_size=2, or take the recipe fda, whose donors are of the set."
        )
    add_hook(cfg, {"type": "mmfan.AmplitudeMixHook"})


def _adl(cfg: Config) -> None:
    if not cfg.model.get("backbone"):
        raise ConfigError(
            f"The recipe adl needs a segmentor or detector with mmfan.FAN or mmfan.FANHybrid as `model.backbone`; "
            f"{full_name(cfg.model.get('type'))} has no `backbone`."
        )
    add_hook(cfg, {"type": "mmfan.AttentionDiversityHook"})


def _step(**step: Any) -> Callable[[Config], None]:
    return lambda cfg: add_step(cfg, step)


def _on_labels(recipe: str, **step: Any) -> Callable[[Config], None]:
    """A step that needs label maps of pixels."""

    def change(cfg: Config) -> None:
        refuse(cfg, recipe, (DETECTION, *CLASSIFICATION), "a label map of each picture, gt_seg_map")
        add_step(cfg, step)

    return change


def _ema(cfg: Config) -> None:
    """A memory of a twentieth of the training; where the iterations are not known, of what has been trained so far."""
    length = cfg.train_cfg.get("max_iters")
    # momentum, the share of the new weights, is max(momentum, gamma / (gamma + steps)) where it anneals: the least is
    # there as mmengine wants one above 0
    kind: dict[str, Any] = (
        {"ema_type": "ExponentialMovingAverage", "momentum": min(0.05, 20 / length)}
        if length
        else {"ema_type": "MomentumAnnealingEMA", "gamma": 20, "momentum": 1e-6}
    )
    add_hook(cfg, {"type": "EMAHook", **kind, "update_buffers": True})


def _swa(cfg: Config) -> None:
    by_epoch = "max_epochs" in cfg.train_cfg
    length = cfg.train_cfg.get("max_epochs" if by_epoch else "max_iters")
    if not length:
        raise ConfigError("Averaging over the last quarter of a training needs train_cfg.max_iters or max_epochs.")
    # mmengine begins with the epoch of that number, counted from 1
    begin = {"begin_epoch": int(0.75 * length) + 1} if by_epoch else {"begin_iter": int(0.75 * length)}
    add_hook(cfg, {"type": "EMAHook", "ema_type": "StochasticWeightAverage", "update_buffers": True, **begin})


# name -> what it does, and to what
RECIPES: dict[str, tuple[str, Callable[[Config], None]]] = {
    "cwfa": ("features pushed along their mean behind each stage (arXiv 2412.01941)", partial(_cwfa, prob=0.3)),
    "cwfa-light": ("the pushes of cwfa, a sixth as often: for short trainings", partial(_cwfa, prob=0.05)),
    "augmix": ("AugMix copies and a loss of consistency (arXiv 1912.02781)", _augmix),
    "augmix-plain": ("AugMix as an augmentation alone", _step(**AUGMIX)),
    "oamix": ("AugMix by objects and a loss of consistency, detectors (arXiv 2312.12133)", _oamix),
    "teacher": ("a teacher on the clean picture, the student on an AugMix copy", _teacher),
    "apr": ("amplitudes swapped within the batch", _apr),
    "fda": ("low frequencies of other pictures of the set (arXiv 2004.05498)", _fda),
    "adl": ("attention of FAN asked to differ from query to query (TAPADL, ICCV 2023)", _adl),
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
        seed: Of the draws, 0 to 2^32 - 1; hooks that name one keep theirs, and steps one other than 0.

    Returns:
        Lines on what was changed, the last one on what the training shows of the tests.

    Raises:
        ConfigError: ``names`` is a text, there is no recipe of a name, two of them do not go together, the config has
            no place for one or it would do nothing there, or ``seed`` is no seed.
    """
    seed = checked_seed("seed", seed)
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
    hooks_of(cfg)  # before anything is changed
    before = _overlap(cfg)
    lines = []
    for name in names:
        told, change = RECIPES[name]
        was = _snapshot(cfg)
        change(cfg)
        changes = _differences(was, _snapshot(cfg))
        lines.append(f"{name}: {told}{': ' if changes else ''}{'; '.join(changes)}")
    lines.append(seed_draws(cfg, seed))
    after = _overlap(cfg)
    more = [name for name in after.types if name not in before.types]
    seen = ", ".join(after.types) or "none"
    unsaid = f"; nobody has said what these show: {', '.join(after.unknown)}" if after.unknown else ""
    added = ", ".join(more) or "none"
    lines.append(f"corruptions of the tests that the training shows: {seen} (by the recipes: {added}){unsaid}")
    return lines


def _overlap(cfg: Config) -> Any:
    steps = [*inner_steps(cfg), *(step for part, key in pipelines(cfg) for step in part[key])]
    return overlap_of(steps, more=hooks_that_show(hooks_of(cfg)))


def _snapshot(cfg: Config) -> dict[str, Any]:
    steps = [step for part, key in pipelines(cfg) for step in part[key]]
    return {
        "model.type": [full_name(cfg.model.get("type"))],
        "train pipeline": [_call(step) for step in steps],
        "custom_hooks": [
            _call({key: value for key, value in hook.items() if key != SWITCHED}) for hook in hooks_of(cfg)
        ],
    }


def _call(part: Any) -> str:
    settings = ", ".join(f"{key}={_call(value) if isinstance(value, dict) else _value(value)}"
                         for key, value in part.items() if key != "type")  # fmt: skip
    return f"{full_name(part.get('type'))}({settings})"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_call(one) if isinstance(one, dict) else repr(one) for one in value)}]"
    return repr(value)


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{key} + {new}" for key, values in after.items() for new in dict.fromkeys(values) if new not in before[key]
    ]
