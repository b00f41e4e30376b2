"""``ConsistencyWrapper``: its loss against one that is computed view by view; names, weights and predictions stay."""

import copy

import pytest
import torch
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfan.apis import load_config
from mmfan.errors import ConfigError, MMFanError
from mmfan.training.comparison.class_scores import watched
from mmfan.training.comparison.divergence import bernoulli_divergence, divergence


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("consistency")
    return load_config(write_config(folder / "tiny.py", write_tree(folder / "data")))


def built(config, **changes):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build({**copy.deepcopy(config.model), **changes})


def wrapped(config, **changes):
    return built(config, type="mmfan.ConsistencyWrapper", of="EncoderDecoder", **changes)


def batch(views=3, with_copies=(True, True)):
    generator = torch.Generator().manual_seed(0)
    inputs, samples = [], []
    for has in with_copies:
        channels = 3 * views if has else 3
        inputs.append(torch.randint(0, 256, (channels, 64, 64), generator=generator, dtype=torch.uint8))
        labels = torch.randint(0, 19, (1, 64, 64), generator=generator)
        labels[:, :, :20] = 255
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=labels)))
    return {"inputs": inputs, "data_samples": samples}


def losses_of(model, data):
    model.eval()  # batch norms keep to their statistics, so that pictures can be taken one by one
    return model(**model.data_preprocessor(copy.deepcopy(data), training=True), mode="loss")


def plain_logits(model, pictures):
    data = {"inputs": list(pictures), "data_samples": [SegDataSample() for _ in pictures]}
    return model(model.data_preprocessor(data, training=False)["inputs"], mode="tensor")


@pytest.mark.parametrize("weight", [1.0, 12.0])
def test_the_loss_is_that_of_separate_passes(config, weight):
    model, plain, data = wrapped(config, consistency={"pixels": weight}), built(config).eval(), batch()
    losses = losses_of(model, data)
    clean = {**data, "inputs": [picture[:3] for picture in data["inputs"]]}
    expected = losses_of(plain, clean)
    assert set(losses) == {*expected, "loss_consistency_pixels"}
    torch.testing.assert_close(losses["decode.loss_ce"], expected["decode.loss_ce"], rtol=1e-4, atol=1e-5)
    views = [plain_logits(plain, [picture[at : at + 3] for picture in data["inputs"]]) for at in (0, 3, 6)]
    labels = torch.stack([sample.gt_sem_seg.data[0] for sample in data["data_samples"]])[:, ::4, ::4]
    jsd = divergence(views)[labels != 255].mean()
    assert jsd > 1e-5
    torch.testing.assert_close(losses["loss_consistency_pixels"], weight * jsd, rtol=1e-3, atol=1e-6)


def test_layers_that_normalise_see_pictures_and_copies_as_one_batch(config):
    """As where AugMix was introduced: one pass over all views, also through the batch norms of the head."""
    model, plain, data = wrapped(config).train(), built(config).train(), batch(with_copies=(True, False))
    ready = model.data_preprocessor(copy.deepcopy(data), training=True)
    first, second, *copies = plain(ready["inputs"], mode="tensor")  # the first, the second, and two copies of the first
    losses = model(**ready, mode="loss")
    labels = data["data_samples"][0].gt_sem_seg.data[0, ::4, ::4]
    jsd = divergence([one[None] for one in (first, *copies)])[0][labels != 255].mean()
    torch.testing.assert_close(losses["loss_consistency_pixels"], jsd, rtol=1e-3, atol=1e-6)
    truth = torch.stack([sample.gt_sem_seg.data[0] for sample in data["data_samples"]])
    size = truth.shape[1:]
    larger = torch.nn.functional.interpolate(torch.stack([first, second]), size=size, mode="bilinear")
    expected = torch.nn.functional.cross_entropy(larger, truth, ignore_index=255, reduction="sum") / truth.numel()
    torch.testing.assert_close(losses["decode.loss_ce"], expected, rtol=1e-3, atol=1e-5)
    own, theirs = dict(model.named_buffers()), dict(plain.named_buffers())
    for name in (name for name in own if "running" in name):
        torch.testing.assert_close(own[name], theirs[name], rtol=1e-4, atol=1e-5)


def test_a_lone_copy_is_no_batch_of_its_own(config):
    """Heads that pool a picture into one place (PSPNet, UPerNet) normalise over the batch: of one they cannot."""
    head = {"type": "PSPHead", "in_channels": config.model.decode_head.in_channels[-1], "in_index": 3, "channels": 8,
            "num_classes": 19, "norm_cfg": {"type": "BN"}}  # fmt: skip
    model, data = wrapped(config, decode_head=head).train(), batch(with_copies=(False, True))
    losses = model(**model.data_preprocessor(data, training=True), mode="loss")
    assert losses["loss_consistency_pixels"].item() > 0


