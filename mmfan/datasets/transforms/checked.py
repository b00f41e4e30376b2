"""Loading steps in the config of a pipeline: the plain ones by their names, in the form that checks what is read.

Configs name ``LoadImageFromFile`` and ``LoadAnnotations``, because that is what mmsegmentation's inferencers look for;
mmfan's datasets build :class:`mmfan.datasets.transforms.LoadImageFromFile` and
:class:`mmfan.datasets.transforms.LoadSegAnnotations` of them, which read the same and say what is wrong with a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmfan.utils.type_names import full_name, package_and_name

CHECKED = {"LoadImageFromFile": "mmfan.LoadImageFromFile", "LoadAnnotations": "mmfan.LoadSegAnnotations"}
# What the plain names stand for, as configs in pure Python name it: by class, or by the path of one.
CLASSES = {("mmcv", "LoadImageFromFile"), ("mmseg", "LoadAnnotations")}


def checked_steps(steps: Any) -> Any:
    """The steps of a segmentation pipeline, with the checked form of those that load; nested ones too.

    Args:
        steps: As a config has them; they are not changed. Steps that are built already stay what they are.

    >>> checked_steps([dict(type="LoadImageFromFile"), dict(type="PackSegInputs")])
    [{'type': 'mmfan.LoadImageFromFile'}, {'type': 'PackSegInputs'}]
    """
    if isinstance(steps, Mapping):
        inner = {key: checked_steps(value) for key, value in steps.items()}
        name = _plain_name(inner.get("type"))
        return {**inner, "type": CHECKED[name]} if name in CHECKED else inner
    return type(steps)(map(checked_steps, steps)) if type(steps) in (list, tuple) else steps


def _plain_name(kind: Any) -> str:
    """What a config of names calls a type; one with its package alone (``mmseg.LoadAnnotations``) is meant as it is."""
    name = full_name(kind)
    return package_and_name(name)[1] if name.count(".") > 1 and package_and_name(name) in CLASSES else name
