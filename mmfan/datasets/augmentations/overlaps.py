"""Corruptions of the tests that a training pipeline shows already: each step's, and their union.

A test on a type of picture that the model was trained on says little of pictures it never met. So each augmentation of
mmfan declares what it overlaps in ``overlaps``, here stands the same for the transforms of mmcv, mmsegmentation and
mmdetection, and the union is written into the checkpoint, the results and the report. The rule, strict rather than
lenient (autocontrast is a weak form of the contrast that is tested, and counts):

===========================  =========================================================================
test type                    operations of training that count
===========================  =========================================================================
brightness                   brightness, gamma, photometric distortion, random filters, amplitudes of others
contrast                     the same but gamma; contrast, autocontrast, equalize, CLAHE
saturate                     the same but gamma; colour, saturation, grey
the noises                   additive or multiplicative noise of pixels
the blurs                    Gaussian, motion, box blur; sharpness below 1; random filters
jpeg_compression, pixelate   coding as JPEG, scaling down and up
elastic_transform            elastic warps
snow, frost, fog, spatter    the same
checkerboard_cutout          blocks cut out or hidden
single_frequency_greyscale   waves of one frequency
===========================  =========================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmfan.corruptions import BUILT_IN, GROUPS
from mmfan.datasets.transforms.choices import expand_corruptions
from mmfan.datasets.transforms.pipelines import walk
from mmfan.errors import MMFanError
from mmfan.utils.type_names import full_name, package_and_name

NOISES = frozenset(GROUPS["noise"])
BLURS = frozenset(GROUPS["blur"])
PHOTOMETRIC = frozenset({"brightness", "contrast", "saturate"})
# What FAN's published recipes show a model before anything is added: PhotoMetricDistortion in fine-tuning, RandAugment
# in pre-training.
OF_FAN_RECIPE = PHOTOMETRIC

# Transforms of others by the name of their class.
FOREIGN: dict[str, frozenset[str]] = {
    "PhotoMetricDistortion": PHOTOMETRIC,
    "YOLOXHSVRandomAug": frozenset({"brightness", "saturate"}),
    "AdjustGamma": frozenset({"brightness"}),
    "BioMedicalGaussianBlur": BLURS,
    "BioMedicalGaussianNoise": NOISES,
    "BioMedicalRandomGamma": frozenset({"brightness"}),
    "CLAHE": frozenset({"contrast"}),
    "RGB2Gray": frozenset({"saturate"}),
    "RandomGrayscale": frozenset({"saturate"}),
    "Brightness": frozenset({"brightness"}),
    "Contrast": frozenset({"contrast"}),
    "AutoContrast": frozenset({"contrast"}),
    "Equalize": frozenset({"contrast"}),
    "Color": frozenset({"saturate"}),
    "ColorTransform": frozenset({"saturate"}),
    "Sharpness": BLURS,
    "BandNoise": NOISES,
    "ColorJitter": PHOTOMETRIC,
    "GaussianBlur": BLURS,
    "CutOut": frozenset({"checkerboard_cutout"}),
    "RandomCutOut": frozenset({"checkerboard_cutout"}),
    "RandomErasing": frozenset({"checkerboard_cutout"}),
    "PatchDrop": frozenset({"checkerboard_cutout"}),
}
# Without a table of steps these two draw from the whole space of colours; a table's steps are looked at one by one.
POLICIES = {"AutoAugment": "policies", "RandAugment": "aug_space"}
# These move or cut a picture, or put others into it, so that labels have to follow; nothing of it overlaps.
MOVING = frozenset({
    "BioMedical3DPad", "BioMedical3DRandomCrop", "BioMedical3DRandomFlip", "CachedMixUp", "CachedMosaic",
    "CenterCrop", "CopyPaste", "Expand", "FixShapeResize", "GeomTransform", "MinIoURandomCrop", "MixUp", "Mosaic",
    "Pad", "RandomAffine", "RandomCenterCropPad", "RandomChoiceResize", "RandomCrop", "RandomFlip", "RandomMosaic",
    "RandomResize", "RandomResizedCrop", "RandomRotFlip", "RandomRotate", "RandomShift", "Resize", "ResizeEdge",
    "ResizeShortestEdge", "ResizeToMultiple", "Rotate", "SegRescale", "Shear", "ShearX", "ShearY", "Translate",
    "TranslateX", "TranslateY",
})  # fmt: skip
# Known to change no picture, or only where things are in it and what is hidden.
NEUTRAL = MOVING | {
    "Compose", "DefaultFormatBundle", "FilterAnnotations", "GenerateEdge", "Invert", "KeyMapper", "Normalize",
    "PackDetInputs", "PackInputs", "PackSegInputs", "Posterize", "RandomApply", "RandomChoice", "RandomOrder",
    "Rerange", "Solarize", "SolarizeAdd", "ToTensor", "TransformBroadcaster",
}  # fmt: skip
# Where it stands in the meta of a checkpoint, and in the records of its judging.
OVERLAP_KEY = "training_overlap"
# These hold steps, which are looked at one by one.
HOLDERS = ("transforms", "subroutines", *POLICIES.values())


@dataclass(frozen=True)
class Overlap:
    """What a training pipeline shows of the tests.

    Attributes:
        types: Names of the corruptions, in the order of the benchmark.
        by_step: Step -> those it shows; steps without any are left out.
        unknown: Steps that nobody has said anything about.
    """

    types: tuple[str, ...]
    by_step: dict[str, tuple[str, ...]]
    unknown: tuple[str, ...] = ()

    @property
    def added(self) -> tuple[str, ...]:
        """The types beyond those of FAN's published recipes (brightness, contrast, saturate)."""
        return tuple(name for name in self.types if name not in OF_FAN_RECIPE)

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        return {
            "overlaps": list(self.types),
            "added": list(self.added),
            "by_step": {name: list(types) for name, types in self.by_step.items()},
            "unknown": list(self.unknown),
        }


