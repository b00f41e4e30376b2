"""Position encodings are found, exchanged as said, and put back."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from models.test_taps import BACKBONES
from torch import nn

from mmfan.analysis import AnalysisError
from mmfan.analysis.positions import ARMS, Arm, exchanged, list_positions, takes_part
from mmfan.models.layers.position import FourierPosition

PICTURE = (64, 96)
KINDS = {"fan": {"computed"}, "hybrid": {"computed"}, "fan-swin": {"offsets"}, "swin": {"offsets"}, "vit": {"table"}}


def build(name):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(BACKBONES[name])
    for parameter in model.parameters():  # tables that start at 0 would hide what is done to them
        nn.init.normal_(parameter, std=0.1)
    model.eval()  # mmseg's Swin returns nothing here
    return model


@torch.no_grad()
def outputs(model, picture):
    return torch.cat([one.flatten() for one in model(picture)])


@pytest.mark.parametrize("name", KINDS)
def test_every_arm_changes_what_it_says_and_nothing_stays(name):
    model, picture = build(name), torch.rand(1, 3, *PICTURE)
    positions = list_positions(model)
    assert {one.kind for one in positions} == KINDS[name]
    before, state = outputs(model, picture), {key: value.clone() for key, value in model.state_dict().items()}
    for arm in ARMS:
        with exchanged(model, positions, Arm(arm, shift=(1, 1))):
            changed = not torch.equal(outputs(model, picture), before)
        assert (
            changed is takes_part(positions, arm) is (arm in ("zero", "shuffled") or name not in ("swin", "fan-swin"))
        )
        assert torch.equal(outputs(model, picture), before)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ["hybrid", "vit"])
@pytest.mark.parametrize("arm", [Arm("shifted", shift=(0, 0)), Arm("grid", grid=(4, 6))])
def test_no_shift_and_the_same_grid_are_bit_equal(name, arm):
    model, picture = build(name), torch.rand(1, 3, *PICTURE)  # 4 x 6 places
    before = outputs(model, picture)
    with exchanged(model, list_positions(model), arm):
        assert torch.equal(outputs(model, picture), before)


def test_zero_is_bit_equal_where_the_projection_is_zero():
    model, picture = build("fan"), torch.rand(1, 3, *PICTURE)
    nn.init.zeros_(model.pos_embed.token_projection.weight)
    nn.init.zeros_(model.pos_embed.token_projection.bias)
    before = outputs(model, picture)
    for arm in ARMS:
        with exchanged(model, list_positions(model), Arm(arm)):
            assert torch.equal(outputs(model, picture), before)


@torch.no_grad()
def test_arms_by_hand():
    holder = nn.Module()
    holder.backbone = nn.Module()
    holder.backbone.pos_embed = FourierPosition(5)
    (position,) = list_positions(holder)
    assert (position.name, position.module) == ("pos_embed", "backbone.pos_embed")
    encode = holder.backbone.pos_embed
    plain = encode((4, 6)).view(4, 6, 5)
    with exchanged(holder, [position], Arm("zero")):
        assert not encode((4, 6)).any()
    with exchanged(holder, [position], Arm("shifted", shift=(1, 2))):
        moved = encode((4, 6)).view(4, 6, 5)
    assert torch.equal(moved[1:, 2:], plain[:3, :4])
    assert torch.equal(moved[0, 0], plain[3, 4])  # around the border
    with exchanged(holder, [position], Arm("shuffled", seed=3)):
        mixed = encode((4, 6)).view(24, 5)
        assert torch.equal(encode((4, 6)).view(24, 5), mixed)  # all pictures alike
    assert not torch.equal(mixed, plain.view(24, 5))
    order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
    assert torch.equal(mixed, plain.view(24, 5)[order])
    with exchanged(holder, [position], Arm("grid", grid=(2, 3))):
        coarse = encode((4, 6))
    small = encode((2, 3)).view(1, 2, 3, 5).movedim(3, 1)
    wanted = nn.functional.interpolate(small, (4, 6), mode="bilinear").flatten(2).transpose(1, 2)
    torch.testing.assert_close(coarse, wanted)
    assert Arm("grid").other_size((23, 30)) == (12, 15)


@torch.no_grad()
def test_a_class_token_stays_at_no_place():
    backbone = nn.Module()
    backbone.pos_embed = nn.Parameter(torch.arange(10.0).view(1, 10, 1))  # a class token and 3 x 3
    (position,) = list_positions(backbone)
    with exchanged(backbone, [position], Arm("shifted", shift=(1, 0))):
        assert backbone.pos_embed.flatten().tolist() == [0, 7, 8, 9, 1, 2, 3, 4, 5, 6]
    with exchanged(backbone, [position], Arm("zero")):
        assert not backbone.pos_embed.any()
    assert backbone.pos_embed.flatten().tolist() == list(range(10))


def test_what_is_not_known():
    with pytest.raises(AnalysisError, match="MixVisionTransformer has no position encoding that is known"):
        list_positions(build("mit"))
    backbone = nn.Module()
    backbone.pos_embed = nn.Parameter(torch.zeros(1, 12, 2))
    with (
        pytest.raises(AnalysisError, match="rows and columns of the position table pos_embed, of 12 entries"),
        exchanged(backbone, list_positions(backbone), Arm("shifted")),
    ):
        pass
    backbone.pos_shape = [3, 4]
    with exchanged(backbone, list_positions(backbone), Arm("shifted")):
        pass
