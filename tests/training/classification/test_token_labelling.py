"""Teacher and student of token labels: losses by hand on networks whose logits are known, and a moment of training."""

import pytest
import torch
from helpers.tiny_classifier import BACKBONE, write_config
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement
from torch import nn
from torch.nn import functional

from mmfan.apis import build_runner, load_config
from mmfan.datasets.classes.transforms import KeepClean, PackClasses
from mmfan.errors import ConfigError, MMFanError
from mmfan.models import FANTokenClassifier
from mmfan.training.classification.token_labelling import TokenLabeler, TokenLabelStudent


@MODELS.register_module()
class PixelsAsPatches(nn.Module):
    """Patch logits are the colours of the pixels, class logits their mean, both times a weight."""

    def __init__(self, weight=1.0, num_classes=3, checkpoint=None):
        super().__init__()
        self.weight, self.num_classes = nn.Parameter(torch.tensor(weight)), num_classes

    def with_patches(self, x):
        patches = self.weight * x.flatten(2).transpose(1, 2)
        return patches.mean(dim=1), patches


PLAIN = {"type": "ImgDataPreprocessor", "mean": [10.0] * 3, "std": [2.0] * 3}


TEACHER = {"type": "PixelsAsPatches", "checkpoint": "its.pth"}


def sample(number, clean=None):
    made = BaseDataElement()
    made.set_field(torch.tensor([number]), "gt_label", dtype=torch.Tensor)
    if clean is not None:
        made.set_field(clean, "clean_img", dtype=torch.Tensor)
    return made


def student(**more):
    teacher = {**TEACHER, "weight": 1000.0}  # so sure that every draw is its highest
    return TokenLabelStudent({"type": "PixelsAsPatches"}, teacher, data_preprocessor=PLAIN, **more)


INPUTS = torch.tensor([[[[1.0, 0]], [[0, 2]], [[0, 0]]]])  # two pixels: (1, 0, 0) and (0, 2, 0)


def test_the_teachers_loss_by_hand():
    model = TokenLabeler({"type": "PixelsAsPatches"}, smoothing=0.1)
    found = model(INPUTS, [sample(2)], "loss")["loss"]
    mean = torch.tensor([[0.5, 1, 0]])
    entropy = functional.cross_entropy(mean, torch.tensor([2]), label_smoothing=0.1)
    torch.testing.assert_close(found, 2 * entropy)  # class logits and mean of the patches are the same here


@pytest.mark.parametrize("labels", ["sampled", "highest"])
def test_the_students_loss_by_hand(labels):
    found = student(labels=labels, weight=0.5)(INPUTS, [sample(2)], "loss")
    own = functional.cross_entropy(torch.tensor([[0.5, 1, 0]]), torch.tensor([2]), label_smoothing=0.1)
    patches = functional.cross_entropy(
        torch.tensor([[1.0, 0, 0], [0, 2, 0]]), torch.tensor([0, 1]), label_smoothing=0.1
    )
    torch.testing.assert_close(found["loss_class"], own)
    torch.testing.assert_close(found["loss_patch"], 0.5 * patches)


def test_soft_labels_are_the_teachers_softmax():
    model = TokenLabelStudent({"type": "PixelsAsPatches"}, TEACHER, labels="soft", smoothing=0.0)
    found = model(INPUTS, [sample(2)], "loss")["loss_patch"]
    pixels = torch.tensor([[1.0, 0, 0], [0, 2, 0]])
    entropy = -(pixels.softmax(1) * pixels.log_softmax(1)).sum(1).mean()  # told by itself: its entropy
    torch.testing.assert_close(found, entropy)


def test_without_weight_the_patches_count_for_nothing():
    found = student(weight=0)(INPUTS, [sample(1)], "loss")
    own = functional.cross_entropy(torch.tensor([[0.5, 1, 0]]), torch.tensor([1]), label_smoothing=0.1)
    assert torch.equal(sum(found.values()), own)


def test_the_teacher_sees_the_clean_copy_normalised():
    clean = torch.tensor([[[10, 10]], [[10, 10]], [[12, 14]]], dtype=torch.uint8)  # (0, 0, 1) and (0, 0, 2)
    found = student()(INPUTS, [sample(0, clean)], "loss")["loss_patch"]
    patches = torch.tensor([[1.0, 0, 0], [0, 2, 0]])
    by_hand = functional.cross_entropy(patches, torch.tensor([2, 2]), label_smoothing=0.1)
    torch.testing.assert_close(found, by_hand)


