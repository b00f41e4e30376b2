"""Keys that a part of a config takes beside those that it has: by the signature of the class that is built of it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import mmengine.registry
import torch
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner, TestLoop, ValLoop

from mmfan.errors import MMFanError
from mmfan.utils.type_names import full_name


class Accepted(NamedTuple):
    """What a dict of a config may hold.

    Attributes:
        names: Known keys.
        others: Whether it may hold others.
        owner: What takes them, for a message; empty where nothing is known.
    """

    names: frozenset[str]
    others: bool
    owner: str = ""


def parameters_of(function: Callable) -> set[str]:
    """Names that a function takes as keywords."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds} - {"self"}


RUNNER_ARGUMENTS = tuple(name for name in inspect.signature(Runner.__init__).parameters if name not in ("self", "cfg"))
# What mmengine, mmseg, mmdet and the commands read from a config beside the arguments of the Runner.
READ_FROM_CONFIGS = frozenset(
    {"activation_checkpointing", "auto_scale_lr", "compile", "convert_syncbn", "custom_imports",
     "find_unused_parameters", "model_wrapper_cfg", "runner_type", "sync_bn", "tta_model", "tta_pipeline"}
)  # fmt: skip
# Of what the parts of a config are built; each of OpenMMLab's packages has one below each of these.
_REGISTRIES: tuple[Registry, ...] = tuple(
    getattr(mmengine.registry, name)
    for name in ("MODELS", "DATASETS", "TRANSFORMS", "HOOKS", "LOOPS", "METRICS", "EVALUATOR", "OPTIMIZERS",
                 "OPTIM_WRAPPERS", "PARAM_SCHEDULERS", "DATA_SAMPLERS", "TASK_UTILS", "WEIGHT_INITIALIZERS",
                 "VISUALIZERS", "VISBACKENDS", "LOG_PROCESSORS")
)  # fmt: skip
_HOOKS = {"runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint", "visualization"}
_ENVIRONMENT = {"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"}
_PARAMWISE = {
    "custom_keys", "bias_lr_mult", "bias_decay_mult", "norm_decay_mult", "flat_decay_mult", "dwconv_decay_mult",
    "dcn_offset_lr_mult", "bypass_duplicate",
}  # fmt: skip
_DEFAULT_TYPES = {"optim_wrapper": "OptimWrapper", "log_processor": "LogProcessor", "visualizer": "Visualizer"}
_OF_RUNNER = {"dataset", "sampler", "batch_sampler", "collate_fn", "worker_init_fn", "num_batch_per_epoch"}
_LOADER = parameters_of(torch.utils.data.DataLoader.__init__) | _OF_RUNNER
_LOOPS = {
    "train_cfg": parameters_of(EpochBasedTrainLoop.__init__) | parameters_of(IterBasedTrainLoop.__init__),
    "val_cfg": parameters_of(ValLoop.__init__),
    "test_cfg": parameters_of(TestLoop.__init__),
}
# What is taken out of a dict before its class is built.
_TAKEN_OUT = {
    "norm_cfg": {"requires_grad"}, "conv_cfg": {"padding_mode"}, "param_scheduler": {"convert_to_iter_based"},
    "optim_wrapper": {"constructor", "paramwise_cfg", "optimizer", "accumulative_counts", "clip_grad"},
}  # fmt: skip


def accepted_keys(part: Mapping[str, Any], place: str, scope: str | None) -> Accepted:
    """What a part of a config may hold.

    Args:
        part: The dict as it is.
        place: Its dotted key: ``'model.backbone'``, ``'train_dataloader.dataset.pipeline.1'``.
        scope: The ``default_scope`` of the config, where types without a scope of their own are looked up.
    """
    own = frozenset(part)
    if place.endswith("_dataloader"):
        return Accepted(own | _LOADER, False, f"{place}, a dataloader,")
    if place in _LOOPS and "type" not in part:
        return Accepted(own | _LOOPS[place] | {"by_epoch"}, False, f"{place}, a loop,")
    if place == "randomness":
        return Accepted(own | parameters_of(Runner.set_randomness), False)
    if place == "auto_scale_lr":
        return Accepted(own | {"enable", "base_batch_size"}, False)
    if place in ("default_hooks", "env_cfg"):
        return Accepted(own | (_HOOKS if place == "default_hooks" else _ENVIRONMENT), True)
    if place.endswith(".paramwise_cfg"):
        return Accepted(own | _PARAMWISE, True)
    kind = part.get("type", _DEFAULT_TYPES.get(place))
    if kind is None:
        return Accepted(own, True)
    found = [_of_class(one) for one in _classes_of(kind, part.get("_scope_", scope))]
    word = next((word for word in reversed(place.split(".")) if not word.isdigit()), "")
    more = next((names for ending, names in _TAKEN_OUT.items() if word.endswith(ending)), set())
    names = own.union(more, *(one.names for one in found))
    return Accepted(names, not found or any(one.others for one in found), f"{place}, {full_name(kind)},")


def _classes_of(kind: Any, scope: str | None) -> list[Callable]:
    """The class or function that a type stands for: each that a registry of mmengine or of the scope has."""
    if not isinstance(kind, str):
        return [kind] if callable(kind) else []
    found: dict[int, Callable] = {}
    with DefaultScope.overwrite_default_scope(scope):
        for root in _REGISTRIES:
            one = _registered(root, kind)
            found |= {} if one is None else {id(one): one}
    return list(found.values())


def _registered(root: Registry, kind: str) -> Callable | None:
    try:
        with root.switch_scope_and_registry(None) as registry:
            return registry.get(kind)
    except (ImportError, KeyError, MMFanError):  # of a package that is not here: building it says so
        return None


def _of_class(kind: Callable) -> Accepted:
    """What a class takes: its own arguments, and of its bases those that ``**keywords`` hands on to them."""
    names: set[str] = set()
    for init in _inits(kind):
        try:
            names |= parameters_of(init)
        except (TypeError, ValueError):  # written in C
            return Accepted(frozenset(names), True)
        rest = [one for one in inspect.signature(init).parameters.values() if one.kind is one.VAR_KEYWORD]
        if not rest:
            break
        if not _only_handed_on(init, rest[0].name):
            return Accepted(frozenset(names), True)
    return Accepted(frozenset(names), False)


def _inits(kind: Callable) -> Iterator[Callable]:
    if not inspect.isclass(kind):
        yield kind
        return
    for base in kind.__mro__:
        if base in (object, torch.nn.Module):
            return
        if "__init__" in vars(base):
            yield vars(base)["__init__"]


def _only_handed_on(init: Callable, keywords: str) -> bool:
    """Whether all that a constructor does with its ``**keywords`` is to hand them to that of its base, or nothing."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(init))))
    except (OSError, TypeError, SyntaxError):
        return False
    uses = sum(isinstance(node, ast.Name) and node.id == keywords for node in ast.walk(tree))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_init_of_base(node.func))
    handed_on = sum(one.arg is None and ast.unparse(one.value) == keywords for call in calls for one in call.keywords)
    return uses == handed_on


def _is_init_of_base(function: ast.expr) -> bool:
    return re.fullmatch(r"super\(.*\)\.__init__", ast.unparse(function)) is not None
