"""Models of the form of transformers, with their processors: what passes between them, and the classes by name."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from mmfan.adapters import HuggingFaceDetector, HuggingFaceSegmentor
from mmfan.errors import MMFanError


class Model(torch.nn.Module):
    """Scores of three classes at half the size: the pixels themselves."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.config = SimpleNamespace(id2label={0: "Car", 1: "road", 2: "kite"})
        self.seen = []

    def forward(self, pixel_values, pixel_mask):
        self.seen.append((pixel_values.shape, pixel_values.dtype, pixel_mask.dtype, self.training))
        return SimpleNamespace(logits=pixel_values[..., ::2, ::2])


class Processor:
    """Of the form of an image processor: keeps how it was called."""

    def __init__(self):
        self.calls = []

    def __call__(self, images, return_tensors, input_data_format):
        assert (return_tensors, input_data_format) == ("pt", "channels_last")
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
        return {"pixel_values": pixels, "pixel_mask": torch.ones(pixels.shape[0], 2, 2, dtype=torch.long)}

    def post_process_semantic_segmentation(self, outputs, target_sizes):
        self.calls.append(target_sizes)
        resize = torch.nn.functional.interpolate
        return [
            resize(one[None], size, mode="bilinear").argmax(1)[0]
            for one, size in zip(outputs.logits, target_sizes, strict=True)
        ]

    def post_process_object_detection(self, outputs, threshold, target_sizes):
        self.calls.append((threshold, target_sizes))
        boxes = torch.tensor([[0.0, 0, 4, 5], [1, 1, 2, 2], [2, 2, 3, 4]])
        return [
            {"scores": torch.tensor([0.75, 0.5, 0.25]), "labels": torch.tensor([1, 2, 0]), "boxes": boxes}
            for _ in outputs.logits
        ]


def picture(channel, height=20, width=24):
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., channel] = 9
    return rgb


def test_label_maps():
    model, processor = Model().train(), Processor()
    predict = HuggingFaceSegmentor(model, processor, ["road", "car"], dtype=torch.float64)
    car, kite, road = predict([picture(0), picture(2), picture(1, 30, 10)])
    assert (car == 1).all()
    assert (kite == 255).all()
    assert (road == 0).all()
    assert [one.shape for one in (car, kite, road)] == [(20, 24), (20, 24), (30, 10)]
    assert processor.calls == [[(20, 24), (20, 24)], [(30, 10)]]
    assert model.seen[0] == ((2, 3, 20, 24), torch.float64, torch.long, False)
    assert (predict(picture(0)) == 1).all()


def test_objects():
    processor = Processor()
    predict = HuggingFaceDetector(Model(), processor, ["road", "vehicle"], rename={"car": "vehicle"}, threshold=0.1)
    found = predict(picture(0))
    assert found.boxes.tolist() == [[0, 0, 4, 5], [2, 2, 3, 4]]
    assert found.scores.tolist() == [0.75, 0.25]
    assert found.labels.tolist() == [0, 1]
    assert found.masks is None
    assert processor.calls == [(0.1, [(20, 24)])]
    assert len(predict([picture(0)] * 2)) == 2


def test_what_does_not_fit():
    with pytest.raises(
        MMFanError, match="1 class of 1 in the data, dog, not among those of the model: Car, road, kite"
    ):
        HuggingFaceSegmentor(Model(), Processor(), ["dog"])
    with pytest.raises(MMFanError, match="with `post_process_semantic_segmentation`, got function"):
        HuggingFaceSegmentor(Model(), picture, ["road"])
    with pytest.raises(MMFanError, match=r"Expected a torch\.nn\.Module, got str"):
        HuggingFaceDetector("facebook/detr", Processor(), ["road"])


class TestTransformers:
    """The package itself, on random weights; ``make test-adapters`` has it."""

    @pytest.fixture(autouse=True)
    def _package(self):
        pytest.importorskip("transformers")

    def test_segformer(self):
        from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

        torch.manual_seed(0)
        config = SegformerConfig(
            hidden_sizes=[8] * 4, depths=[1] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=8,
            id2label={0: "road", 1: "sky", 2: "car"},
        )  # fmt: skip
        model = SegformerForSemanticSegmentation(config)
        processor = SegformerImageProcessor(size={"height": 64, "width": 64})
        rgb = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)
        labels = HuggingFaceSegmentor(model, processor, ["car", "road", "sky"])([rgb, rgb])[1]
        # the same without the adapter, step by step
        mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        from PIL import Image

        resized = np.asarray(Image.fromarray(rgb).resize((64, 64), Image.Resampling.BILINEAR))
        values = torch.from_numpy(((resized / 255 - mean) / std).transpose(2, 0, 1)).float()
        with torch.no_grad():
            logits = model.eval()(values[None]).logits
        own = torch.nn.functional.interpolate(logits, (40, 56), mode="bilinear")[0].argmax(0).numpy()
        expected = np.array([1, 2, 0])[own]
        assert (labels == expected).mean() > 0.98
        assert len(np.unique(labels)) > 1

    def test_yolos(self):
        from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

        torch.manual_seed(0)
        config = YolosConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[64, 64],
            patch_size=16, num_detection_tokens=5, id2label={0: "kite", 1: "person", 2: "car"},
        )  # fmt: skip
        model = YolosForObjectDetection(config)
        with torch.no_grad():
            model.vit.embeddings.detection_tokens.normal_(0, 3)
        processor = YolosImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
        rgb = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)
        found = HuggingFaceDetector(model, processor, ["car", "person", "kite"])(rgb)
        with torch.no_grad():
            outputs = model.eval()(processor(images=[rgb], return_tensors="pt")["pixel_values"])
        shares = outputs.logits[0].softmax(-1)[:, :-1]
        scores, numbers = shares.max(-1)
        assert found.scores.tolist() == pytest.approx(scores.tolist(), abs=1e-6)
        assert found.labels.tolist() == [[2, 1, 0][number] for number in numbers]
        x, y, width, height = (outputs.pred_boxes[0] * torch.tensor([56, 40, 56, 40])).unbind(-1)
        corners = torch.stack((x - width / 2, y - height / 2, x + width / 2, y + height / 2), -1)
        assert np.abs(found.boxes - corners.numpy()).max() < 1e-4
        assert len(found.boxes) == 5