def test_the_teacher_is_no_part_of_the_model():
    model = student()
    assert set(model.state_dict()) == {"network.weight"}
    assert [name for name, _ in model.named_parameters()] == ["network.weight"]
    model.train()
    assert not model.teacher.training
    sum(model(INPUTS, [sample(0)], "loss").values()).backward()
    assert model.teacher.weight.grad is None
    assert model.double().teacher.weight.dtype == torch.float64


def test_networks_that_do_not_fit_are_refused():
    plain = {"type": "mmfan.FANClassifier", "backbone": BACKBONE, "num_classes": 3}
    with pytest.raises(ConfigError, match="FANClassifier has no logits of patches"):
        TokenLabeler(plain)
    with pytest.raises(ConfigError, match="The teacher tells 5 classes apart and the student 3"):
        TokenLabelStudent({"type": "PixelsAsPatches"}, {**TEACHER, "num_classes": 5})
    with pytest.raises(MMFanError, match="sampled, highest, soft"):
        student(labels="gumbel")
    with pytest.raises(MMFanError, match=r"`labels` of sampled, highest, soft, got \['soft'\]"):
        student(labels=["soft"])
    for weight in (float("nan"), float("inf"), True, -1):
        with pytest.raises(MMFanError, match="`weight` to be a number of at least 0"):
            student(weight=weight)


@pytest.mark.parametrize("teacher", [{"type": "PixelsAsPatches"}, {**TEACHER, "checkpoint": None}, None])
def test_a_teacher_of_random_weights_is_refused(teacher):
    with pytest.raises(
        ConfigError, match="no weights to teach by: give its config `checkpoint`, the file of a training"
    ):
        TokenLabelStudent({"type": "PixelsAsPatches"}, teacher)


def test_the_clean_copy_goes_through_the_pipeline():
    import numpy as np

    results = {"img": np.full((2, 4, 3), 7, np.uint8), "gt_label": 1}
    results = KeepClean()(results)
    results["img"][:] = 0
    packed = PackClasses()(results)["data_samples"]
    assert packed.clean_img.shape == (3, 2, 4)
    assert bool((packed.clean_img == 7).all())


MORE = """
token = dict(type="mmfan.FANTokenClassifier", backbone=dict({backbone}), num_classes=3)
clean = dict(type="mmfan.KeepClean")
train_dataloader["dataset"]["pipeline"] = [load, pack[0], clean, pack[1]]
model = dict(_delete_=True, type="mmfan.{kind}", network=token, {more}
    mixing=dict(mixup=0.8, cutmix=1.0),
    data_preprocessor=dict(type="ImgDataPreprocessor", mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True))
val_cfg = val_dataloader = val_evaluator = None
"""


@pytest.mark.slow
def test_teacher_then_student_train_by_its_file_in_the_published_form(tmp_path):
    backbone = ", ".join(f"{key}={value!r}" for key, value in BACKBONE.items())
    config = write_config(tmp_path, more=MORE.format(kind="TokenLabeler", backbone=backbone, more=""))
    build_runner(load_config(config), work_dir=tmp_path / "teacher").train()
    file = tmp_path / "teacher" / "iter_4.pth"
    teacher = FANTokenClassifier(dict(BACKBONE), 3, str(file)).eval()
    published = tmp_path / "published.pth.tar"
    torch.save({"state_dict": {k.removeprefix("backbone."): v for k, v in teacher.state_dict().items()}}, published)
    more = f'teacher=dict(**token, checkpoint="{published}"),'
    config = write_config(tmp_path / "b", more=MORE.format(kind="TokenLabelStudent", backbone=backbone, more=more))
    runner = build_runner(load_config(config), work_dir=tmp_path / "student")
    runner.train()
    held = runner.model.teacher.state_dict()
    assert all(torch.equal(value, held[name]) for name, value in teacher.state_dict().items())
    kept = torch.load(tmp_path / "student" / "iter_4.pth", weights_only=False)["state_dict"]
    assert all(name.startswith("network.") for name in kept)
