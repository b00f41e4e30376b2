"""Layer scale folded into weights: a layer's output channels are scaled through its weights and bias."""

from torch import Tensor, nn


def scaled(layer: nn.Linear | nn.Conv2d, scale: Tensor) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of the layer ``x -> scale * layer(x)``.

    A few products a channel take the place of one a pixel, and the unscaled output need not be kept for the gradient
    of the scale.

    Args:
        layer: Its outputs are the channels.
        scale: ``(channels,)``.
    """
    weight = layer.weight * scale.view(-1, *[1] * (layer.weight.ndim - 1))
    return weight, None if layer.bias is None else layer.bias * scale
