"""Attention within windows of a map of any size (Swin, arXiv 2103.14030, sections 3.2 and 3.3).

A map whose sides are no multiples of the window is padded right and below; padding is masked, so that no token sees
it. Shifted windows are windows of the map rolled up and to the left: those that hold tokens from both ends of the map
are masked too.

Whether a map needs padding, a shift or a mask hangs on its size. What a tracer records must fit any size, so there the
general form is taken: shifts are tensors, and every map is padded, rolled and masked, if by nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfan.models.layers.recording import is_traced

Shift = tuple[int | Tensor, int | Tensor]  # of rows and columns; tensors (one number each) while a tracer records
# Added to the scores of pairs that must not see each other; the published weights were trained with this number.
MASKED = -100.0


def padded_size(size: tuple[int, int], window: int) -> tuple[int, int]:
    """``(H, W)`` rounded up to multiples of the window.

    >>> padded_size((28, 30), 7)
    (28, 35)
    """
    # of positive numbers alone: exporters round the quotient of a negative one towards zero
    return (size[0] + window - 1) // window * window, (size[1] + window - 1) // window * window


def shift_of(size: tuple[int, int], window: int, shifted: bool, device: torch.device | None = None) -> Shift:
    """By how many rows and columns a block shifts its windows: half a window, along axes longer than one window.

    >>> shift_of((14, 7), 7, shifted=True)
    (3, 0)
    """
    if not shifted:
        return 0, 0
    shifts: list[int | Tensor]
    if is_traced():  # an axis is longer than a window if it has a place of this number
        shifts = [(torch.arange(length, device=device) == window).any() * (window // 2) for length in size]
    else:
        shifts = [window // 2 if length > window else 0 for length in size]
    return shifts[0], shifts[1]


def _rolled(x: Tensor, shift: Shift, sign: int) -> Tensor:
    """``(B, H, W, C)`` rolled by ``sign * shift``."""
    rows, columns = shift
    if isinstance(rows, int) and isinstance(columns, int):
        return x if shift == (0, 0) else x.roll((sign * rows, sign * columns), dims=(1, 2))
    for dim, amount in enumerate(shift, 1):
        x = x.index_select(dim, _wrapped(torch.arange(x.shape[dim], device=x.device) - sign * amount, x.shape[dim]))
    return x


def _wrapped(place: Tensor, length: int) -> Tensor:
    """``place % length`` of places from -length to 2 * length - 1."""
    place = torch.where(place < 0, place + length, place)
    return torch.where(place >= length, place - length, place)


def to_windows(x: Tensor, window: int) -> Tensor:
    """Cut a padded map into windows: ``(B, H, W, C)`` to ``(B, H/w * W/w, w*w, C)``, both orders row-major."""
    x = x.unflatten(2, (-1, window)).unflatten(1, (-1, window))  # (B, H/w, w, W/w, w, C)
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def from_windows(windows: Tensor, size: tuple[int, int], window: int) -> Tensor:
    """Put windows together again: ``(B, H/w * W/w, w*w, C)`` to ``(B, H, W, C)`` of the padded ``size``."""
    x = windows.unflatten(1, (size[0] // window, -1)).unflatten(3, (window, window))  # (B, H/w, W/w, w, w, C)
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _regions(length: int, window: int, shift: int | Tensor, device: torch.device | None) -> Tensor:
    """For each place of a padded and rolled axis the part that it belongs to; -1 for padding."""
    padded = (length + window - 1) // window * window
    place = torch.arange(padded, device=device)
    # what came first is last after rolling: it lies in the last window, beside what it never touched
    region = (place >= padded - shift).long()
    came_from = _wrapped(place + shift, padded)
    return torch.where(came_from < length, region, -1)


def window_mask(
    size: tuple[int, int], window: int, shift: Shift = (0, 0), device: torch.device | None = None
) -> Tensor | None:
    """What to add to the scores of the windows of a map.

    Args:
        size: ``(H, W)`` of the map, before padding.
        window: Side of a window.
        shift: Rows and columns by which the padded map is rolled up and to the left.
        device: Where to make it.

    Returns:
        ``(windows, w*w, w*w)``: 0 where query and key belong together, else :data:`MASKED`; None where all do.
    """
    if not is_traced() and padded_size(size, window) == size and shift == (0, 0):
        return None
    rows, columns = (_regions(n, window, s, device) for n, s in zip(size, shift, strict=True))
    region = torch.where((rows[:, None] < 0) | (columns[None] < 0), -1, 2 * rows[:, None] + columns[None])
    region = to_windows(region[None, :, :, None], window)[0, :, :, 0]  # (windows, w*w)
    # Padding sees padding alone (its rows must not be empty for the softmax) and is cut off afterwards.
    apart = region[:, :, None] != region[:, None, :]
    return torch.zeros(apart.shape, device=device).masked_fill_(apart, MASKED)


def relative_index(window: int) -> Tensor:
    """Row of the table of relative positions for each pair of places in a window, ``(w*w, w*w)``.

    With places ``(y, x)`` that is ``(y_q - y_k + w - 1) * (2 w - 1) + x_q - x_k + w - 1``.
    """
    y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    y, x = y.flatten(), x.flatten()
    dy, dx = (axis[:, None] - axis[None] + window - 1 for axis in (y, x))
    return dy * (2 * window - 1) + dx


def window_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax(q k^T / sqrt(d) + bias + mask) v in each window.

    Args:
        q: ``(B, windows, n, heads, d)`` queries; n = w*w.
        k: Keys of the same shape, and
        v: values.
        bias: ``(heads, n, n)``, or ``(1, n, n)`` if the heads share it.
        mask: ``(windows, n, n)`` of :func:`window_mask`.

    Returns:
        ``(B, windows, n, heads * d)``.
    """
    q, k, v = (x.transpose(2, 3) for x in (q, k, v))  # (B, windows, heads, n, d)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(3, 4) + bias
    if mask is not None:
        scores = scores + mask[:, None].to(scores.dtype)
    return (scores.softmax(dim=-1) @ v).transpose(2, 3).flatten(3)


def in_windows(x: Tensor, window: int, shift: Shift = (0, 0)) -> Tensor:
    """Pad, roll and cut: ``(B, H, W, C)`` to ``(B, windows, w*w, C)``; :func:`out_of_windows` undoes it."""
    height, width = padded_size((x.shape[1], x.shape[2]), window)
    x = F.pad(x, (0, 0, 0, width - x.shape[2], 0, height - x.shape[1]))
    return to_windows(_rolled(x, shift, -1), window)


def out_of_windows(windows: Tensor, size: tuple[int, int], window: int, shift: Shift = (0, 0)) -> Tensor:
    """Put together, roll back and crop: ``(B, windows, w*w, C)`` to ``(B, H, W, C)`` of ``size``."""
    x = _rolled(from_windows(windows, padded_size(size, window), window), shift, 1)
    return x[:, : size[0], : size[1]]
