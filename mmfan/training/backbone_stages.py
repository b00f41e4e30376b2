"""Stages of a backbone by the names of their modules: where one ends, its features feed the next and the head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from mmfan.errors import ConfigError
from mmfan.utils.text import shortlist


def _fan(backbone: Any) -> list[str]:
    early = len(backbone.embedding_stages()) - 2  # without the stem and the rest
    stages = [f"patch_embed.backbone.stages.{number}" for number in range(max(early, 0))]
    return [*stages, *(f"blocks.{number}" for number in backbone.out_indices)]


def _layers(backbone: Any) -> list[str]:
    return [f"layers.{number}" for number in range(len(backbone.layers))]


def _last_children(backbone: Any) -> list[str]:
    names = [list(dict(layer.named_children())) for layer in backbone.layers]
    return [f"layers.{number}.{children[-1]}" for number, children in enumerate(names)]


def _norms_of_layers(backbone: Any) -> list[str]:
    # each layer is (patch embedding, blocks, norm), and the norm's output goes on
    return [f"layers.{number}.2" for number in range(len(backbone.layers))]


def _last_blocks(backbone: Any) -> list[str]:
    # a stage of Swin ends in the merging of patches, which the head does not see
    return [f"stages.{number}.blocks.{len(stage.blocks) - 1}" for number, stage in enumerate(backbone.stages)]


def _residual(backbone: Any) -> list[str]:
    return list(backbone.res_layers)


def _named_stages(backbone: Any) -> list[str]:
    return list(backbone.layers)[1:]  # the first is the stem


def _blocks_that_are_read(backbone: Any) -> list[str]:
    return [f"layers.{number}" for number in backbone.out_indices]


# by the name of a class of the backbone, or of one it is derived from
KNOWN: dict[str, Callable[[Any], list[str]]] = {
    "FANBackbone": _fan,
    "FANSwin": _layers,
    "AlterNet": _last_children,
    "MixVisionTransformer": _norms_of_layers,
    "PyramidVisionTransformer": _norms_of_layers,
    "SwinTransformer": _last_blocks,
    "ResNet": _residual,
    "CSPDarknet": _named_stages,
    "CSPNeXt": _named_stages,
    "VisionTransformer": _blocks_that_are_read,
}


def stage_names(model: nn.Module) -> list[str]:
    """Names, within a model, of the modules that a stage of its backbone ends with.

    Args:
        model: A segmentor, a detector or a classifier (``network.backbone``) with a ``backbone``: FAN, FAN-Swin,
            AlterNet, MiT (SegFormer), PVT, Swin, ViT, ResNet, CSPDarknet (YOLOX), CSPNeXt (RTMDet) and what is derived
            from them.

    Raises:
        ConfigError: There is no backbone, or one of another kind; its modules are named.
    """
    own = "network.backbone" if isinstance(getattr(model, "network", None), nn.Module) else "backbone"
    backbone = dict(model.named_modules()).get(own)
    if backbone is None:
        raise ConfigError(f"{type(model).__name__} has no `backbone`: name the modules with `layers`.")
    for kind in type(backbone).__mro__:
        if kind.__name__ in KNOWN:
            return [f"{own}.{name}" for name in KNOWN[kind.__name__](backbone)]
    children = [f"{own}.{name}" for name, _ in backbone.named_children()]
    raise ConfigError(
        f"The stages of {type(backbone).__name__} are not known: name the modules that they end with, "
        f"layers=[...]. It has {shortlist(children, 12)}."
    )


def named_layers(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    """The modules of these names.

    Raises:
        ConfigError: One of them is not there, or named twice.
    """
    modules = dict(model.named_modules())
    missing = [name for name in layers if name not in modules or not name]
    if missing:
        parent = missing[0].rpartition(".")[0]
        near = [name for name in modules if name.rpartition(".")[0] == parent]
        raise ConfigError(
            f"`layers` names {missing[0]!r}, which the model lacks. Names are those of "
            f"model.named_modules(); {f'{parent} has' if parent else 'there are'} {shortlist(near, 12) or 'none'}."
        )
    if len(set(layers)) < len(layers):
        raise ConfigError(f"`layers` names a module twice: {', '.join(layers)}.")
    return {name: modules[name] for name in layers}
