"""The linear probe is the linear function that it says it is."""

import pytest
import torch
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.models import LinearProbeHead


def filled(head):
    torch.manual_seed(1)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head.eval()


def test_one_map_without_norm_is_an_ordinary_1x1_head():
    from mmseg.models import FCNHead

    ours = filled(LinearProbeHead(6, num_classes=4, norm=False))
    theirs = FCNHead(
        num_convs=0, concat_input=False, in_channels=6, channels=6, num_classes=4, in_index=0, dropout_ratio=0.0
    ).eval()
    theirs.conv_seg.load_state_dict(ours.conv_seg.state_dict())
    maps = [torch.rand(2, 6, 4, 5)]
    torch.testing.assert_close(ours(maps), theirs(maps))


@pytest.mark.parametrize("align_corners", [False, True])
def test_several_maps_are_resized_concatenated_and_classified(align_corners):
    head = filled(LinearProbeHead([2, 3, 4], [0, 2, 3], num_classes=5, align_corners=align_corners))
    for norm in head.norms:
        torch.nn.init.uniform_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
    maps = [torch.rand(2, 2, 8, 12), torch.rand(2, 9, 9, 9), torch.rand(2, 3, 4, 6), torch.rand(2, 4, 4, 6)]
    read = [norm(values) for norm, values in zip(head.norms, (maps[0], maps[2], maps[3]), strict=True)]
    whole = torch.cat(
        [F.interpolate(one, (8, 12), mode="bilinear", align_corners=align_corners) for one in read], dim=1
    )
    torch.testing.assert_close(head(maps), head.conv_seg(whole), atol=1e-5, rtol=1e-4)


def test_dropout_is_of_whole_channels_and_of_training_alone():
    head = filled(LinearProbeHead([64], num_classes=3, norm=False, dropout_ratio=0.5))
    maps = [torch.rand(1, 64, 2, 2)]
    torch.testing.assert_close(head(maps), head.conv_seg(maps[0]))
    head.train()
    assert not torch.allclose(head(maps), head.conv_seg(maps[0]))


def test_constant_features_say_the_commonest_class():
    """Trained to the end on features that say nothing, the probe predicts the majority."""
    torch.manual_seed(0)
    head = LinearProbeHead([4], num_classes=3, norm=False)
    labels = torch.tensor([0] * 2 + [1] * 9 + [2] * 5).view(1, 4, 4)
    maps = [torch.ones(1, 4, 4, 4)]
    optimiser = torch.optim.SGD(head.parameters(), lr=0.5)
    for _ in range(200):
        loss = F.cross_entropy(head(maps), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    logits = head(maps)
    assert bool((logits.argmax(dim=1) == 1).all())
    torch.testing.assert_close(
        logits.softmax(dim=1)[0, :, 0, 0].detach(), torch.tensor([2, 9, 5]) / 16, atol=1e-3, rtol=0
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"in_channels": []}, "Expected in_channels to list the channels of each map, got none"),
        ({"in_channels": [4, 4], "in_index": [1]}, r"one in_index for each of in_channels=\[4, 4\], got \[1\]"),
        ({"in_channels": [4, 4], "channels": 4}, "Expected no `channels`"),
    ],
)
def test_bad_arguments(given, message):
    with pytest.raises(MMFanError, match=message):
        LinearProbeHead(**{"num_classes": 3, **given})


def test_other_channels_are_named():
    head = LinearProbeHead([4, 4], num_classes=3)
    with pytest.raises(MMFanError, match=r"in_channels=\[4, 4\] channels, got \[4, 6\]: write the latter"):
        head([torch.rand(1, 4, 2, 2), torch.rand(1, 6, 2, 2)])
