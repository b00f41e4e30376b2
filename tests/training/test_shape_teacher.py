"""Shape distillation: the loss by hand, the teacher's own state, both read-outs in testing, the measure of likeness."""

import copy
from pathlib import Path

import pytest
import torch
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.model.weight_init import PretrainedInit
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.nn import functional

from mmfan.apis import load_config
from mmfan.errors import ConfigError, MMFanError
from mmfan.training.shape_teacher import cosine_of

HEAD = {"type": "mmfan.ShapeTokenHead", "in_channels": 32, "in_index": 3, "channels": 16, "num_classes": 19}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shape")
    found = load_config(write_config(folder / "tiny.py", write_tree(folder / "data")))
    torch.save({"state_dict": built(found, seed=3).state_dict()}, folder / "teacher.pth")
    found.teacher_file = str(folder / "teacher.pth")
    return found


def built(config, seed=0, **changes):
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build({**copy.deepcopy(config.model.to_dict()), **changes})


def taught(config, **changes):
    own = {"type": "mmfan.ShapeTeacherWrapper", "of": "EncoderDecoder", "auxiliary_head": dict(HEAD)}
    own["checkpoint"] = config.teacher_file
    return built(config, **{**own, "teacher": copy.deepcopy(config.model.to_dict()), **changes})


def batch():
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randint(0, 256, (3, 64, 64), generator=generator, dtype=torch.uint8) for _ in range(2)]
    samples = []
    for _ in inputs:
        labels = torch.randint(0, 19, (1, 64, 64), generator=generator)
        labels[:, :20] = 255
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=labels)))
    return {"inputs": inputs, "data_samples": samples}


def prepared(model):
    return model.data_preprocessor(copy.deepcopy(batch()), training=True)


def test_the_loss_is_the_cross_entropy_with_what_the_teacher_says(config):
    model = taught(config).eval()
    data = prepared(model)
    losses = model(**copy.deepcopy(data), mode="loss")
    teacher = model.shape_teacher[0]
    with torch.no_grad():
        features = model.extract_feat(data["inputs"])
        said = functional.interpolate(
            teacher.decode_head(teacher.extract_feat(data["inputs"])), (64, 64), mode="bilinear"
        ).argmax(1)
        logits = functional.interpolate(model.auxiliary_head(features), (64, 64), mode="bilinear")
        truth = torch.stack([one.gt_sem_seg.data[0] for one in data["data_samples"]])
        said[truth == 255] = 255
        counted = functional.cross_entropy(logits, said, ignore_index=255, reduction="sum")
    # mmsegmentation takes the mean over all pixels, those that are ignored too
    torch.testing.assert_close(losses["aux.loss_ce"], 0.4 * counted / said.numel())
    assert said.unique().numel() > 2
    # the decode head learns the labels, as ever
    plain = built(config).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    own = plain(**copy.deepcopy(data), mode="loss")
    torch.testing.assert_close(losses["decode.loss_ce"], own["decode.loss_ce"])
    assert -1 <= float(losses["shape_cosine"]) <= 1


