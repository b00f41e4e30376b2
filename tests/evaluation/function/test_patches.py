"""Patches in ``judge``: scores of the pixels outside alone, held against the clean pictures on the same pixels."""

import json

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_pictures import CLASSES, SIZE, by_brightness, judge, pairs, street_set

from mmfan import ClassificationData, SegmentationData
from mmfan.adapters import Preprocessing, TorchClassifier, TorchSegmentor
from mmfan.corruptions import picture_seed
from mmfan.evaluation.attacks.boxes import boxes_of
from mmfan.evaluation.conditions import NotToModelError
from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.results.store import ResultsStore


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return street_set(tmp_path_factory.mktemp("data"))


class ByBrightness(torch.nn.Module):
    """Sky where it is bright, road between, car where it is dark; brightness is that above the picture's mean."""

    def __init__(self, share=0.0, order=(0, 1, 2)):
        super().__init__()
        self.share = share  # of the mean that is taken off: with 0 no pixel sees another
        self.register_buffer("weight", torch.tensor([1.0, 0.0, -1.0])[list(order)][:, None, None])
        self.register_buffer("bias", torch.tensor([-155.5 / 255, 0.0, 70.5 / 255])[list(order)][:, None, None])
        self.scale = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, x):
        grey = x.mean(1, keepdim=True)
        return self.scale * (self.weight * (grey - self.share * (x.mean((1, 2, 3), keepdim=True) - 0.45)) + self.bias)


def by_cell(found):
    return {
        (condition["name"], condition["strength"]): record
        for record in found.records
        if (condition := record.get("condition"))
    }


def counts_outside(left_out, place="drawn", seed=0):
    """(pictures, classes, 3) of the thresholds, with the labels in each box set to be ignored."""
    found = []
    for number, (picture, label) in enumerate(pairs()):
        name = f"street/{number}.png"
        _, around = boxes_of(left_out, left_out, SIZE, place, picture_seed(seed, name, "patch", 0))
        label = label.copy()
        label[around.slices] = 255
        said, kept = by_brightness(picture), label != 255
        found.append(
            [
                [
                    ((said == one) & (label == one)).sum(),
                    ((said == one) & (label != one) & kept).sum(),
                    ((said != one) & (label == one)).sum(),
                ]
                for one in range(3)
            ]
        )
    return np.array(found)


@pytest.mark.parametrize("place", ["drawn", "centre"])
def test_what_no_pixel_outside_sees_leaves_the_score_of_the_clean_pictures_outside(place, data, tmp_path):
    protocol = asked_attacks(["patch", "patch_noise"], settings={"steps": 2, "place": place}, areas=[2, 12])
    found = judge(TorchSegmentor(ByBrightness(), data), data, tmp_path / "r.jsonl", protocol=protocol)
    assert set(by_cell(found)) == {
        ("outside", 12),
        *((name, area) for name in ("patch", "patch_noise") for area in (2, 12)),
    }
    wanted = counts_outside(12, place)
    assert wanted.sum() < counts_outside(1e-9, place).sum()  # the box has pixels that would count
    store = ResultsStore(tmp_path / "r.jsonl")
    for record in store.records():
        assert (store.read_counts(record).counts == wanted).all()
    hits, claimed, missed = wanted.sum(0).T
    assert found.records[0]["metrics"]["mIoU"] == np.mean(hits / (hits + claimed + missed))
    assert found.records[1]["condition"]["settings"] == {
        "left_out": 12, "place": place, "steps": 2, "alpha": 159.375, "loss": "segpgd"
    }  # fmt: skip


def test_pixels_inside_have_no_part_in_the_loss(data):
    """Without one outside that sees them they have no gradient: they stay the noise that they began as."""
    module = ByBrightness()
    judged = []
    module.register_forward_hook(
        lambda _, given, found: None if found.requires_grad else judged.append(given[0].clone())
    )
    protocol = asked_attacks(["patch", "patch_noise"], settings={"steps": 2}, areas=[12])
    judge(TorchSegmentor(module, data), data, protocol=protocol)
    clean, patched, noisy = (judged[-9:-6], judged[-6:-3], judged[-3:])
    assert all(torch.equal(one, other) for one, other in zip(patched, noisy, strict=True))
    for picture, other in zip(clean, noisy, strict=True):
        changed = (picture != other).any(1)[0]
        assert changed.any(0).sum() == changed.any(1).sum() == 15  # the root of 12 % of 1920 pixels is 15.2
        assert changed.sum() == 15 * 15


