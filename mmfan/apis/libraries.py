"""Of which library a config is, whether its types are names, paths of classes or the classes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.utils import get_object_from_string

from mmfan.utils.type_names import full_name, package_and_name

LIBRARIES = ("mmseg", "mmdet", "mmpretrain")


def library_of(cfg: Mapping[str, Any]) -> str:
    """The library whose kind of model a config has: one of :data:`LIBRARIES`, or empty where nothing says.

    That is its ``default_scope``; configs in mmengine's pure Python have none, and the type of the model says. Of a
    wrapper it is the model inside: ``of`` of mmfan's, ``module`` of those of test-time augmentation.

    >>> library_of({"default_scope": "mmdet"}), library_of({"model": {"type": "mmfan.TeacherWrapper", "of": "mmseg.A"}})
    ('mmdet', 'mmseg')
    """
    scope = cfg.get("default_scope")
    if scope in LIBRARIES:
        return str(scope)
    model = cfg.get("model")
    while isinstance(model, Mapping) and isinstance(model.get("module"), Mapping):
        model = model["module"]
    kind = (model.get("of") or model.get("type")) if isinstance(model, Mapping) else None
    packages = (package_and_name(name)[0] for name in lineage(kind))
    return next((package for package in packages if package in LIBRARIES), "")


def scope_of(cfg: Mapping[str, Any]) -> str | None:
    """The scope in which the parts of a config are built: its own, else its library, where none is written mmseg.

    Parts that are classes build others by names alone, which are those of their library.
    """
    return cfg.get("default_scope") or library_of(cfg) or (None if "default_scope" in cfg else "mmseg")


def is_robustness_loop(kind: Any) -> bool:
    """Whether a type of ``test_cfg`` is mmfan's RobustnessLoop, or one of one's own made of it.

    >>> is_robustness_loop("mmfan.RobustnessLoop"), is_robustness_loop("TestLoop")
    (True, False)
    """
    return any(name.endswith("RobustnessLoop") for name in lineage(kind))


def lineage(kind: Any) -> list[str]:
    """The full name of a type, and those of the bases of a class or of what a path leads to.

    >>> lineage(KeyError)[:2], lineage("mmseg.EncoderDecoder")
    (['builtins.KeyError', 'builtins.LookupError'], ['mmseg.EncoderDecoder'])
    """
    package, _ = package_and_name(kind)
    # what a library calls its own need not be imported
    found = get_object_from_string(kind) if isinstance(kind, str) and package not in ("", *LIBRARIES) else kind
    return [full_name(one) for one in getattr(found, "__mro__", (kind,))]
