"""Batches of the loop as works have them: what an answer writes, what sizes are told, what is refused."""

import math

import numpy as np
import pytest
import torch

pytest.importorskip("mmengine")
from mmengine.structures import BaseDataElement, PixelData

from mmfan.evaluation.conditions import NotToModelError, Situation
from mmfan.evaluation.conditions.adaptation.entropy import log_shares
from mmfan.evaluation.conditions.adaptation.pictures import pictures_of
from mmfan.evaluation.conditions.adaptation.views import PLAIN, View

SITUATION = Situation(torch.nn.Identity(), names={"/data/a.png": "a.png"})


def sample(**found):
    one = BaseDataElement(metainfo={"img_path": "/data/a.png", "img_shape": (4, 6), "pad_shape": (4, 6)})
    for name, value in found.items():
        one.set_field(value, name)
    return one


def given(pixels=None, **found):
    pixels = torch.arange(72, dtype=torch.uint8).reshape(3, 4, 6) if pixels is None else pixels
    return {"inputs": [pixels], "data_samples": [sample(**found)], "more": 1}


def shares(*values):
    return torch.tensor(values).reshape(len(values), 1, 1).expand(-1, 4, 6).clone()


def test_what_a_model_is_given():
    batch = given()
    pictures = pictures_of(SITUATION, batch)
    assert pictures.names == ["a.png"]
    plain = pictures.batch()
    assert plain["more"] == 1
    assert torch.equal(plain["inputs"][0], batch["inputs"][0])
    assert plain["data_samples"][0] is not batch["data_samples"][0]
    larger = pictures.batch(View(1.5, True))
    assert tuple(larger["inputs"][0].shape) == (3, 6, 9)
    assert larger["data_samples"][0].img_shape == larger["data_samples"][0].pad_shape == (6, 9)
    assert batch["data_samples"][0].img_shape == (4, 6)
    [image] = pictures.bytes()
    assert image.shape == (4, 6, 3)
    assert image[1, 2].tolist() == [8, 32, 56]
    assert torch.equal(pictures.of_bytes([image])["inputs"][0], batch["inputs"][0])
    stacked = pictures_of(SITUATION, {**batch, "inputs": torch.stack(batch["inputs"])})
    assert tuple(stacked.batch(View(0.5, False))["inputs"].shape) == (1, 3, 2, 3)


def test_an_answer_of_a_segmentor():
    pictures = pictures_of(SITUATION, given())
    output = sample(seg_logits=PixelData(data=torch.zeros(3, 4, 6)), pred_sem_seg=PixelData(data=torch.zeros(1, 4, 6)))
    [logits] = pictures.logits([output])
    assert logits.shape == (3, 4, 6)
    [found] = pictures.answered([output], [shares(0.2, 0.7, 0.1)])
    torch.testing.assert_close(found.seg_logits.data.softmax(0), shares(0.2, 0.7, 0.1))
    assert bool((found.pred_sem_seg.data == 1).all())
    assert found.pred_sem_seg.data.shape == (1, 4, 6)
    [found] = pictures.answered([output], [shares(0.0, 1.0, 0.0)])
    assert bool(found.seg_logits.data.isfinite().all())


@pytest.mark.parametrize(("threshold", "label"), [(None, 1), (0.3, 1), (0.7, 0)])
def test_an_answer_of_one_channel_is_a_probability(threshold, label):
    model = torch.nn.Module()
    model.decode_head = torch.nn.Module()
    model.decode_head.threshold = threshold
    pictures = pictures_of(Situation(model, names=SITUATION.names), given())
    output = sample(seg_logits=PixelData(data=shares(0.75)), pred_sem_seg=PixelData(data=torch.zeros(1, 4, 6)))
    [logits] = pictures.logits([output])
    assert float(logits[0, 0, 0]) == pytest.approx(math.log(3), abs=1e-5)
    torch.testing.assert_close(log_shares(logits).exp(), shares(0.75, 0.25))
    [found] = pictures.answered([output], [shares(0.6, 0.4)])
    torch.testing.assert_close(found.seg_logits.data, shares(0.6))
    assert bool((found.pred_sem_seg.data == label).all())


def test_an_answer_of_a_classifier():
    pictures = pictures_of(SITUATION, given())
    output = sample(pred_score=torch.tensor([0.5, 0.25, 0.25]))
    [logits] = pictures.logits([output])
    torch.testing.assert_close(logits.softmax(0).flatten(), torch.tensor([0.5, 0.25, 0.25]))
    zoomed = pictures.batch(View(2, False))
    assert tuple(zoomed["inputs"][0].shape) == (3, 4, 6)
    [found] = pictures.answered([output], [torch.tensor([0.1, 0.3, 0.6]).reshape(3, 1, 1)])
    assert found.pred_score.tolist() == pytest.approx([0.1, 0.3, 0.6])
    assert found.pred_label.tolist() == [2]
    assert pictures.logits([output], PLAIN)[0].shape == (3, 1, 1)


def test_pictures_that_cannot_be_looked_at_otherwise():
    views = {"inputs": [[torch.zeros(3, 4, 6)]], "data_samples": [[sample()]]}
    with pytest.raises(NotToModelError, match=r"need pictures \(3, H, W\) .* without test-time augmentation, got list"):
        pictures_of(SITUATION, views)
    normalised = pictures_of(SITUATION, given(torch.zeros(3, 4, 6)))
    with pytest.raises(NotToModelError, match=r"pictures of uint8 .* got torch.float32 \(3, 4, 6\): leave normalising"):
        normalised.bytes()
    with pytest.raises(NotToModelError, match="does not say which picture it is of"):
        pictures_of(Situation(None), given())
    assert pictures_of(SITUATION, given()).bytes()[0].dtype == np.uint8
