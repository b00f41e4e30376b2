"""ADL as a hook: its loss is that of the blocks, it leaves the model as it was, and it says where it cannot be."""

import pytest
import torch
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.registry import MODELS, DefaultScope

from mmfan.apis import build_runner, load_config
from mmfan.errors import ConfigError, MMFanError
from mmfan.training import AttentionDiversityHook
from mmfan.training.diversity import attention_rows, likeness

ARCH = {"embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 1)}


def segmentor(**backbone):
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(
            {
                "type": "EncoderDecoder",
                "backbone": {"type": "mmfan.FANHybrid", "arch": ARCH, "out_indices": (1,), **backbone},
                "decode_head": {
                    "type": "mmfan.FANSegformerHead", "in_channels": [128, 256, 32, 32], "in_index": [0, 1, 2, 3],
                    "embed_dim": 16, "num_classes": 3, "align_corners": False, "dropout_ratio": 0.0,
                },
            }
        ).train()  # fmt: skip
    for block in model.backbone.blocks:  # as built, attention is even, and nothing stands out
        torch.nn.init.normal_(block.attn.q.weight)
        torch.nn.init.normal_(block.attn.kv.weight)
    return model


def batch():
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    torch.manual_seed(0)
    sample = SegDataSample(metainfo={"img_shape": (64, 64), "ori_shape": (64, 64), "pad_shape": (64, 64)})
    sample.gt_sem_seg = PixelData(data=torch.randint(0, 3, (1, 64, 64)))
    return torch.randn(1, 3, 64, 64), [sample]


def test_the_loss_is_the_mean_over_blocks(monkeypatch):
    model, (pictures, samples) = segmentor(), batch()
    own = type(model)
    hook = AttentionDiversityHook(weight=0.5, rows=1000)
    assert hook.attach(model) == 2
    inputs = []
    for block in model.backbone.blocks:
        block.attn.register_forward_pre_hook(lambda module, args: inputs.append(args[0]))
    losses = model.loss(pictures, samples)
    wanted = []
    for block, x in zip(model.backbone.blocks, inputs, strict=True):
        keys = block.attn.kv(x)[..., :32]
        wanted.append(likeness(attention_rows(block.attn.q(x), keys, 4, torch.arange(16))))
    torch.testing.assert_close(losses["loss_diversity"], 0.5 * torch.stack(wanted).mean())
    assert 0.05 < losses["loss_diversity"].detach() < 0.5
    hook.detach()
    assert type(model) is own
    assert "loss_diversity" not in model.loss(pictures, samples)
    assert not hasattr(model, "diversity")


def test_predictions_and_other_losses_stay():
    model, (pictures, samples) = segmentor(), batch()
    before = model.loss(pictures, samples)
    AttentionDiversityHook(weight=0).attach(model)
    after = model.loss(pictures, samples)
    assert float(after["decode.loss_ce"].detach()) == float(before["decode.loss_ce"].detach())
    assert float(after["loss_diversity"].detach()) == 0
    model.eval()
    with torch.no_grad():
        model.extract_feat(pictures)  # outside of a loss nothing is collected
    assert model.diversity._found == []


def test_rows_depend_on_the_iteration_alone():
    torch.manual_seed(0)
    model, (pictures, samples) = segmentor(), batch()
    hook = AttentionDiversityHook(rows=4)
    hook.attach(model)
    found = []
    for iteration in (3, 3, 4):
        hook._iteration = iteration
        found.append(float(model.loss(pictures, samples)["loss_diversity"].detach()))
    assert found[0] == found[1] != found[2]


def test_blocks_that_are_computed_again_have_the_same_gradients():
    gradients = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model, (pictures, samples) = segmentor(with_cp=with_cp), batch()
        AttentionDiversityHook(rows=8).attach(model)
        losses = model.loss(pictures, samples)
        (losses["loss_diversity"] + losses["decode.loss_ce"]).backward()
        gradients.append([block.attn.q.weight.grad for block in model.backbone.blocks])
        assert model.diversity._found == []
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
        assert one.abs().max() > 0


def test_where_it_cannot_be():
    with pytest.raises(ConfigError, match=r"token blocks of mmfan\.FAN and mmfan\.FANHybrid .* detector, got Linear"):
        AttentionDiversityHook().attach(torch.nn.ModuleDict({"backbone": torch.nn.Linear(2, 2)}))
    with pytest.raises(ConfigError, match="got Linear without a `backbone`"):
        AttentionDiversityHook().attach(torch.nn.Linear(2, 2))
    with pytest.raises(MMFanError, match="rows"):
        AttentionDiversityHook(rows=0)


def test_tap_and_adl_train(tmp_path):
    config = write_config(tmp_path / "seg.py", write_tree(tmp_path / "data"))
    cfg = load_config(config)
    cfg.model.backbone.token_pooling = 4
    cfg.custom_hooks = [{"type": "mmfan.AttentionDiversityHook", "rows": 8}]
    cfg.train_cfg.max_iters = 2
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = build_runner(cfg, work_dir=tmp_path / "run")
    before = runner.model.backbone.blocks[0].pool.conv1.weight.detach().clone()
    runner.train()
    assert not torch.equal(before, runner.model.backbone.blocks[0].pool.conv1.weight)
    assert "train/loss_diversity" in runner.message_hub.log_scalars
    state = torch.load(tmp_path / "run/iter_2.pth", weights_only=False)["state_dict"]
    assert any(".pool." in key for key in state)
    assert not any("diversity" in key for key in state)
