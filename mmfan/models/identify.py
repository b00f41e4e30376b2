"""Identification of a published model from the names and shapes of the tensors in its state dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmfan.models.backbones import fan, fan_hybrid, fan_swin
from mmfan.models.official_weights import describe
from mmfan.models.safe_load import CheckpointError
from mmfan.registry import MODELS

FAMILIES = {"mmfan.FAN": fan.ARCHS, "mmfan.FANHybrid": fan_hybrid.ARCHS, "mmfan.FANSwin": fan_swin.ARCHS}
POOLING_KEY = "blocks.0.pool.conv2.weight"
WIDTH_KEYS = ("blocks.0.norm1.weight", "layers.0.blocks.0.norm1.weight")


def identify_backbone(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The config of the published backbone that these weights fit.

    Args:
        state: A backbone's weights under mmfan's names, without prefix.

    Returns:
        E.g. ``{'type': 'mmfan.FANHybrid', 'arch': 'tiny', 'channel_mixer': 'eca', 'final_downsample': False}``,
        with ``'out_norm': True`` where there are output norms and ``'token_pooling'`` where there is TAP. FAN-Swin has
        no ``final_downsample``.

    Raises:
        CheckpointError: They fit none of the published sizes.
    """
    width = next((len(state[key]) for key in WIDTH_KEYS if key in state), None)
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    for family, archs in FAMILIES.items():
        for arch, numbers in archs.items():
            if numbers["embed_dims"] != width:
                continue
            config = {
                "type": family,
                "arch": arch,
                "channel_mixer": "se" if any(".mlp.se." in key for key in state) else "eca",
                "final_downsample": any(key.startswith("learnable_downsample.") for key in state),
                **({"token_pooling": len(state[POOLING_KEY])} if POOLING_KEY in state else {}),
                **({"out_norm": True} if any(key.startswith("out_norm") for key in state) else {}),
            }
            if family == "mmfan.FANSwin":
                del config["final_downsample"]  # it ends at stride 32 by itself
            with torch.device("meta"):
                own = {key: tuple(value.shape) for key, value in MODELS.build(config).state_dict().items()}
            if own == shapes:
                return config
    raise CheckpointError(f"The weights fit no published FAN backbone; they look like {describe(state)}.")


def identify(state: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """The configs of the backbone and, for a whole segmentor, of the head that these weights fit.

    Args:
        state: Weights under mmfan's names; a segmentor's carry ``backbone.`` and ``decode_head.``.

    Returns:
        ``{'backbone': config}`` or ``{'backbone': config, 'decode_head': config}``.

    Raises:
        CheckpointError: They fit no published backbone, or the head is not a SegFormer head of FAN.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        part, _, name = key.partition(".")
        if part in ("backbone", "decode_head"):
            parts.setdefault(part, {})[name] = value
        else:
            parts.setdefault("rest", {})[key] = value
    if "backbone" not in parts:
        return {"backbone": identify_backbone(state)}
    if "rest" in parts:
        raise CheckpointError(f"Expected only backbone.* and decode_head.*, got also {sorted(parts['rest'])[:5]}.")
    configs = {"backbone": identify_backbone(parts["backbone"])}
    head = parts.get("decode_head")
    if head:
        levels = sorted(key for key in head if key.startswith("projections.") and key.endswith("weight"))
        if not levels or "conv_seg.weight" not in head:
            raise CheckpointError(f"The decode head is not FAN's SegFormer head; it has {sorted(head)[:5]}.")
        embed_dim = head[levels[0]].shape[0]
        configs["decode_head"] = {
            "type": "mmfan.FANSegformerHead",
            "in_channels": [head[key].shape[1] for key in levels],
            "in_index": list(range(len(levels))),
            "embed_dim": embed_dim,
            "num_classes": head["conv_seg.weight"].shape[0],
        }
        with torch.device("meta"):
            own = {key: value.shape for key, value in MODELS.build(configs["decode_head"]).state_dict().items()}
        wrong = sorted(
            key
            for key in own.keys() | head.keys()
            if key not in own or own[key] != getattr(head.get(key), "shape", None)
        )
        if wrong:
            raise CheckpointError(f"The decode head does not fit FAN's SegFormer head in {wrong[:5]}.")
    return configs
