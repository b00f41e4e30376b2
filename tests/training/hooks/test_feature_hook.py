"""``FeatureAugmentHook``: where it sits in each family of backbones, when it acts, and that its coins repeat."""

import logging

import pytest
import torch
from mmengine.registry import HOOKS, MODELS, DefaultScope
from torch import nn

from mmfan.errors import ConfigError, MMFanError
from mmfan.training import FeatureAugmentHook
from mmfan.training.backbone_stages import named_layers, stage_names

TINY = {"embed_dims": 32, "depth": 3, "num_heads": 4}


class Model(nn.Module):
    """A backbone alone."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, x):
        return self.backbone(x)


class Run:
    """As much of a Runner as the hook looks at."""

    max_iters = 1200
    logger = logging.getLogger("run")

    def __init__(self, iteration, model=None):
        self.iter, self.model = iteration, model


def built(**config):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return Model(MODELS.build(config))


MIT = {"type": "MixVisionTransformer", "embed_dims": 8, "num_layers": [1, 1, 1, 2], "num_heads": [1, 1, 1, 1]}
SWIN = {"type": "SwinTransformer", "embed_dims": 24, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 4, 8)}
PVT = {
    "type": "mmdet.PyramidVisionTransformer", "embed_dims": 16, "num_layers": [1, 1, 1, 1], "num_heads": [1, 2, 2, 4],
    "pretrain_img_size": 64,
}  # fmt: skip
CSP = {"deepen_factor": 0.33, "widen_factor": 0.125, "out_indices": (1, 2, 3, 4)}
VIT = {"type": "VisionTransformer", "img_size": 64, "embed_dims": 32, "num_layers": 3, "num_heads": 4}
SMALL_FAN_SWIN = {"embed_dims": 24, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}
FAMILIES = {
    "FAN": ({"type": "mmfan.FAN", "arch": TINY, "out_indices": (0, 2)}, ["blocks.0", "blocks.2"]),
    "FAN-Hybrid": (
        {"type": "mmfan.FANHybrid", "arch": {**TINY, "stem_depths": (1, 1)}, "out_indices": (1,)},
        ["patch_embed.backbone.stages.0", "patch_embed.backbone.stages.1", "blocks.1"],
    ),
    "FAN-Swin": ({"type": "mmfan.FANSwin", "arch": SMALL_FAN_SWIN}, [f"layers.{number}" for number in range(4)]),
    "AlterNet": ({"type": "mmfan.AlterNet"}, None),
    "MiT": (MIT, [f"layers.{number}.2" for number in range(4)]),
    "Swin": (SWIN, [f"stages.{number}.blocks.1" for number in range(4)]),
    "PVT": (PVT, [f"layers.{number}.2" for number in range(4)]),
    "CSPDarknet": ({"type": "mmdet.CSPDarknet", **CSP}, ["stage1", "stage2", "stage3", "stage4"]),
    "CSPNeXt": ({"type": "mmdet.CSPNeXt", **CSP, "norm_cfg": {"type": "BN"}}, ["stage1", "stage2", "stage3", "stage4"]),
    "ViT": ({**VIT, "out_indices": (0, 2)}, ["layers.0", "layers.2"]),
    "ResNet": ({"type": "ResNet", "depth": 18}, ["layer1", "layer2", "layer3", "layer4"]),
}


def hooked(model, iteration=0, **options):
    hook = FeatureAugmentHook(**{"eps": 1.0, "prob": 1.0, **options})
    hook.attach(model)
    hook.before_train_iter(Run(iteration), 0)
    return hook


@pytest.mark.parametrize("family", FAMILIES)
def test_stages_of_each_family(family):
    config, expected = FAMILIES[family]
    if config["type"].startswith("mmdet."):
        pytest.importorskip("mmdet.models")
    model = built(**config).train()
    names = stage_names(model)
    if expected is not None:
        assert names == [f"backbone.{name}" for name in expected]
    for layer in model.modules():  # nothing random of its own
        if isinstance(layer, nn.Dropout) or type(layer).__name__ == "DropPath":
            layer.eval()
    pictures = torch.randn(2, 3, 64, 64)
    reached = {}
    handles = [
        module.register_forward_hook(lambda *_, name=name: reached.update({name: True}))
        for name, module in named_layers(model, names).items()
    ]
    plain = model(pictures)
    for handle in handles:
        handle.remove()
    assert list(reached) == names  # each is called as a module, in this order
    hook = hooked(model)
    changed = model(pictures)
    assert all(not torch.equal(one, other) for one, other in zip(plain, changed, strict=True))
    hook.detach()
    assert all(torch.equal(one, other) for one, other in zip(plain, model(pictures), strict=True))


@pytest.mark.parametrize(
    ("options", "iteration", "training"),
    [({"prob": 0.0}, 0, True), ({"begin": 5}, 4, True), ({"end": 5}, 5, True), ({}, 0, False)],
    ids=["prob 0", "before begin", "from end on", "eval"],
)
def test_bit_equal_where_it_does_not_act(options, iteration, training):
    model = built(**FAMILIES["FAN-Hybrid"][0]).train(training)
    pictures = torch.randn(2, 3, 64, 64)
    plain = model(pictures)
    hooked(model, iteration, **options)
    assert all(torch.equal(one, other) for one, other in zip(plain, model(pictures), strict=True))


@pytest.mark.parametrize(("iteration", "options"), [(5, {"begin": 5}), (4, {"end": 5}), (5, {"begin": 5, "end": 6})])
def test_it_begins_and_ends_where_asked(iteration, options):
    model = built(**FAMILIES["FAN-Hybrid"][0]).train()
    pictures = torch.randn(2, 3, 64, 64)
    plain = model(pictures)
    hooked(model, iteration, **options)
    assert not torch.equal(plain[0], model(pictures)[0])


def test_shares_are_of_the_training(caplog):
    model = built(**FAMILIES["FAN-Hybrid"][0])
    hook = FeatureAugmentHook(eps=1.0, begin=0.1, end=0.8)
    with caplog.at_level(logging.INFO):
        hook.before_train(Run(0, model))
    assert (hook.begin, hook.end) == (120, 960)
    assert "prob 0.3, from iteration 120 to 960, eps 1.0" in caplog.text
    with caplog.at_level(logging.INFO):
        FeatureAugmentHook(eps=1.0, begin=7).before_train(Run(0, model))
    assert "from iteration 7 on" in caplog.text
    for end in (0.1, 1):  # the share of it, and iteration 1
        with pytest.raises(ConfigError, match=r"would end at iteration \d+, before it begins at 120"):
            FeatureAugmentHook(eps=1.0, begin=0.1, end=end).before_train(Run(0, model))


def test_coins_fall_by_iteration_and_layer_with_the_probability():
    layer = nn.Identity()
    model = Model(nn.Sequential(layer, nn.Identity()))
    hook = FeatureAugmentHook(["backbone.0", "backbone.1"], eps=1.0, prob=0.3)
    hook.attach(model)
    maps = torch.ones(64, 4, 1, 1)  # each push adds 0.5 to every value
    pushes = []
    for iteration in range(60):
        hook.before_train_iter(Run(iteration), 0)
        first = model(maps)
        assert torch.equal(first, model(maps))  # of the iteration alone, not of calls before
        pushes.append((first - 1)[:, 0, 0, 0] / 0.5)
    counts = torch.stack(pushes)
    assert counts.mean() == pytest.approx(0.6, abs=0.03)
    assert (counts == 2).float().mean() == pytest.approx(0.09, abs=0.015)  # the layers throw coins of their own
    assert len({tuple(row.tolist()) for row in counts}) == 60


def test_with_activation_checkpointing_the_gradient_is_the_same():
    gradients = []
    for with_cp in (False, True):
        model = built(**FAMILIES["FAN-Hybrid"][0], with_cp=with_cp).train()
        hooked(model, 3, prob=0.5)
        sum(maps.square().sum() for maps in model(torch.ones(4, 3, 64, 64).cumsum(0))).backward()
        gradients.append([value.grad for value in model.parameters() if value.grad is not None])
    assert len(gradients[0]) > 30
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_first_features_of_a_tuple_are_taken():
    class Pair(nn.Module):
        def forward(self, x):
            return x, (1, 2)

    model = Model(nn.Sequential(Pair()))
    hook = hooked(model, layers=["backbone.0"])
    tokens = torch.ones(1, 3, 4)
    result, size = model(tokens)
    assert size == (1, 2)
    torch.testing.assert_close(result, tokens + 0.5)
    hook.detach()


def test_wrong_arguments_are_named():
    for options in ({}, {"eps": 1.0, "eps_rel": 1.0}):
        with pytest.raises(MMFanError, match=r"`eps` .* or `eps_rel`"):
            FeatureAugmentHook(**options)
    with pytest.raises(MMFanError, match="`prob` to be a number of 0 to 1, got 2"):
        FeatureAugmentHook(eps=1.0, prob=2)
    with pytest.raises(MMFanError, match="`layers` to name modules, got none"):
        FeatureAugmentHook([], eps=1.0)
    with pytest.raises(MMFanError, match=r"`end` to be a number of iterations, or a share below 1, got 1\.0"):
        FeatureAugmentHook(eps=1.0, end=1.0)
    with pytest.raises(MMFanError, match="`eps` to be a number of at least 0, got inf"):
        FeatureAugmentHook(eps=float("inf"))
    late = FeatureAugmentHook(eps=1.0, begin=1200)
    with pytest.raises(ConfigError, match="would begin at iteration 1200 of a training of 1200"):
        late.before_train(Run(0, built(**FAMILIES["FAN-Hybrid"][0])))
    with pytest.raises(MMFanError, match="`direction` to be one of mean, random, noise, got 'up'"):
        FeatureAugmentHook(eps=1.0, direction="up")


def test_layers_that_are_not_there_are_named():
    model = built(**FAMILIES["FAN-Hybrid"][0])
    with pytest.raises(ConfigError, match=r"'backbone.blocks.9', which the model lacks.*backbone.blocks.0"):
        FeatureAugmentHook(["backbone.blocks.9"], eps=1.0).attach(model)
    with pytest.raises(ConfigError, match=r"The stages of Sequential are not known.*layers="):
        FeatureAugmentHook(eps=1.0).attach(Model(nn.Sequential(nn.Identity())))
    with pytest.raises(ConfigError, match="has no `backbone`"):
        FeatureAugmentHook(eps=1.0).attach(nn.Identity())
    flat = Model(nn.Sequential(nn.Flatten()))
    hooked(flat, layers=["backbone.0"])
    with pytest.raises(ConfigError, match=r"backbone\.0 gives \(1, 12\), where maps"):
        flat(torch.zeros(1, 3, 2, 2))


def test_by_name_from_any_scope():
    assert isinstance(HOOKS.build({"type": "mmfan.FeatureAugmentHook", "eps": 9}), FeatureAugmentHook)