@pytest.mark.parametrize("loss", ["segpgd", "cross_entropy"])
def test_what_sees_the_mean_loses_with_the_area_and_more_than_by_noise(loss, data):
    protocol = asked_attacks(["patch", "patch_noise"], settings={"steps": 4, "loss": loss}, areas=[1, 6, 16])
    found = judge(TorchSegmentor(ByBrightness(1.2), data), data, protocol=protocol)
    scores = {cell: record["metrics"]["mIoU"] for cell, record in by_cell(found).items()}
    clean = scores["outside", 16]
    assert clean > scores["patch", 6] > scores["patch", 16]
    for area in (6, 16):
        assert scores["patch", area] < scores["patch_noise", area] - 0.01
    [curve, noise] = found.strengths
    assert curve.clean == noise.clean == clean
    assert curve.scores == {"patch": {area: scores["patch", area] for area in (1, 6, 16)}}


def test_batches_order_padding_and_a_killed_run_change_nothing(data, tmp_path):
    protocol = asked_attacks(["patch"], settings={"steps": 2}, areas=[3, 9])
    plain = judge(TorchSegmentor(ByBrightness(1.2), data), data, tmp_path / "r.jsonl", protocol=protocol)
    turned = TorchSegmentor(ByBrightness(1.2, (2, 0, 1)), data, Preprocessing(), classes=["car", "sky", "road"])
    other = judge(turned, data, protocol=protocol, batch_size=2, workers=1)
    metrics = [record["metrics"] for record in plain.records]
    assert len(metrics) == 3
    assert [record["metrics"] for record in other.records] == metrics
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    (tmp_path / "r.jsonl").write_text("\n".join(lines[:2]) + "\n")  # killed before the last
    again = judge(TorchSegmentor(ByBrightness(1.2), data), data, tmp_path / "r.jsonl", protocol=protocol)
    assert [record["metrics"] for record in again.records] == metrics
    kept = (tmp_path / "r.jsonl").read_text().splitlines()
    assert kept[:2] == lines[:2]
    assert len(kept) == 3
    # another seed, another place; another area left out, another reference
    moved = judge(TorchSegmentor(ByBrightness(1.2), data), data, protocol=protocol, seed=1)
    assert moved.records[0]["metrics"] != metrics[0]
    judge(
        TorchSegmentor(ByBrightness(1.2), data), data, tmp_path / "r.jsonl",
        protocol=asked_attacks(["patch"], settings={"steps": 2}, areas=[3]),
    )  # fmt: skip
    assert [json.loads(line)["condition"]["strength"] for line in (tmp_path / "r.jsonl").read_text().splitlines()] == [
        9, 3, 9, 3, 3
    ]  # fmt: skip


def test_what_cannot_have_a_patch_is_named(data):
    protocol = asked_attacks(["patch"], areas=[4])
    with pytest.raises(NotToModelError, match=r"patch .* cannot be done to a function of pictures.*Torch"):
        judge(by_brightness, data, protocol=protocol)
    wide = [(np.zeros((40, 100, 3), np.uint8), np.zeros((40, 100), np.uint8), "a.png")]
    narrow = SegmentationData(wide, classes=CLASSES)
    with pytest.raises(Exception, match=r"50 % of a picture of 100x40 .* has a side of 45 and does not fit"):
        judge(TorchSegmentor(ByBrightness(), narrow), narrow, protocol=asked_attacks(["patch"], areas=[50]))


def test_a_classifier_is_refused_with_the_reason():
    class Means(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, x):
            return self.scale * x.mean((2, 3))

    items = [(np.full((40, 48, 3), 90, np.uint8), name, f"{name}.png") for name in "rgn"]
    data = ClassificationData(items, list("rgn"), name="colours")
    with pytest.raises(Exception, match=r"its score is of the pixels outside of the patch, which needs label maps"):
        judge(TorchClassifier(Means()), data, protocol=asked_attacks(["patch"], areas=[4]))


def test_the_pictures_that_are_written_show_the_patch(data, tmp_path):
    protocol = asked_attacks(["patch", "patch_noise"], settings={"steps": 2}, areas=[9])
    judge(TorchSegmentor(ByBrightness(0.5), data), data, tmp_path / "r.jsonl", protocol=protocol, pictures=1)
    shown = {
        path.relative_to(tmp_path / "r.jsonl.pictures/input").parts[0].split("-")[0]: cv2.imread(str(path))
        for path in (tmp_path / "r.jsonl.pictures/input").rglob("*.png")
    }
    [number] = {int(path.stem) for path in (tmp_path / "r.jsonl.pictures/input").rglob("*.png")}
    assert (shown["outside"][..., ::-1] == list(pairs())[number][0]).all()
    box, _ = boxes_of(9, 9, SIZE, "drawn", picture_seed(0, f"street/{number}.png", "patch", 0))
    for name in ("patch", "patch_noise"):
        changed = (shown[name] != shown["outside"]).any(2)
        assert changed[box.slices].mean() > 0.9
        changed[box.slices] = False
        assert not changed.any()
    assert (shown["patch"] != shown["patch_noise"]).any()
