"""Attention within windows: of FAN-Swin, AlterNet, and the Swin of mmsegmentation and mmdetection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmfan.models.layers.alternet_block import HEAD_WIDTH, WindowMapAttention
from mmfan.models.layers.swin_block import WindowAttention
from mmfan.models.layers.windows import in_windows, out_of_windows, window_mask


@dataclass(frozen=True)
class WindowedAttention:
    """Attention of one picture at one site, all of it within windows.

    Attributes:
        weights: (windows, heads, n, n) with n = w * w, rows sum to 1.
        size: (H, W) of the map, without the padding to whole windows.
        window: Side w.
        shift: Rows and columns by which the padded map was rolled.
        reduction: Keys are on the map of the queries.
    """

    weights: Tensor
    size: tuple[int, int]
    window: int
    shift: tuple[int, int]
    reduction: int = 1

    def rows(self, places: Sequence[int]) -> Tensor:
        """Attention of some positions, (heads, len(places), H, W): 0 outside the window of each.

        Each sums to 1, or to less where a model lets tokens attend to padding.
        """
        numbers = torch.arange(self.size[0] * self.size[1]).reshape(1, *self.size, 1) + 1  # 0 is for padding
        where = in_windows(numbers, self.window, self.shift)[0, :, :, 0]  # (windows, n)
        found = []
        for place in places:
            window, slot = (int(index) for index in (where == place + 1).nonzero()[0])
            spread = torch.zeros(
                self.weights.shape[0], self.weights.shape[3], self.weights.shape[1], dtype=torch.float64
            )
            spread[window] = self.weights[window, :, slot].T  # (n, heads)
            found.append(self._to_map(spread))
        return torch.stack(found, dim=1)

    def mean_row(self) -> Tensor:
        """Attention that each position gets, mean over the queries of the map, (heads, H, W)."""
        ones = torch.ones(1, *self.size, 1, dtype=torch.float64)
        real = in_windows(ones, self.window, self.shift)[0, :, None, :, 0]  # (windows, 1, n): 0 for queries of padding
        got = torch.einsum("whqk,wxq->wkh", self.weights.double().cpu(), real)
        return self._to_map(got) / (self.size[0] * self.size[1])

    def class_row(self) -> None:
        """None: there is no class token among windows."""

    def _to_map(self, windows: Tensor) -> Tensor:
        """(windows, n, heads) to (heads, H, W)."""
        return out_of_windows(windows[None], self.size, self.window, self.shift)[0].permute(2, 0, 1)


def _weights(queries: Tensor, keys: Tensor, bias: Tensor, mask: Tensor | None) -> Tensor:
    """(windows, heads, n, d) queries and keys, (heads or 1, n, n) bias, (windows, n, n) mask to weights."""
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(2, 3) + bias
    if mask is not None:
        scores = scores + mask[:, None]
    return scores.double().softmax(dim=-1).cpu()


def _read_window(
    parent: Any, module: WindowAttention, size: tuple[int, int], x: Tensor, mask: Tensor | None = None
) -> WindowedAttention:
    queries, keys, _ = module.qkv(x[0]).unflatten(2, (3, module.num_heads, -1)).unbind(2)  # (windows, n, heads, d)
    weights = _weights(queries.transpose(1, 2), keys.transpose(1, 2), module.bias(), mask)
    return WindowedAttention(weights, size, module.window, parent.shift(size))


def _read_window_map(parent: Any, module: WindowMapAttention, size: tuple[int, int], x: Tensor) -> WindowedAttention:
    windows = in_windows(x[:1].permute(0, 2, 3, 1), module.window)[0]  # (windows, n, C)
    heads = (module.num_heads, HEAD_WIDTH)
    queries = module.q(windows).unflatten(2, heads).transpose(1, 2)
    keys = module.kv(windows).unflatten(2, (2, *heads))[:, :, 0].transpose(1, 2)
    mask = window_mask(size, module.window, device=x.device)
    return WindowedAttention(_weights(queries, keys, module.bias(), mask), size, module.window, (0, 0))


def _read_window_msa(
    parent: Any, module: Any, size: tuple[int, int], x: Tensor, mask: Tensor | None = None
) -> WindowedAttention:
    """Of OpenMMLab's Swin: ``parent`` is the ShiftWindowMSA around the attention, which knows its size and shift."""
    queries, keys, _ = module.qkv(x).unflatten(2, (3, module.num_heads, -1)).unbind(2)
    bias = module.relative_position_bias_table[module.relative_position_index].permute(2, 0, 1)
    weights = _weights(queries.transpose(1, 2), keys.transpose(1, 2), bias, mask)
    # mmpretrain's does not shift a map that is as small as a window, unless it pads maps
    still = getattr(parent, "pad_small_map", True) is False and min(size) == parent.window_size
    shift = 0 if still else parent.shift_size
    return WindowedAttention(weights, size, parent.window_size, (shift, shift))


def window_reader(module: nn.Module) -> Callable[..., WindowedAttention] | None:
    """What reads the attention of a module; None if it is no attention within windows that is known."""
    if isinstance(module, WindowAttention):
        return _read_window
    if isinstance(module, WindowMapAttention):
        return _read_window_map
    # mmsegmentation and mmdetection have a class each
    return _read_window_msa if type(module).__name__ == "WindowMSA" else None
