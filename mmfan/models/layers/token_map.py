"""The two views of one picture's features, a sequence of tokens and a map, and the way between them.

Both views share memory: tokens ``(B, H*W, C)`` that are contiguous are a map ``(B, C, H, W)`` in channels-last order.
So a linear layer, a layer norm and a convolution can follow each other without a copy.
"""

from torch import Tensor


def to_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """View tokens as a map.

    Args:
        tokens: ``(B, N, C)``, row-major over the picture.
        size: ``(H, W)`` with ``H * W == N``.

    Returns:
        ``(B, C, H, W)``, channels-last strides when the tokens are contiguous.
    """
    return tokens.transpose(1, 2).unflatten(2, size)


def to_tokens(features: Tensor) -> Tensor:
    """View a map ``(B, C, H, W)`` as tokens ``(B, H*W, C)``; free of copies for channels-last maps."""
    # Not flatten(2).transpose(1, 2): the gradient of that, of a single picture on a CPU, has strides that PyTorch's
    # batch norm (2.1 to 2.13 at least) takes for another order of the channels, and its own gradient is wrong then.
    return features.permute(0, 2, 3, 1).flatten(1, 2)
