"""Taps of a model's backbone, by the name that analyses know them by; they live in :mod:`mmfan.models.taps`."""

from mmfan.models.taps import (
    KINDS,
    PROBE,
    Features,
    Tap,
    TapError,
    TapRecorder,
    backbone_of,
    choose_taps,
    describe_taps,
    eval_mode,
    find_tap,
    list_taps,
)

__all__ = [
    "KINDS",
    "PROBE",
    "Features",
    "Tap",
    "TapError",
    "TapRecorder",
    "backbone_of",
    "choose_taps",
    "describe_taps",
    "eval_mode",
    "find_tap",
    "list_taps",
]
