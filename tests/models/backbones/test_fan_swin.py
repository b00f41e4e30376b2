"""FAN-Swin: the published function, pictures of any size, and its arguments."""

import pytest
import torch
from golden import golden_input, golden_keys, golden_outputs, golden_sample, golden_state, relative_error
from torch import nn

from mmfan.models import FANSwin
from mmfan.models.layers.shapes import to_map, to_tokens

TOLERANCE = 1e-5
NAME = "fan_swin_tiny_patch4_window7_224"
SMALL = {"embed_dims": 16, "depths": (1, 2, 2, 2), "num_heads": (1, 2, 4, 4), "window": 4}


def test_stored_outputs_are_reproduced():
    """The stored outputs were made with random masks and indices in place of the true ones; so is the comparison."""
    published = golden_state(golden_keys()[NAME])
    model = FANSwin(arch="tiny").eval()
    model.load_state_dict({key: published[key] for key in model.state_dict()})
    stored = golden_outputs()
    with torch.no_grad():
        outputs = model(golden_input(224, 224))
        for index, (stage, output) in enumerate(zip(model.layers, outputs, strict=True)):
            ours = output
            if stage.downsample is not None:
                ours = to_map(*stage.downsample(to_tokens(output), tuple(output.shape[2:])))
            key = f"{NAME}/224x224/layer{index}"
            assert list(ours.shape) == list(stored[f"{key}/shape"])
            assert relative_error(golden_sample(ours), stored[key]) < TOLERANCE, key
        normed = nn.functional.layer_norm(
            to_tokens(outputs[-1]), (768,), published["norm.weight"], published["norm.bias"]
        )
        logits = normed.mean(dim=1) @ published["head.weight"].T + published["head.bias"]
    assert relative_error(logits[:, :50], stored[f"{NAME}/224x224/logits"]) < TOLERANCE


@pytest.mark.parametrize("arch", ["tiny", "small", "base", "large"])
def test_keys_and_shapes_are_the_published_ones(arch):
    with torch.device("meta"):
        model = FANSwin(arch=arch)
    own = {key: list(value.shape) for key, value in model.state_dict().items()}
    published = golden_keys()[f"fan_swin_{arch}_patch4_window7_224"]
    assert own == {key: shape for key, shape in published.items() if not key.startswith(("norm.", "head."))}
    mixers = {type(block.mlp).__name__ for stage in model.layers[:3] for block in stage.blocks}
    assert mixers == {"EfficientChannelAttention"}
    assert {type(block.mlp).__name__ for block in model.layers[3].blocks} == {"Mlp"}
