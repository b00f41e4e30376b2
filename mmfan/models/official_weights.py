"""Official checkpoints, read safely and with their keys turned into mmfan's.

The official FAN files are timm training checkpoints: weights under ``state_dict`` (and perhaps ``state_dict_ema``), an
``argparse.Namespace`` beside them, ``module.`` in front of the keys of distributed runs. They are read as all weight
files are (:func:`mmfan.models.safe_load.safe_load`), so a file cannot run code. mmfan's backbones carry the published
key names, so little renaming is left; what remains is in :func:`convert_official`, a pure function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from torch import Tensor, nn

from mmfan.models.safe_load import CheckpointError, compare_states, misfit, safe_load
from mmfan.models.weight_files.checks import problems_of, refuse
from mmfan.models.weight_files.sources import local_file
from mmfan.utils.text import shortlist

State = dict[str, Tensor]

# Keys of the ImageNet classifiers (FAN, and STL with its token head), which a dense backbone has no place for.
CLASSIFIER_KEYS = ("norm.", "head.", "aux_head.")
# Layers that a backbone adds to the ImageNet model: they may be missing from a file and then start fresh.
NEW_LAYERS = ("learnable_downsample.", "out_norm")

RENAMED = (
    (r"^pos_embeder\.", "pos_embed."),
    (r"^decode_head\.linear_fuse\.conv\.", "decode_head.fuse."),
    (r"^decode_head\.linear_fuse\.bn\.", "decode_head.fuse_norm."),
    (r"^decode_head\.linear_pred\.", "decode_head.conv_seg."),
)


# Parts of a FAN block; what else a published block holds are the layers of token-aware pooling (TAP).
BLOCK_PARTS = ("norm1.", "norm2.", "gamma1", "gamma2", "attn.", "mlp.", "downsample.", "pool.")


def read_official_weights(source: str | Path, ema: bool = False) -> State:
    """Read the tensors of a checkpoint without running code from it.

    Args:
        source: File, http(s) URL, or a name with one of mmengine's prefixes.
        ema: Take ``state_dict_ema``, the averaged weights of a timm checkpoint.

    Returns:
        Key -> tensor on the CPU, ``module.`` stripped.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file is truncated or damaged, holds objects other than weights, has no weights in it, or
            has some that cannot be used (quantised, sparse, NaN, ...).
    """
    content = safe_load(local_file(source), source)
    return _weights_of(content, ema, source)


def _weights_of(content: Any, ema: bool, source: str | Path) -> State:
    """Find the weights in what a file holds."""
    wanted = ("state_dict_ema",) if ema else ("state_dict", "model")
    if isinstance(content, Mapping):
        content = next((content[name] for name in wanted if name in content), None if ema else content)
    state = dict(content) if isinstance(content, Mapping) else {}
    refuse(problems_of(state), source)
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"Expected {source} to hold weights"
            + (" under `state_dict_ema`" if ema else ", plain or under `state_dict`")
            + ", found none."
        )
    return {key.removeprefix("module."): value for key, value in state.items()}


def convert_official(state: Mapping[str, Tensor]) -> State:
    """Published keys to mmfan's, for a backbone, a classifier or a whole segmentor.

    Backbones: old names are renamed, a fused ``qkv`` is split, the classifier is left out. Segmentors (keys under
    ``backbone.`` and ``decode_head.``): the head's layers get mmfan's names, and its ``conv_seg``, which the published
    head never used, is left out.

    >>> import torch
    >>> sorted(convert_official({"pos_embeder.x": torch.ones(1), "head.bias": torch.ones(1)}))
    ['pos_embed.x']
    >>> list(convert_official({"decode_head.linear_c1.proj.bias": torch.ones(1)}))
    ['decode_head.projections.0.bias']
    """
    converted: State = {}
    published_head = any(key.startswith("decode_head.linear_") for key in state)
    for key, value in state.items():
        prefix, name = ("backbone.", key.removeprefix("backbone.")) if key.startswith("backbone.") else ("", key)
        if name.startswith(CLASSIFIER_KEYS) or (published_head and name.startswith("decode_head.conv_seg.")):
            continue
        for pattern, replacement in RENAMED:
            name = re.sub(pattern, replacement, name)
        name = _pooling_key(name, value)
        level = re.fullmatch(r"decode_head\.linear_c(\d+)\.proj\.(weight|bias)", name)
        fused = re.fullmatch(r"(cls_attn_blocks\.\d+\.attn\.)qkv\.(weight|bias)", name)
        if level:
            converted[f"decode_head.projections.{int(level.group(1)) - 1}.{level.group(2)}"] = value
        elif fused:
            for part, tensor in zip("qkv", value.chunk(3), strict=True):
                converted[f"{prefix}{fused.group(1)}{part}.{fused.group(2)}"] = tensor
        else:
            converted[prefix + name] = value
    return converted


def _pooling_key(name: str, value: Tensor) -> str:
    """The name of a layer of token-aware pooling, which is known by its shape whatever it is called.

    Its two convolutions have K filters, the first over the width and the second over the K; the rest is a batch norm.

    >>> import torch
    >>> _pooling_key("blocks.3.any.0.weight", torch.zeros(4, 448, 3, 3))
    'blocks.3.pool.conv1.weight'
    """
    block = re.fullmatch(r"(blocks\.\d+\.)(.+)\.(\w+)", name)
    if block is None or f"{block.group(2)}.".startswith(BLOCK_PARTS):
        return name
    if value.ndim == 4 and tuple(value.shape[2:]) == (3, 3) and block.group(3) == "weight":
        part = "conv2" if value.shape[0] == value.shape[1] else "conv1"
    elif value.ndim < 2:
        part = "norm"
    else:
        return name
    return f"{block.group(1)}pool.{part}.{block.group(3)}"


# A key that tells the family, the pattern of its blocks, its name.
FAMILY_MARKS = (
    ("blocks.0.norm1.weight", r"blocks\.(\d+)\.", "FAN-ViT"),
    ("layers.0.blocks.0.norm1.weight", r"layers\.(\d+)\.blocks\.(\d+)\.", "FAN-Swin"),
    ("layers.0.0.norm1.weight", r"layers\.(\d+)\.(\d+)\.", "AlterNet"),
)


def describe(state: Mapping[str, Tensor]) -> str:
    """What a state dict of one of mmfan's backbones looks like, in words.

    >>> import torch
    >>> describe({"blocks.0.norm1.weight": torch.ones(192)})
    'FAN-ViT, width 192, 1 block'
    """
    state = {key.removeprefix("backbone."): value for key, value in state.items()}
    for mark, pattern, family in FAMILY_MARKS:
        if mark not in state:
            continue
        if any(key.startswith("patch_embed.backbone.") for key in state):
            family = "FAN-Hybrid"
        count = len({match.groups() for key in state if (match := re.match(pattern, key))})
        return f"{family}, width {len(state[mark])}, {count} block{'s' if count != 1 else ''}"
    return "no FAN backbone"


def load_strictly(
    model: nn.Module, state: Mapping[str, Tensor], source: str | Path, may_miss: tuple[str, ...] = ()
) -> None:
    """Load ``state`` into ``model`` if it fits completely; otherwise change nothing.

    Args:
        model: The model.
        state: Its weights.
        source: Where they come from, for messages.
        may_miss: Prefixes of keys that may be missing; they keep their values and are logged.

    Raises:
        CheckpointError: Keys are missing, unused, of another shape or kind of type; the message names them.
    """
    own = model.state_dict()
    missing, unused, misshapen = compare_states(own, state)
    fresh = [key for key in missing if key.startswith(may_miss)]
    problems = misfit([key for key in missing if key not in fresh], unused, misshapen)
    if problems:
        raise CheckpointError(
            f"{source} does not fit {type(model).__name__}; nothing was loaded. The file holds {describe(state)}; the "
            f"model is {describe(own)}. Keys: {problems}."
        )
    refuse(problems_of(state, own), source)
    try:
        model.load_state_dict(dict(state), strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{source} could not be copied into {type(model).__name__}: {error}") from error
    kept = f"; not in the file and freshly initialised: {shortlist(fresh, 6)}" if fresh else ""
    print_log(f"Loaded all {len(state)} tensors of {source} into {type(model).__name__}{kept}", logger="current")


def load_pretrained(
    model: nn.Module, checkpoint: str | Path, prefix: str | None = None, ema: bool = False, map_location: str = "cpu"
) -> None:
    """Load an official file into a backbone; what ``init_cfg=dict(type='Pretrained', ...)`` does.

    Args:
        model: A FAN backbone.
        checkpoint: File, http(s) URL, or a name with one of mmengine's prefixes.
        prefix: Take only the keys with this prefix, and strip it (``'backbone.'`` for a whole segmentor).
        ema: Take the averaged weights.
        map_location: Where mmengine would put the tensors; they are copied into ``model`` where it is.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file cannot be read, has no key with the prefix, or does not fit the model.
    """
    state = read_official_weights(checkpoint, ema)
    if prefix:
        prefix = prefix.rstrip(".") + "."
        state = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        if not state:
            raise CheckpointError(f"No key in {checkpoint} starts with the prefix {prefix!r}.")
    load_strictly(model, convert_official(state), checkpoint, may_miss=NEW_LAYERS)