@pytest.mark.parametrize("with_copies", [(False, False), (True, False), (True, True)])
def test_a_head_makes_one_pass_with_or_without_copies(config, with_copies):
    """Layers that speak with other processes (SyncBN) wait for all of them: each has to make as many passes."""
    model, passes = wrapped(config).train(), []
    for layer in model.decode_head.modules():
        if isinstance(layer, torch.nn.SyncBatchNorm):
            layer.register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    model(**model.data_preprocessor(batch(with_copies=with_copies), training=True), mode="loss")
    assert passes == [2 + 2 * sum(with_copies)]


def test_views_that_are_equal_cost_nothing(config):
    data = batch()
    data["inputs"] = [picture[:3].repeat(3, 1, 1) for picture in data["inputs"]]
    assert losses_of(wrapped(config), data)["loss_consistency_pixels"].item() == pytest.approx(0, abs=1e-6)


def test_classes_that_do_not_exclude_each_other_are_compared_one_by_one(config):
    """A head with a sigmoid a class: the divergence of each class, meant over pixels with a label and classes."""
    head = {**copy.deepcopy(config.model.decode_head), "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": True}}
    model, plain, data = wrapped(config, decode_head=head), built(config, decode_head=head).eval(), batch()
    losses = losses_of(model, data)
    views = [plain_logits(plain, [one[3 * view : 3 * view + 3] for one in data["inputs"]]) for view in range(3)]
    size = views[0].shape[2:]
    truth = torch.stack([one.gt_sem_seg.data for one in data["data_samples"]]).float()
    valid = torch.nn.functional.interpolate(truth, size=size, mode="nearest").expand(-1, 19, -1, -1) != 255
    values = bernoulli_divergence(views)
    torch.testing.assert_close(losses["loss_consistency_pixels"], values[valid].mean())


@pytest.mark.parametrize(("sigmoids", "exclusive"), [((True, True), False), ((True, False), True)])
def test_of_several_losses_all_have_a_sigmoid_a_class_or_the_classes_exclude_each_other(config, sigmoids, exclusive):
    losses = [
        {"type": "CrossEntropyLoss", "use_sigmoid": sigmoid, "loss_name": f"loss_{number}"}
        for number, sigmoid in enumerate(sigmoids)
    ]
    model = built(config, decode_head={**copy.deepcopy(config.model.decode_head), "loss_decode": losses})
    ready = model.data_preprocessor(batch(views=1), training=True)
    with watched(model, ready["data_samples"]) as scored:
        model(**ready, mode="loss")
    assert [one.exclusive for one in scored] == [exclusive]


def test_only_pictures_with_copies_count(config):
    model, data = wrapped(config), batch(with_copies=(False, True))
    some = losses_of(model, data)
    alone = losses_of(model, {name: values[1:] for name, values in data.items()})
    torch.testing.assert_close(some["loss_consistency_pixels"], alone["loss_consistency_pixels"], rtol=1e-4, atol=1e-7)
    none = losses_of(model, batch(with_copies=(False, False)))
    assert none["loss_consistency_pixels"] == 0
    assert set(none) == set(some)  # all processes of a training have the same losses


def test_every_view_has_a_gradient(config):
    model, data = wrapped(config).eval(), batch()
    ready = model.data_preprocessor(data, training=True)
    ready["inputs"].requires_grad_()
    model(**ready, mode="loss")["loss_consistency_pixels"].backward()
    assert ready["inputs"].shape == (6, 3, 64, 64)
    assert (ready["inputs"].grad.flatten(1).abs().sum(dim=1) > 0).all()


def test_the_model_stays_what_it_is(config):
    model, plain = wrapped(config), built(config)
    assert list(model.state_dict()) == list(plain.state_dict())
    assert isinstance(model, type(plain))
    pictures = torch.randn(1, 3, 64, 64)
    assert torch.equal(model.eval()(pictures, mode="tensor"), plain.eval()(pictures, mode="tensor"))
    assert isinstance(copy.deepcopy(model), type(model))


def test_what_cannot_be_trained_so_is_named(config):
    with pytest.raises(ConfigError, match=r"weights for pixels, rpn, dense, roi, got pixel\."):
        wrapped(config, consistency={"pixel": 1.0})
    with pytest.raises(MMFanError, match="`pixels` to be a number of at least 0, got -1"):
        wrapped(config, consistency={"pixels": -1})
    with pytest.raises(ConfigError, match="needs a `data_preprocessor`"):
        wrapped(config, data_preprocessor=None)
    with pytest.raises(ConfigError, match=r"cannot train mmfan\.FANClassifier: it has no extract_feat and no loss"):
        built(Config({"model": {}}), type="mmfan.ConsistencyWrapper", of="mmfan.FANClassifier", num_classes=2,
              backbone={"type": "mmfan.FAN", "arch": {"embed_dims": 32, "depth": 1, "num_heads": 4},
                        "out_indices": (0,)})  # fmt: skip
    data = batch()
    data["inputs"][0] = data["inputs"][0][:6]
    with pytest.raises(ConfigError, match=r"one number of views .* got \[1, 2\] copies"):
        losses_of(wrapped(config), data)
    data["inputs"][0] = data["inputs"][0][:4]
    with pytest.raises(ConfigError, match="got 4 channels"):
        losses_of(wrapped(config), data)