def test_the_teacher_is_neither_trained_nor_saved(config, tmp_path):
    model = taught(config).train()
    model.load_teacher()
    teacher = model.shape_teacher[0]
    before = copy.deepcopy(teacher.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = model(**prepared(model), mode="loss")
    loss, logged = model.parse_losses(losses)
    assert set(logged) >= {"loss", "aux.loss_ce", "decode.loss_ce", "shape_cosine"}
    torch.testing.assert_close(logged["loss"], logged["aux.loss_ce"] + logged["decode.loss_ce"])
    loss.backward()
    optimizer.step()
    assert not teacher.training
    assert all(one.grad is None for one in teacher.parameters())
    assert all(bool((value == before[name]).all()) for name, value in teacher.state_dict().items())
    assert all(one.grad is not None for one in model.auxiliary_head.parameters())
    assert not any("teacher" in name for name in model.state_dict())
    # the plain model, with the second read-out as an auxiliary head, takes the weights
    built(config, auxiliary_head=dict(HEAD)).load_state_dict(model.state_dict())


def test_its_weights_come_from_a_file_when_the_models_own_are_initialised(config, tmp_path):
    file = tmp_path / "teacher.pth"
    state = built(config, seed=7).state_dict()
    torch.save({"state_dict": state}, file)
    model = taught(config, checkpoint=str(file))
    model.init_weights()
    loaded = model.shape_teacher[0].state_dict()
    assert all(bool((loaded[name] == value).all()) for name, value in state.items() if name in loaded)
    assert model.shape_checkpoint == ""
    state.pop(next(iter(state)))
    torch.save({"state_dict": state}, file)
    with pytest.raises(ConfigError, match="are not those of `teacher`"):
        taught(config, checkpoint=str(file)).load_teacher()
    with pytest.raises(FileNotFoundError):
        taught(config, checkpoint=str(tmp_path / "none.pth")).load_teacher()


def test_the_second_read_out_is_dropped_or_averaged_in_testing(config):
    dropped, averaged = taught(config).eval(), taught(config, read="averaged").eval()
    averaged.load_state_dict(dropped.state_dict())
    plain = built(config).eval()
    plain.load_state_dict(dropped.state_dict(), strict=False)
    data = prepared(plain)
    metas = [{"ori_shape": (64, 64), "img_shape": (64, 64), "pad_shape": (64, 64), "padding_size": [0, 0, 0, 0]}] * 2
    with torch.no_grad():
        own = plain.encode_decode(data["inputs"], metas)
        assert torch.equal(dropped.encode_decode(data["inputs"], metas), own)
        other = dropped.auxiliary_head.predict(dropped.extract_feat(data["inputs"]), metas, plain.test_cfg)
        found = averaged.encode_decode(data["inputs"], metas)
    torch.testing.assert_close(found.exp(), (own.softmax(1) + other.softmax(1)) / 2)


def test_likeness_of_logits():
    first = torch.randn(2, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    assert float(cosine_of(first, 3 * first + 7)) == pytest.approx(1)
    assert float(cosine_of(first, -first)) == pytest.approx(-1)
    assert float(cosine_of(first, first.repeat_interleave(2, 2).repeat_interleave(2, 3))) > 0.8
    one, other = torch.zeros(1, 4, 1, 1), torch.zeros(1, 4, 1, 1)
    one[0, 0], other[0, 1] = 1, 1
    assert float(cosine_of(one, other)) == pytest.approx(
        -1 / 3
    )  # less the means: (3, -1, -1, -1) . (-1, 3, -1, -1) / 12


def test_a_teacher_has_weights(config):
    own, file = config.model.to_dict(), config.teacher_file
    for teacher in (
        own,
        {**own, "backbone": {**own["backbone"], "init_cfg": {"type": "Pretrained", "checkpoint": file}}},
    ):
        with pytest.raises(ConfigError, match=r"no weights to teach by: give `checkpoint`, .* init_cfg=dict"):
            taught(config, teacher=teacher, checkpoint=None)
    loaded = taught(config, teacher={**own, "init_cfg": {"type": "Pretrained", "checkpoint": file}}, checkpoint=None)
    by_class = {**own, "init_cfg": {"type": PretrainedInit, "checkpoint": file}}
    taught(config, teacher=by_class, checkpoint=None)
    state = torch.load(file)["state_dict"]
    found = loaded.shape_teacher[0].state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items() if name in found)
    for checkpoint in (5, "", True):
        with pytest.raises(ConfigError, match="`checkpoint` to be the file of the teacher's weights, got"):
            taught(config, checkpoint=checkpoint)
    assert taught(config, checkpoint=Path(file)).shape_checkpoint == file


def test_what_does_not_fit_is_named(config):
    with pytest.raises(ConfigError, match="`read` to be 'dropped' or 'averaged', got 'both'"):
        taught(config, read="both")
    with pytest.raises(ConfigError, match=r"needs one mmfan\.ShapeTokenHead as `auxiliary_head`, got 0"):
        taught(config, auxiliary_head=None)
    with pytest.raises(ConfigError, match=r"The teacher knows 19 classes, mmfan\.ShapeTokenHead 3"):
        taught(config, auxiliary_head={**HEAD, "num_classes": 3})
    for teacher in (None, {}, 5):
        with pytest.raises(ConfigError, match="`teacher` to be the config of a segmentor"):
            taught(config, teacher=teacher)
    one_logit = copy.deepcopy(config.model.to_dict())
    one_logit["decode_head"].update(
        num_classes=2, out_channels=1, threshold=0.3, loss_decode={"type": "CrossEntropyLoss", "use_sigmoid": True}
    )
    with pytest.raises(ConfigError, match="The teacher gives one logit for both classes"):
        taught(config, teacher=one_logit, auxiliary_head={**HEAD, "num_classes": 2})
    with pytest.raises(ConfigError, match="The model gives one logit for both classes"):
        taught(config, decode_head=one_logit["decode_head"])
    model = built(config, auxiliary_head=dict(HEAD))
    with pytest.raises(MMFanError, match="holds no label map of one"):
        model(**prepared(model), mode="loss")


@pytest.mark.slow
def test_it_is_trained_from_a_config_and_judged_as_any_other(tmp_path):
    from helpers.tiny_robustness import make_runner
    from helpers.tiny_segmentor import write_checkpoint

    from mmfan.apis import build_runner

    plain = write_config(tmp_path / "plain.py", write_tree(tmp_path / "data"), "train_cfg['max_iters'] = 2\n")
    teacher = write_checkpoint(tmp_path / "teacher.pth", plain)
    head, _, rest = plain.read_text().partition("train_pipeline = [")
    own = head.replace("model = dict(", "model = dict(\n    type='mmfan.ShapeTeacherWrapper', of='EncoderDecoder',\n"
                       f"    teacher=TEACHER, checkpoint={str(teacher)!r}, auxiliary_head={HEAD!r},", 1)  # fmt: skip
    model = load_config(plain).model.to_dict()
    config = tmp_path / "shape.py"
    config.write_text(own.replace("TEACHER", repr(model)) + "train_pipeline = [" + rest)
    cfg = load_config(config)
    cfg.train_cfg.val_interval = 100
    runner = build_runner(cfg, work_dir=tmp_path / "work")
    runner.train()
    assert runner.iter == 2
    assert runner.model.shape_checkpoint == ""
    assert "train/shape_cosine" in runner.message_hub.log_scalars
    checkpoint = tmp_path / "work" / "iter_2.pth"
    assert not any("teacher" in name for name in torch.load(checkpoint, weights_only=False)["state_dict"])
    # and goes on, in mixed precision
    cfg = load_config(config)
    cfg.train_cfg.update(max_iters=3, val_interval=100)
    cfg.experiment_name = "resumed"
    rest = build_runner(cfg, work_dir=tmp_path / "work", resume=True, amp=True)
    rest.train()
    assert (rest.iter, rest.model.shape_checkpoint) == (3, "")
    assert type(rest.optim_wrapper).__name__.endswith("AmpOptimWrapper")
    assert 0 < rest.message_hub.get_scalar("train/loss").current() < 100
    protocol = {"corruptions": ["contrast"], "severities": [2]}
    scores = make_runner(config, checkpoint, tmp_path / "judged", protocol=protocol).test()
    assert 0 <= scores["clean/mIoU"] <= 1
