"""Token labels: draws of the teacher's softmax, the losses by hand, and whole files of published models."""

import pytest
import torch
from torch.nn import functional

from mmfan.models import FANClassifier, FANTokenClassifier
from mmfan.models.safe_load import CheckpointError
from mmfan.training.token_labels import labeler_loss, sampled_labels, student_loss

BACKBONE = {"type": "mmfan.FAN", "arch": {"embed_dims": 32, "depth": 1, "num_heads": 4}, "out_indices": (0,)}


def test_labels_are_drawn_from_the_teachers_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    drawn = sampled_labels(logits.expand(100, 400, 4), torch.Generator().manual_seed(0))
    counts = torch.bincount(drawn.flatten(), minlength=4).double()
    expected = logits.softmax(0).double() * 40000
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 16.3  # 0.1 % of three degrees of freedom


def test_a_sure_teacher_is_followed():
    logits = 1000 * functional.one_hot(torch.arange(12).view(3, 4) % 5, 5).float()
    for seed in range(5):
        assert torch.equal(sampled_labels(logits, torch.Generator().manual_seed(seed)), logits.argmax(2))


def test_without_weight_it_is_cross_entropy():
    classes, patches = torch.randn(3, 10), torch.randn(3, 7, 10)
    target, labels = torch.tensor([1, 2, 3]), torch.zeros(3, 7, dtype=torch.long)
    plain = functional.cross_entropy(classes, target, label_smoothing=0.1)
    assert torch.equal(student_loss(classes, patches, target, labels, weight=0.0), plain)


def test_equal_patches_are_as_one():
    classes, patch = torch.randn(2, 10), torch.randn(2, 1, 10)
    target, label = torch.tensor([1, 2]), torch.tensor([[4], [5]])
    one = student_loss(classes, patch, target, label)
    many = student_loss(classes, patch.expand(2, 196, 10), target, label.expand(2, 196))
    torch.testing.assert_close(one, many)
    torch.testing.assert_close(labeler_loss(classes, patch.expand(2, 9, 10), target),
                               labeler_loss(classes, patch, target))  # fmt: skip


def test_smoothing_over_a_thousand_classes():
    """The label has 0.9001 at its class and 0.0001 at each other one, which sum to 1."""
    smooth = torch.full((1000,), 0.0001)
    smooth[7] = 0.9001
    assert smooth.sum().item() == pytest.approx(1, abs=1e-5)
    patch = torch.randn(1, 1, 1000)
    zero = torch.zeros(1, 1000)
    by_hand = -(smooth * patch[0, 0].log_softmax(0)).sum() - zero[0].log_softmax(0)[0]
    torch.testing.assert_close(student_loss(zero, patch, torch.tensor([7]), torch.tensor([[7]])), by_hand)


def test_whole_files_load_and_give_both_logits(tmp_path):
    torch.manual_seed(0)
    model = FANTokenClassifier(BACKBONE, num_classes=5).eval()
    official = {name.removeprefix("backbone."): value for name, value in model.state_dict().items()}
    torch.save({"state_dict": official}, tmp_path / "stl.pth.tar")
    again = FANTokenClassifier(BACKBONE, num_classes=5, checkpoint=str(tmp_path / "stl.pth.tar")).eval()
    pictures = torch.randn(2, 3, 64, 48)
    classes, patches = again.with_patches(pictures)
    assert (classes.shape, patches.shape) == ((2, 5), (2, 12, 5))
    assert torch.equal(classes, model(pictures))
    tokens = model.norm(model.backbone.all_tokens(pictures))[:, 1:]
    assert torch.equal(patches, model.aux_head(tokens))
    with pytest.raises(CheckpointError, match="aux_head"):  # a classifier does not take what it has no use for
        FANClassifier(BACKBONE, num_classes=5, checkpoint=str(tmp_path / "stl.pth.tar"))


def test_a_step_of_both_trainings():
    torch.manual_seed(0)
    teacher, student = (FANTokenClassifier(BACKBONE, num_classes=5) for _ in range(2))
    pictures, target = torch.randn(2, 3, 32, 32), torch.tensor([1, 4])
    classes, patches = teacher.with_patches(pictures)
    labeler_loss(classes, patches, target).backward()
    labels = sampled_labels(patches)
    classes, patches = student.with_patches(pictures)
    student_loss(classes, patches, target, labels).backward()
    for model in (teacher, student):
        assert model.aux_head.weight.grad.abs().sum() > 0
        assert model.backbone.blocks[0].attn.q.weight.grad.abs().sum() > 0
