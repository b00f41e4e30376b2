"""Weight initialisation of the published FAN models: one rule for a whole backbone."""

import math

from torch import nn


def init_fan_weights(root: nn.Module, convnext: nn.Module | None = None) -> None:
    """Initialise every linear layer, convolution and norm below ``root``, in place.

    Linear layers: truncated normal, std 0.02. Convolutions: normal, std sqrt(2 / fan_out) with fan_out counted for one
    group; inside ``convnext`` truncated normal, std 0.02. Biases 0, norms (1, 0). Scales and the class token, which are
    plain parameters, are left to their modules.

    Args:
        root: The backbone.
        convnext: The part of it that follows ConvNeXt's rule.
    """
    inside = set(convnext.modules()) if convnext is not None else set()
    for module in root.modules():
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module in inside):
            nn.init.trunc_normal_(module.weight, std=0.02)
        elif isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
        elif isinstance(module, (nn.LayerNorm, nn.modules.batchnorm._BatchNorm)):
            nn.init.ones_(module.weight)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
