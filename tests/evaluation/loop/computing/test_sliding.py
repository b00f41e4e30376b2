"""Sliding windows several at a time, against mmsegmentation's own loop over them."""

import pytest
import torch

pytest.importorskip("mmseg")

from helpers.tiny_segmentor import write_config, write_tree

from mmfan.evaluation.loop.computing.sliding import SlidingWindows, places_of, windows_at_once

METAS = [{"img_shape": (1, 1), "ori_shape": (1, 1)}, {"img_shape": (2, 2), "ori_shape": (2, 2)}]


@pytest.fixture(scope="module")
def segmentor(tmp_path_factory):
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    folder = tmp_path_factory.mktemp("sliding")
    model = load_config(write_config(folder / "tiny.py", write_tree(folder / "data", train=1, val=1))).model
    model.test_cfg = {"mode": "slide", "crop_size": (32, 48), "stride": (24, 32)}
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(model).eval()


def pictures(height, width, count=1):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(height + width))


@pytest.mark.parametrize(
    ("size", "crop", "stride", "places"),
    [
        (2048, 1024, 768, [0, 768, 1024]),
        (1024, 1024, 768, [0]),
        (500, 512, 341, [0]),
        (96, 48, 48, [0, 48]),
        (97, 48, 48, [0, 48, 49]),
        (100, 30, 40, [0, 40, 70]),
    ],
)
def test_places_by_hand(size, crop, stride, places):
    assert places_of(size, crop, stride) == places


@pytest.mark.parametrize("size", [(32, 48), (64, 96), (50, 70), (16, 100), (70, 32), (16, 32)])
@pytest.mark.parametrize("count", [1, 2])
@torch.no_grad()
def test_one_at_a_time_is_mmsegmentation_to_the_last_bit(segmentor, size, count):
    given, metas = pictures(*size, count), METAS[:count]
    kept = [dict(meta) for meta in metas]
    found = SlidingWindows(segmentor, 1)(given, metas)
    assert metas == kept
    expected = segmentor.slide_inference(given, [dict(meta) for meta in metas])
    assert found.shape == (count, 19, *size)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("most", [2, 3, 16])
@torch.no_grad()
def test_several_at_a_time_round_otherwise_alone(segmentor, most):
    given = pictures(70, 100, 2)
    expected = segmentor.slide_inference(given, [dict(meta) for meta in METAS])
    asked = []
    encode_decode = segmentor.encode_decode
    with windows_at_once(segmentor, most), pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmentor, "encode_decode", lambda x, m: (asked.append((len(x), len(m))), encode_decode(x, m))[1])
        found = segmentor.inference(given, METAS)
    assert asked == {2: [(2, 2)] * 9, 3: [(2, 2)] * 9, 16: [(16, 16), (2, 2)]}[most]
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    assert "slide_inference" not in vars(segmentor)


@torch.no_grad()
def test_too_little_memory_means_fewer_windows_the_same_logits_and_stays(segmentor, monkeypatch):
    given = pictures(70, 100)
    expected = segmentor.slide_inference(given, METAS[:1])
    tried = []
    encode_decode = segmentor.encode_decode

    def with_room_for_two(x, metas):
        tried.append(len(x))
        if len(x) > 2:
            raise torch.cuda.OutOfMemoryError("no room")
        return encode_decode(x, metas)

    monkeypatch.setattr(segmentor, "encode_decode", with_room_for_two)
    sliding = SlidingWindows(segmentor, 16)
    found = sliding(given, METAS[:1])
    assert tried == [9, 4, 2, 2, 2, 2, 1]
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    tried.clear()
    sliding(given, METAS[:1])
    assert tried == [2, 2, 2, 2, 1]


def test_no_memory_for_one_window_is_told(segmentor, monkeypatch):
    def without_room(x, metas):
        raise torch.cuda.OutOfMemoryError("no room")

    monkeypatch.setattr(segmentor, "encode_decode", without_room)
    with pytest.raises(torch.cuda.OutOfMemoryError, match="no room"):
        SlidingWindows(segmentor, 2)(pictures(70, 100), METAS[:1])


def test_models_that_slide_in_a_way_of_their_own_are_left_alone(segmentor):
    class Own(type(segmentor)):
        def slide_inference(self, inputs, batch_img_metas):
            return "own"

    own = Own.__new__(Own)
    torch.nn.Module.__init__(own)
    with windows_at_once(torch.nn.ModuleDict({"own": own, "other": torch.nn.Identity()}), 4):
        assert own.slide_inference(None, None) == "own"
        assert "slide_inference" not in vars(own)
