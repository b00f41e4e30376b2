"""What keeps float32 under mixed precision on the CPU."""

import torch
from torch import nn

from mmfan.apis.amp import CPUAmpOptimWrapper, float32_operators


class Head(nn.Module):
    def forward(self, x):
        return [x, (x, None)]

    def predict_by_feat(self):
        """Marks a head."""


class Extractor(nn.Module):
    def __init__(self):
        super().__init__()
        self.roi_layers = nn.ModuleList()

    def forward(self, features, rois):
        return features[0].dtype, rois.dtype


def test_heads_give_and_operators_get_float32():
    model = nn.ModuleDict({"head": Head(), "extractor": Extractor(), "other": nn.Identity()})
    half, whole = torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.double)
    with float32_operators(model):
        first, (second, third) = model["head"](half)
        assert (first.dtype, second.dtype, third) == (torch.float32, torch.float32, None)
        assert model["extractor"]((half, half), whole) == (torch.float32, torch.double)
        assert model["other"](half).dtype == torch.bfloat16
    assert model["head"](half)[0].dtype == torch.bfloat16


def test_cast_weights_do_not_outlive_a_pass():
    model = nn.Linear(1, 1, bias=False)
    wrapper = CPUAmpOptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    torch.autocast_increment_nesting()  # as torch 2.1 leaves it after compiling a model
    try:
        for weight in (1.0, 3.0):
            nn.init.constant_(model.weight, weight)
            with wrapper.optim_context(model):
                assert model(torch.ones(1, 1)).item() == weight
    finally:
        torch.autocast_decrement_nesting()
        torch.clear_autocast_cache()
