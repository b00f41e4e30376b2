"""Attention of a model: the weights that fused kernels never store, computed again from what a module is given.

Readable are FAN's token mixing, every ``torch.nn.MultiheadAttention`` (mmsegmentation's and mmdetection's ViT, MiT with
its reduced keys, PVT), attention within windows (:mod:`mmfan.analysis.reading.window_attention`), FAN's class attention
and its channel gates. Weights are computed for the rows asked for: the N x N matrix of a large picture is never held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmfan.analysis.options import AnalysisError
from mmfan.analysis.reading.window_attention import WindowedAttention, window_reader
from mmfan.analysis.taps import Tap, TapError, TapRecorder, backbone_of, list_taps
from mmfan.models.layers.channel_processing import EfficientChannelAttention
from mmfan.models.layers.class_attention import ClassAttentionBlock
from mmfan.models.layers.token_attention import TokenAttention

ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Site:
    """A block whose attention can be read.

    Attributes:
        name: Of the block, relative to the backbone.
        module: Dotted name of the attention in the whole model.
        tap: The block's tap after token mixing, which knows the size of the map.
    """

    name: str
    module: str
    tap: Tap


@dataclass(frozen=True)
class Attention:
    """Queries and keys of one picture at one site.

    Attributes:
        queries: (heads, Nq, d), scaled; those of a class token cut off.
        keys: (heads, Nk, d), without that of a class token.
        size: (H, W) of the queries' map.
        key_size: (H', W') of the keys' map, smaller where the model reduces them.
        reduction: Queries a key stands for, along each axis.
        class_query: (heads, 1, d), scaled, of a class token; None where there is none.
    """

    queries: Tensor
    keys: Tensor
    size: tuple[int, int]
    key_size: tuple[int, int]
    reduction: int = 1
    class_query: Tensor | None = None

    def rows(self, places: Sequence[int]) -> Tensor:
        """Attention of some positions, (heads, len(places), H', W'); each sums to 1 over the map."""
        return self._weights(self.queries[:, list(places)])

    def class_row(self) -> Tensor | None:
        """Attention of the class token, (heads, H', W'), normalised over the patches; None without such a token."""
        return None if self.class_query is None else self._weights(self.class_query)[:, 0]

    def mean_row(self) -> Tensor:
        """Attention that each position gets, mean over all queries, (heads, H', W')."""
        total = torch.zeros_like(self.keys[..., 0], dtype=torch.float64)
        for start in range(0, self.queries.shape[1], ROWS_AT_ONCE):
            total += self._weights(self.queries[:, start : start + ROWS_AT_ONCE]).flatten(2).sum(dim=1)
        return (total / self.queries.shape[1]).unflatten(1, self.key_size)

    def _weights(self, queries: Tensor) -> Tensor:
        weights = (queries.double() @ self.keys.double().transpose(1, 2)).softmax(dim=2)
        return weights.unflatten(2, self.key_size)


def list_attention(model: nn.Module) -> list[Site]:
    """The blocks of a model's backbone whose attention can be read, in order.

    Raises:
        AnalysisError: The backbone has no attention, or none that can be read.
    """
    _, backbone = backbone_of(model)
    name = type(backbone).__name__
    try:
        taps = list_taps(model, ["token"])
    except TapError as error:
        raise AnalysisError(f"{name} has no attention to look at: {error}") from error
    modules = dict(model.named_modules())
    sites = []
    for tap in taps:
        block = tap.name.removesuffix(".token")
        path = tap.module.rpartition(".")[0] if tap.at == "input" else tap.module  # of a norm, of the block
        inside = [key for key in modules if key.startswith(f"{path}.") and _is_readable(modules[key])]
        if inside:
            sites.append(Site(block, inside[0], tap))
    if not sites:
        raise AnalysisError(
            f"The attention of {name} cannot be read; readable are that of FAN and AlterNet, "
            "torch.nn.MultiheadAttention and the WindowMSA of mmsegmentation and mmdetection."
        )
    return sites


def read_attention(model: Any, inputs: Tensor, sites: Sequence[Site]) -> dict[str, Attention | WindowedAttention]:
    """Run the backbone on one picture and read the attention of some sites.

    Args:
        model: A segmentor, detector or backbone in eval mode.
        inputs: (1, 3, H, W), normalised.
        sites: Of :func:`list_attention`.

    Returns:
        By the names of the sites.
    """
    modules = dict(model.named_modules())
    given: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    handles = [
        modules[site.module].register_forward_pre_hook(_keep(given, site.name), with_kwargs=True) for site in sites
    ]
    try:
        with torch.no_grad(), TapRecorder(model, [site.tap for site in sites]) as recorder:
            backbone_of(model)[1](inputs)
            features = dict(recorder.features)
    finally:
        for handle in handles:
            handle.remove()
    found: dict[str, Attention | WindowedAttention] = {}
    with torch.no_grad():
        for site in sites:
            size = tuple(features[site.tap.name].map.shape[2:])
            args, kwargs = given[site.name]
            module, parent = modules[site.module], modules[site.module.rpartition(".")[0]]
            in_windows = window_reader(module)
            if in_windows is not None:
                found[site.name] = in_windows(parent, module, size, *args, **kwargs)
            else:
                reader = _read_fan if isinstance(module, TokenAttention) else _read_torch
                found[site.name] = _make(site, *reader(module, *args, **kwargs), size)
    return found


def _is_readable(module: nn.Module) -> bool:
    return isinstance(module, (TokenAttention, nn.MultiheadAttention)) or window_reader(module) is not None


def _keep(given: dict[str, tuple[tuple[Any, ...], dict[str, Any]]], name: str) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given[name] = (args, kwargs)

    return hook


def _make(site: Site, queries: Tensor, keys: Tensor, size: tuple[int, ...]) -> Attention:
    """Cut off class tokens and find the size of the keys' map."""
    extra = queries.shape[1] - size[0] * size[1]
    if extra not in (0, 1):
        raise AnalysisError(
            f"The attention of {site.name} has {queries.shape[1]} queries for a map of {size[0]} x {size[1]}."
        )
    keys = keys[:, extra:]
    # powers of two first: 24 x 40 reduced to 3 x 5 was reduced by 8, though 7 would do
    for reduction in sorted(range(1, 65), key=lambda number: (number & (number - 1) != 0, number)):
        key_size = (size[0] // reduction, size[1] // reduction)
        if key_size[0] * key_size[1] == keys.shape[1]:
            return Attention(
                queries[:, extra:], keys, (size[0], size[1]), key_size, reduction, queries[:, :1] if extra else None
            )
    raise AnalysisError(f"The {keys.shape[1]} keys of {site.name} are no smaller map of {size[0]} x {size[1]}.")


def _read_fan(module: Any, x: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
    heads = (module.num_heads, -1)
    queries = module.q(x)[0].unflatten(1, heads).transpose(0, 1)  # (heads, N, d)
    keys = module.kv(x)[0].unflatten(1, (2, *heads))[:, 0].transpose(0, 1)
    return queries * queries.shape[2] ** -0.5, keys


def _read_torch(module: nn.MultiheadAttention, query: Tensor, key: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
    bias = module.in_proj_bias
    width = module.embed_dim
    if module.in_proj_weight is not None:
        weights = module.in_proj_weight[:width], module.in_proj_weight[width : 2 * width]
    else:
        weights = module.q_proj_weight, module.k_proj_weight
    rows = []
    for place, (values, weight) in enumerate(zip((query, key), weights, strict=True)):
        one = values[0] if module.batch_first else values[:, 0]  # (N, C) of the first picture
        own = None if bias is None else bias[place * width : (place + 1) * width]
        projected = nn.functional.linear(one, weight, own)
        rows.append(projected.unflatten(1, (module.num_heads, -1)).transpose(0, 1))
    return rows[0] * rows[0].shape[2] ** -0.5, rows[1]


def fan_class_row(backbone: Any, tokens: Tensor) -> Tensor:
    """Attention of FAN's class token in its last block, over the patches.

    A model that was trained for dense prediction from scratch never trained it: see
    :meth:`mmfan.models.layers.class_attention.ClassAttentionBlock.dense`.

    Args:
        backbone: A FAN backbone.
        tokens: (1, N, E), after its last block.

    Returns:
        (heads, N), each row sums to 1.
    """
    blocks: list[ClassAttentionBlock] = list(backbone.cls_attn_blocks)
    with torch.no_grad():
        x = torch.cat((backbone.cls_token, tokens), dim=1)
        for block in blocks[:-1]:
            x = block(x)
        attention = blocks[-1].attn
        y = blocks[-1].norm1(x)
        heads = (attention.num_heads, -1)
        query = attention.q(y[:, :1])[0].unflatten(1, heads).transpose(0, 1)  # (heads, 1, d)
        keys = attention.k(y[:, 1:])[0].unflatten(1, heads).transpose(0, 1)  # (heads, N, d)
        weights = (query.double() @ keys.double().transpose(1, 2) * query.shape[2] ** -0.5).softmax(dim=2)
    return weights[:, 0]


@dataclass(frozen=True)
class Gates:
    """The channel gates of one FAN block for one picture.

    Attributes:
        name: Of the block.
        values: (E,), the gate of each channel over the temperature of its head: 0.5 to 0.731.
        tokens: (N,), how much each token adds to the inner products behind the gates, mean over the channels.
    """

    name: str
    values: Tensor
    tokens: Tensor


def read_gates(model: Any, inputs: Tensor) -> list[Gates]:
    """Run the backbone on one picture and read the channel gates; none for models without them."""
    _, backbone = backbone_of(model)
    found: list[Gates] = []

    def hook(name: str) -> Any:
        def keep(module: EfficientChannelAttention, args: tuple[Any, ...]) -> None:
            x = args[0][:1]
            gate = module.gate(x)[0, 0].unflatten(0, (module.temperature.shape[0], -1)) / module.temperature[:, 0]
            heads = (module.temperature.shape[0], -1)
            query = module.q(x).softmax(dim=1).unflatten(2, heads)  # (1, N, heads, c)
            prototype = x.softmax(dim=1).unflatten(2, heads).mean(dim=3, keepdim=True)
            found.append(Gates(name, gate.flatten(), (query * prototype).mean(dim=(2, 3))[0]))

        return keep

    gated = [(path, part) for path, part in backbone.named_modules() if isinstance(part, EfficientChannelAttention)]
    handles = [part.register_forward_pre_hook(hook(path.rpartition(".")[0])) for path, part in gated]
    try:
        with torch.no_grad():
            backbone(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found
