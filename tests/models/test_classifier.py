"""Classifiers around a FAN backbone: whole official files, found by their tensors alone."""

import pytest
import torch

from mmfan.models import FANClassifier, FANTokenClassifier
from mmfan.models.safe_load import CheckpointError

BACKBONE = {"type": "mmfan.FANHybrid", "arch": "tiny"}


def as_published(model):
    """The state dict under published names: no prefix of the backbone."""
    return {key.removeprefix("backbone."): value for key, value in model.state_dict().items()}


@pytest.mark.parametrize("kind", [FANClassifier, FANTokenClassifier])
def test_a_file_is_known_by_its_tensors(tmp_path, kind):
    torch.manual_seed(0)
    model = kind(BACKBONE, num_classes=7).eval()
    state = as_published(model)
    # old names: the position encoding, and one fused layer of class attention
    old = {key.replace("pos_embed.", "pos_embeder."): value for key, value in state.items()}
    for at in (0, 1):
        for part in ("weight", "bias"):
            kept = [old.pop(f"cls_attn_blocks.{at}.attn.{one}.{part}") for one in "qkv"]
            old[f"cls_attn_blocks.{at}.attn.qkv.{part}"] = torch.cat(kept)
    picture = torch.randn(1, 3, 64, 64)
    for number, content in enumerate((state, {f"module.{key}": value for key, value in old.items()})):
        torch.save({"state_dict": content, "state_dict_ema": state}, tmp_path / f"{number}.pth.tar")
        found = FANClassifier.of_file(tmp_path / f"{number}.pth.tar").eval()
        assert type(found) is kind
        assert found.num_classes == 7
        with torch.no_grad():
            assert torch.equal(found(picture), model(picture))


def test_a_backbone_alone_is_no_classifier(tmp_path):
    model = FANClassifier(BACKBONE, num_classes=7)
    state = {key: value for key, value in as_published(model).items() if not key.startswith(("head.", "norm."))}
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match=r"no classifier, .* FAN-Hybrid, width 192, 8 blocks"):
        FANClassifier.of_file(tmp_path / "b.pth")


def test_swin_averages_its_normed_tokens():
    torch.manual_seed(0)
    model = FANClassifier({"type": "mmfan.FANSwin", "arch": {"embed_dims": 12, "depths": (1, 1, 1, 1),
                           "num_heads": (1, 1, 2, 2)}}, num_classes=5).eval()  # fmt: skip
    picture = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        last = model.backbone(picture)[-1]  # (2, 96, 2, 3)
        tokens = [model.norm(last[:, :, row, column]) for row in range(2) for column in range(3)]
        assert torch.allclose(model(picture), model.head(sum(tokens) / 6), atol=1e-6)
