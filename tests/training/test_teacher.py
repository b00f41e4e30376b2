"""``TeacherWrapper``: two steps of the mean by hand, the loss by separate passes, the teacher's own state."""

import copy

import pytest
import torch
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfan.apis import build_runner, load_config
from mmfan.errors import ConfigError
from mmfan.training.comparison.divergence import divergence_from


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    return load_config(write_config(folder / "tiny.py", write_tree(folder / "data")))


def built(config, **changes):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build({**copy.deepcopy(config.model), **changes})


def taught(config, **changes):
    return built(config, type="mmfan.TeacherWrapper", of="EncoderDecoder", **changes)


def batch(views=(2, 1)):
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randint(0, 256, (3 * count, 64, 64), generator=generator, dtype=torch.uint8) for count in views]
    samples = []
    for _ in views:
        labels = torch.randint(0, 19, (1, 64, 64), generator=generator)
        labels[:, :, :20] = 255
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=labels)))
    return {"inputs": inputs, "data_samples": samples}


def losses_of(model, data):
    return model(**model.data_preprocessor(copy.deepcopy(data), training=True), mode="loss")


def test_two_steps_of_the_mean_by_hand(config):
    model = taught(config, momentum=0.75)
    weight = next(model.parameters())
    mean = next(model.teacher.parameters())
    for value, expected in ((1.0, 1.0), (3.0, 2.0), (6.0, 2 * 2 / 3 + 6 / 3), (0.0, 0.75 * (2 * 2 / 3 + 6 / 3))):
        torch.nn.init.constant_(weight, value)
        model.follow()  # momentum 0, 1/2, 2/3, then 3/4
        torch.testing.assert_close(mean, torch.full_like(mean, expected))
    assert model.taught == 4


def test_the_loss_is_that_of_separate_passes(config):
    model, plain = taught(config, weight=2.0).eval(), built(config).eval()
    data = batch()
    losses = losses_of(model, data)
    # the student sees the copy of the first picture and the second as it is
    seen = {**data, "inputs": [data["inputs"][0][3:], data["inputs"][1]]}
    expected = losses_of(plain, seen)
    assert set(losses) == {*expected, "loss_teacher_pixels"}
    torch.testing.assert_close(losses["decode.loss_ce"], expected["decode.loss_ce"], rtol=1e-4, atol=1e-5)
    normal = [plain.data_preprocessor({"inputs": [one], "data_samples": [SegDataSample()]}, training=False)["inputs"]
              for one in (data["inputs"][0][:3], data["inputs"][0][3:])]  # fmt: skip
    clean, copied = (plain(one, mode="tensor") for one in normal)
    valid = data["data_samples"][0].gt_sem_seg.data[:, ::4, ::4] != 255
    distance = divergence_from(clean, copied)[valid].mean()
    assert distance > 1e-5
    torch.testing.assert_close(losses["loss_teacher_pixels"], 2 * distance, rtol=1e-3, atol=1e-6)


def test_gradients_reach_the_student_alone(config):
    model = taught(config)
    model.train()
    assert model.training
    assert not any(part.training for part in model.teacher.modules())
    sum(value for name, value in losses_of(model, batch()).items() if "loss" in name).backward()
    assert all(value.grad is None for value in model.teacher.parameters())
    assert model.backbone.patch_embed.proj.weight.grad.abs().sum() > 0


def test_the_plain_model_is_in_it(config):
    model, plain = taught(config), built(config)
    names = [name for name in model.state_dict() if not name.startswith("teacher.") and name != "taught"]
    assert names == list(plain.state_dict())
    pictures = torch.randn(1, 3, 64, 64)
    assert torch.equal(model.eval()(pictures, mode="tensor"), plain.eval()(pictures, mode="tensor"))
    assert losses_of(model, batch((1, 1)))["loss_teacher_pixels"] == 0


def test_more_than_one_copy_is_refused(config):
    with pytest.raises(ConfigError, match=r"takes one copy of a picture \(views=2\), got 2"):
        losses_of(taught(config), batch((3, 3)))


def test_the_teacher_is_not_initialised_and_begins_as_the_student(config, monkeypatch):
    """It has no weights of its own to tell of: a backbone without `init_cfg` would log that it trains from scratch."""
    model, told = taught(config), []
    for part in (model.backbone, model.decode_head):
        initialised = type(part).init_weights
        monkeypatch.setattr(type(part), "init_weights", lambda self, own=initialised: (told.append(self), own(self)))
    model.init_weights()
    assert {id(one) for one in told} == {id(model.backbone), id(model.decode_head)}
    model.train()
    losses_of(model, batch())
    own, teachers = dict(model.named_parameters()), dict(model.teacher.named_parameters())
    assert len(teachers) * 2 == len(own)
    assert all(torch.equal(value, own[name]) for name, value in teachers.items())


def test_a_training_from_other_weights_begins_with_a_teacher_of_its_own(config, tmp_path):
    trained = taught(config)
    trained.taught.fill_(40000)
    torch.save({"state_dict": trained.state_dict()}, tmp_path / "trained.pth")
    cfg = copy.deepcopy(config)
    cfg.model.update(type="mmfan.TeacherWrapper", of="EncoderDecoder")
    cfg.model.decode_head.num_classes = 32
    runner = build_runner(cfg, work_dir=tmp_path / "work")
    runner.load_checkpoint(str(tmp_path / "trained.pth"))
    model = runner.model
    assert model.taught == 0
    assert torch.equal(model.backbone.patch_embed.proj.weight, trained.backbone.patch_embed.proj.weight)
    model.follow()
    assert torch.equal(model.teacher.decode_head.conv_seg.weight, model.decode_head.conv_seg.weight)
