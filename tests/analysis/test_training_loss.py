"""Training batches and losses: the same each time, and generators left alone."""

import random

import numpy as np
import pytest
import torch
from helpers.lazy_segmentor import write_lazy_config
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

from mmfan.analysis import AnalysisError, load_context
from mmfan.analysis.probing.pixel_task import on_training_set
from mmfan.analysis.training_loss import loss_of, training_batches, twice_differentiable, weight_decays

AUGMENTED = """
train_pipeline.insert(3, dict(type="RandomFlip", prob=0.5))
train_pipeline.insert(3, dict(type="PhotoMetricDistortion"))
train_dataloader["dataset"]["pipeline"] = train_pipeline
optim_wrapper["paramwise_cfg"] = dict(norm_decay_mult=0.0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("crops")
    config = write_config(made / "tiny.py", write_tree(made / "data"), AUGMENTED)
    write_checkpoint(made / "tiny.pth", config)
    return made


def context(folder, **settings):
    return load_context(str(folder / "tiny.py"), str(folder / "tiny.pth"), "cpu", **settings)


@pytest.mark.slow
def test_batches_depend_on_seed_and_name_alone(folder):
    made = context(folder)
    first = training_batches(made, 2, 2)
    assert [batch.inputs.shape for batch in first] == [(2, 3, 64, 64)] * 2
    random.random(), np.random.rand(), torch.rand(1)
    again = training_batches(made, 2, 2)
    assert all(torch.equal(one.inputs, other.inputs) for one, other in zip(first, again, strict=True))
    # whatever the batch size is
    single = training_batches(made, 4, 1)
    torch.testing.assert_close(torch.cat([batch.inputs for batch in single]), torch.cat([b.inputs for b in first]))
    other = training_batches(context(folder, seed=1), 2, 2)
    assert not torch.equal(first[0].inputs, other[0].inputs)
    assert len({name for batch in first for name in batch.names}) == 4


def test_generators_are_left_as_they_were(folder):
    made = context(folder)
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    training_batches(made, 1, 2)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected


def test_what_is_drawn_for_a_batch_or_in_the_loss_is_the_same_each_time(folder, monkeypatch):
    """Preprocessors that resize the batch at random, Mixup and samplers of boxes draw from the global generators."""
    made = context(folder)
    given = made.model.data_preprocessor.forward
    resized = lambda data, training: {**(found := given(data, training)), "inputs": found["inputs"] * np.random.rand()}  # noqa: E731
    monkeypatch.setattr(made.model.data_preprocessor, "forward", resized)
    one, other = (training_batches(made, 1, 2)[0] for _ in range(2))
    assert torch.equal(one.inputs, other.inputs)
    assert (one.seed, one.digest) == (other.seed, other.digest)
    monkeypatch.setattr(
        type(made.model), "loss", lambda *_: {"loss": torch.rand(1) + random.random() + np.random.rand()}
    )
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    assert loss_of(made.model, one) == loss_of(made.model, one)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected


def test_the_digest_is_of_pictures_and_labels(folder):
    made = context(folder)
    first = training_batches(made, 1, 2)[0].digest
    steps = made.model.cfg.train_dataloader.dataset.pipeline
    steps.insert(len(steps) - 1, {"type": "RandomFlip", "prob": 1.0})
    assert training_batches(made, 1, 2)[0].digest != first


def test_parts_without_a_scope_are_those_of_the_library(tmp_path):
    """Configs in pure Python have no default scope, and may still name a part by a text."""
    more = """
from mmengine.runner import TestLoop
test_dataloader, test_evaluator, test_cfg = val_dataloader, val_evaluator, dict(type=TestLoop)
for pipeline in (train_pipeline, test_pipeline):
    pipeline[-1] = dict(type="PackSegInputs")
optim_wrapper["constructor"] = "ForceDefaultOptimWrapperConstructor"
"""
    config = write_lazy_config(tmp_path, write_tree(tmp_path / "data"), more, scope=None)
    made = load_context(str(config), device="cpu", limit=1)
    assert [picture.image.shape for picture in made.pictures()] == [(64, 64, 3)]
    assert training_batches(made, 1, 1)[0].inputs.shape[2:] == (64, 64)
    assert len(on_training_set(made, 2).numbers()) == 2
    assert set(weight_decays(made.model, made.model.cfg).values()) == {0.01}  # AdamW's own


def test_loss_is_that_of_the_model_and_crops_cut_labels_too(folder):
    made = context(folder, crop=32)
    (batch,) = training_batches(made, 1, 2)
    assert batch.inputs.shape == (2, 3, 32, 32)
    assert batch.samples[0].gt_sem_seg.data.shape == (1, 32, 32)
    with torch.no_grad():
        logits = made.model.decode_head(made.model.extract_feat(batch.inputs))
        labels = torch.stack([sample.gt_sem_seg.data[0] for sample in batch.samples])
        logits = torch.nn.functional.interpolate(logits, (32, 32), mode="bilinear", align_corners=False)
        # mmsegmentation's mean counts ignored pixels in the divisor
        total = torch.nn.functional.cross_entropy(logits, labels.long(), ignore_index=255, reduction="sum")
        assert float(loss_of(made.model, batch)) == pytest.approx(float(total) / labels.numel(), rel=1e-5)


def test_decay_is_that_of_the_optimiser(folder):
    made = context(folder)
    decays = weight_decays(made.model, made.model.cfg)
    assert set(decays.values()) == {0.0, 0.01}
    assert decays["backbone.blocks.0.attn.q.weight"] == 0.01
    assert decays["backbone.blocks.0.norm1.weight"] == 0.0


def test_bad_input(folder):
    with pytest.raises(AnalysisError, match=r"needs 4 batches of 2 pictures, the training set of .* has 6 pictures"):
        training_batches(context(folder), 4, 2)
    with pytest.raises(AnalysisError, match="64 x 64, smaller than the crop of 100"):
        training_batches(context(folder, crop=100), 1, 1)


def test_fused_attention_is_off_for_a_while():
    switches = torch.backends.cuda
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    try:
        with twice_differentiable():
            assert (switches.flash_sdp_enabled(), switches.mem_efficient_sdp_enabled()) == (False, False)
            assert switches.math_sdp_enabled()
            query = torch.ones(1, 1, 2, 4, requires_grad=True)
            value = torch.nn.functional.scaled_dot_product_attention(query, query, query).square().sum()
            (gradient,) = torch.autograd.grad(value, query, create_graph=True)
            assert torch.autograd.grad(gradient.sum(), query)[0].shape == (1, 1, 2, 4)
        assert (switches.flash_sdp_enabled(), switches.mem_efficient_sdp_enabled()) == (True, False)
    finally:
        torch.backends.cuda.enable_mem_efficient_sdp(True)