def overlap_from(meta: Any) -> Overlap | None:
    """What the meta of a checkpoint says of its training; None where it says nothing that can be read."""
    told = meta.get(OVERLAP_KEY) if isinstance(meta, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    by_step = told.get("by_step")
    lists = [told.get("overlaps"), told.get("unknown", []), *(by_step.values() if isinstance(by_step, Mapping) else [])]
    if not all(isinstance(one, (list, tuple)) and all(isinstance(name, str) for name in one) for one in lists):
        return None
    steps = {str(name): ordered(types) for name, types in (by_step or {}).items()}
    return Overlap(ordered(told["overlaps"]), steps, tuple(told.get("unknown", ())))


def joined(first: Overlap, second: Overlap) -> Overlap:
    """What two trainings, one after the other, show together."""
    steps = {
        name: ordered((*first.by_step.get(name, ()), *second.by_step.get(name, ())))
        for name in (*first.by_step, *second.by_step)
    }
    unknown = tuple(dict.fromkeys((*first.unknown, *second.unknown)))
    return Overlap(ordered((*first.types, *second.types)), steps, unknown)


def ordered(types: Iterable[str]) -> tuple[str, ...]:
    """Names of corruptions in the order of the benchmark, others behind them by name.

    >>> ordered({"fog", "shot_noise", "drizzle"})
    ('shot_noise', 'fog', 'drizzle')
    """
    kept = set(types)
    return (*(name for name in BUILT_IN if name in kept), *sorted(kept - set(BUILT_IN)))


def overlap_of(pipeline: Any, more: Iterable[Any] = ()) -> Overlap:
    """What the steps of a training pipeline show of the tests, as a union.

    Args:
        pipeline: Its steps, as built ones or as a config has them; nested ones are looked at too.
        more: What else changes pictures in training: hooks of mmfan that declare ``overlaps``.
    """
    by_step: dict[str, tuple[str, ...]] = {}
    unknown: list[str] = []
    for step in (*_steps_of(pipeline), *more):
        name, types = overlaps_of_step(step)
        if types is None:
            unknown.append(name)
        elif types:
            by_step[name] = ordered({*by_step.get(name, ()), *types})
    every = ordered(name for types in by_step.values() for name in types)
    return Overlap(every, by_step, tuple(dict.fromkeys(unknown)))


def overlaps_of_step(step: Any) -> tuple[str, frozenset[str] | None]:
    """The name of a step, and what it overlaps; None where nobody has said.

    Args:
        step: Built, or the config of one; a step of mmfan whose settings decide is built from its config to be asked.

    Raises:
        MMFanError: Its ``overlaps`` are no names of corruptions.
    """
    from mmengine.registry import TRANSFORMS

    built = _asked(step, TRANSFORMS) if isinstance(step, Mapping) else step
    if isinstance(built, Mapping):
        name = package_and_name(built.get("type"))[1]
        if name == "Corrupt":
            return name, frozenset(_types_of_corrupt(built.get("corruption")))
        if name in POLICIES:
            return name, frozenset() if POLICIES[name] in built else PHOTOMETRIC | BLURS
    else:
        name = (built if isinstance(built, type) else type(built)).__name__
        declared = getattr(built, "overlaps", None)
        if declared is not None:
            return name, _checked(name, declared)
        if name == "Corrupt":
            return name, frozenset(_types_of_corrupt(getattr(built, "corruption", None)))
        if name in POLICIES:
            return name, frozenset()
    if name in FOREIGN:
        return name, FOREIGN[name]
    return name, frozenset() if name in NEUTRAL or name.startswith("Load") else None


def check_still(whose: str, steps: Any) -> None:
    """Refuse steps that move, cut or load pictures, where labels stay what they are.

    A step of one's own says so by an attribute ``moves``, which is True.

    Args:
        whose: What takes the steps, for the message.
        steps: As built, or as a config has them; nested ones are looked at too.

    Raises:
        MMFanError: Names the steps.
    """
    moving = [_shown(step) for step in _every(steps) if _moves(step)]
    if moving:
        raise MMFanError(
            f"{whose} changes pictures whose labels stay, so that none may be moved, cut or loaded anew, as "
            f"{', '.join(dict.fromkeys(moving))} would: put such a step into the pipeline before {whose}."
        )


def _every(steps: Any) -> Iterator[Any]:
    if isinstance(steps, (list, tuple)):
        for step in steps:
            yield from _every(step)
    elif not isinstance(steps, str):  # mmpretrain's policies may be a name
        yield steps
        for holder in HOLDERS:
            held = steps.get(holder) if isinstance(steps, Mapping) else getattr(steps, holder, None)
            yield from _every(held or ())


def _moves(step: Any) -> bool:
    kind = step.get("type") if isinstance(step, Mapping) else type(step)
    # one of one's own may be made of a known one
    names = [one.__name__ for one in kind.__mro__] if isinstance(kind, type) else [package_and_name(kind)[1]]
    says = getattr(kind if isinstance(step, Mapping) else step, "moves", False) is True
    return says or any(name in MOVING or name.startswith("Load") for name in names)


def _shown(step: Any) -> str:
    if isinstance(step, Mapping):
        return full_name(step.get("type"))
    setting = (
        "(geometry=True)" if getattr(step, "geometry", False) is True else ""
    )  # of AugMix, which else moves nothing
    return f"{type(step).__name__}{setting}"


def _checked(name: str, declared: Any) -> frozenset[str]:
    if isinstance(declared, str) or not all(isinstance(one, str) for one in declared):
        raise MMFanError(f"Expected `overlaps` of {name} to be names of corruptions, got {declared!r:.80}.")
    return frozenset(declared)


def _types_of_corrupt(corruption: Any) -> tuple[str, ...]:
    return () if corruption in (None, "clean") else expand_corruptions(corruption)


def hooks_that_show(hooks: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Of configs of hooks those that declare overlaps, for ``more`` of :func:`overlap_of`: their classes, or built."""
    from mmengine.registry import HOOKS

    shown = [hook for hook in hooks if any(getattr(one, "overlaps", None) for one in _classes(hook, HOOKS))]
    return [one for one in (_asked(hook, HOOKS) for hook in shown) if not isinstance(one, Mapping)]


def _asked(part: Mapping[str, Any], registry: Any) -> Any:
    """Who tells what a config shows: the class, if it says it all; of mmfan what is built; else the config."""
    for one in _classes(part, registry):
        if isinstance(getattr(one, "overlaps", None), (frozenset, set, tuple, list)):
            return one  # not built: its files may not be here
    return registry.build(dict(part)) if _of_mmfan(part) else part


def _of_mmfan(part: Mapping[str, Any]) -> bool:
    return package_and_name(part.get("type"))[0] == "mmfan"


def _classes(part: Mapping[str, Any], registry: Any) -> list[Any]:
    """The classes that the type of a config may mean, of those that are loaded: no other package is imported for it."""
    kind = part.get("type")
    if not isinstance(kind, str):
        return [kind]
    if _of_mmfan(part):
        return [registry.get(kind)]
    scope, _, name = kind.rpartition(".")
    registries = (registry, *registry.children.values())
    found = [one.module_dict.get(name) for one in registries if scope in ("", one.scope)]
    found.append(getattr(sys.modules.get(scope), name, None))  # by its path
    return [one for one in found if one is not None]


def _steps_of(pipeline: Any) -> Iterable[Any]:
    if isinstance(pipeline, (list, tuple)):
        for step in pipeline:
            yield from _steps_of(step)
    elif isinstance(pipeline, Mapping):
        yield pipeline
        if not _of_mmfan(pipeline):  # those declare for what they hold
            for holder in HOLDERS:
                held = pipeline.get(holder) or ()
                yield from () if isinstance(held, str) else _steps_of(held)  # mmpretrain's policies may be a name
    else:
        yield from walk(pipeline)
