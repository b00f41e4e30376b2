"""Attention diversification (ADL): how alike the rows of an attention matrix are.

Paper: Robustifying Token Attention for Vision Transformers, Guo et al., ICCV 2023. With A the attention of a block,
meant over its heads, and r the mean of its rows, everything at or below 2 / N is set to zero, in r and in each row, and
the loss is the mean cosine between r and the rows: 1 where every query attends to the same few tokens.

At 1024 x 1024 pixels an A has 4096 x 4096 entries a block, and fused attention does not form it. So only some rows are
formed, from the block's own queries and keys, and r is the mean of those. A row is a larger part of that mean, so that
rows which have little in common look a little more alike than they are (by 3 % in a test, where all in all they are
alike by 0.15).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST = 2  # times 1 / N: what counts as attended to


def attention_rows(q: Tensor, k: Tensor, heads: int, rows: Tensor) -> Tensor:
    """Some rows of an attention matrix, meant over the heads.

    Args:
        q: Queries ``(B, N, E)``, of all heads.
        k: Keys, likewise.
        heads: Their number.
        rows: Numbers of the queries, ``(S,)``.

    Returns:
        ``(B, S, N)``, float32; each row sums to 1.
    """
    chosen, keys = (part.float().unflatten(2, (heads, -1)).transpose(1, 2) for part in (q[:, rows], k))
    scale = keys.shape[3] ** -0.5
    # a head at a time: all of them together are as large again
    mean = torch.zeros(q.shape[0], len(rows), k.shape[1], device=q.device)
    for head in range(heads):
        mean = mean + (scale * chosen[:, head] @ keys[:, head].transpose(1, 2)).softmax(dim=2)
    return mean / heads


def likeness(attention: Tensor) -> Tensor:
    """The loss of one block.

    Args:
        attention: Rows ``(B, S, N)``, each of which sums to 1.

    Returns:
        A number from 0 to 1. Rows in which nothing stands out count as 0.
    """
    least = LEAST / attention.shape[2]
    mean = F.threshold(attention.mean(dim=1, keepdim=True), least, 0.0)
    return F.cosine_similarity(F.threshold(attention, least, 0.0), mean, dim=2).mean()
