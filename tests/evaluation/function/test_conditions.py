"""Conditions in ``judge``: a module of torch adapts, a bare function is a named error."""

import pytest
import torch
from helpers.tiny_pictures import CLASSES, by_brightness, write_folders

from mmfan import SegmentationData
from mmfan import judge as judge_anything
from mmfan.adapters import Preprocessing, TorchSegmentor
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import NotToModelError, Situation, Work, register_kind
from mmfan.evaluation.conditions import kinds as kinds_module
from mmfan.evaluation.conditions.kinds import Kind

PROTOCOL = {"name": "contrast", "corruptions": {"contrast": [4]}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


def judge(predict, data, results=None, **more):
    return judge_anything(predict, data, **{"protocol": PROTOCOL, "workers": 0, "verbose": False, **more},
                          results=results, name="mine")  # fmt: skip


class Network(torch.nn.Module):
    """A batch norm, then dark, middle and bright by the first channel: wrong where the statistics are."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(3)
        self.head = torch.nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.head.weight.zero_()
            self.head.weight[:, 0, 0, 0] = torch.tensor([-1.0, 0.0, 1.0])
            self.head.bias.copy_(torch.tensor([0.0, 0.5, 0.0]))
            self.norm.running_mean.fill_(0.45)
            self.norm.running_var.fill_(0.08)

    def forward(self, x):
        return self.head(self.norm(x))


def test_a_bare_function_is_a_named_error(data):
    with pytest.raises(NotToModelError, match=r"bn .* cannot be done to a function of pictures.*TorchSegmentor"):
        judge(by_brightness, data, adapt="bn")


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_module_of_torch_adapts(batch_size, data, tmp_path):
    model = TorchSegmentor(Network(), data)
    plain = judge(model, data, tmp_path / "r.jsonl", batch_size=batch_size)
    found = judge(model, data, tmp_path / "r.jsonl", adapt="bn", batch_size=batch_size)
    assert [str(one) for one in found.protocol.judged] == ["clean", "clean with bn", "contrast with bn 4"]
    assert found.clean == plain.clean
    assert found.corrupted != plain.corrupted
    assert found.records[2]["condition"]["settings"]["batch"] == batch_size
    assert judge(model, data, tmp_path / "r.jsonl", batch_size=batch_size).corrupted == plain.corrupted
    # the trained statistics alone: what it says without adaptation
    same = judge(model, data, adapt={"name": "bn", "prior": 1e15}, batch_size=batch_size)
    assert same.corrupted == pytest.approx(plain.corrupted, abs=1e-4)


class Pixelwise(torch.nn.Module):
    """Dark, middle and bright, of each pixel by itself."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.head.weight.fill_(1 / 3).mul_(torch.tensor([4.0, 0, -4])[:, None, None, None])
            self.head.bias.copy_(torch.tensor([-2.4, 0.0, 1.1]))

    def forward(self, x):
        return self.head(x)


@pytest.mark.parametrize("divisor", [1, 32])
def test_mirrored_views_and_copies_of_pictures_with_padding(divisor, data, tmp_path):
    """A network that sees each pixel by itself says the same of mirrored pictures; padding is cut before they turn."""
    model = TorchSegmentor(Pixelwise(), data, Preprocessing(divisor=divisor))
    plain = judge(model, data, tmp_path / "r.jsonl")
    still = {"lr": 1e-12, "restore": 0, "threshold": 1}
    found = judge(model, data, tmp_path / "r.jsonl", adapt={"name": "cotta", "scales": [1], **still})
    assert found.records[2]["metrics"] == plain.records[1]["metrics"]
    assert 0.3 < plain.records[1]["metrics"]["mIoU"] < 1
    # seen in twice the size, which blends pixels of an edge, the labels stay where they are
    larger = judge(model, data, adapt={"name": "cotta", "scales": [2], **still})
    assert larger.corrupted == pytest.approx(plain.corrupted, abs=0.02)
    memo = judge(model, data, tmp_path / "r.jsonl", adapt={"name": "memo", "copies": 2, "lr": 1e-12}, batch_size=1)
    assert memo.records[2]["metrics"] == plain.records[1]["metrics"]
    moved = judge(model, data, adapt={"name": "memo", "copies": 2, "lr": 5.0}, batch_size=1)
    assert moved.records[2]["metrics"] != plain.records[1]["metrics"]


def test_a_module_adapts_to_pictures_of_its_own(data, tmp_path):
    model, weather = TorchSegmentor(Network(), data), {"mine": {"dusk": SegmentationData(
        *write_folders(tmp_path / "dusk", count=3), CLASSES
    )}}  # fmt: skip
    plain = judge(model, data, tmp_path / "r.jsonl", protocol="clean", weather=weather)
    found = judge(model, data, tmp_path / "r.jsonl", protocol="clean", weather=weather, adapt="bn")
    assert [str(one) for one in found.protocol.judged] == ["clean", "dusk of mine with bn"]
    alone = judge(model, weather["mine"]["dusk"], adapt="bn")
    assert found.records[1]["metrics"] == alone.records[1]["metrics"]  # clean with bn
    assert found.records[1]["metrics"] != plain.records[1]["metrics"]
    with pytest.raises(NotToModelError, match=r"bn .* cannot be done to a function of pictures"):
        judge(by_brightness, data, protocol="clean", weather=weather, adapt="bn")
    judge(by_brightness, data, protocol="clean", weather=weather)  # weather alone asks nothing of it


def test_modules_that_want_another_size(data):
    model = TorchSegmentor(Network(), data, Preprocessing(size=(32, 32)))
    with pytest.raises(MMFanError, match="leave `size` of the preprocessing out"):
        judge(model, data, adapt="tent")


class Darkening(Work):
    """Takes light from the pixels by its strength, reads the truth, and brings a score of its own."""

    def begin(self, cell):
        self.left, self.seen = 1 - cell.condition.strength / 10, []

    def forward(self, step, batch):
        assert batch.pixels.shape[1] == 3
        assert 0 <= float(batch.pixels.min()) <= float(batch.pixels.max()) <= 1
        assert batch.truth[0].shape == tuple(batch.pixels.shape[2:])
        self.seen.append((batch.truth[0] == 0).mean())
        batch.pixels = batch.pixels * self.left
        return step(batch)

    def end(self):
        return {"first_class": float(sum(self.seen) / len(self.seen))}


def darkening(condition, situation: Situation):
    assert situation.driver == "function"
    assert situation.ignore_index == 255
    return Darkening(situation)


def test_a_condition_of_ones_own_reads_the_truth_and_scores(data, tmp_path, monkeypatch):
    monkeypatch.setattr(kinds_module, "_KINDS", dict(kinds_module._KINDS))
    register_kind(Kind("dark", "Darkening", strength="tenths", averaged=False, factory=f"{__name__}:darkening"))
    protocol = {"name": "dark", "conditions": [{"kind": "dark", "name": "less", "strengths": [1, 9]}]}
    found = judge(TorchSegmentor(Network(), data), data, tmp_path / "r.jsonl", protocol=protocol, verbose=True)
    records = found.records
    assert [record.get("condition", {}).get("strength") for record in records] == [None, 1, 9]
    assert "first_class" not in records[0]["metrics"]
    assert 0 < records[1]["metrics"]["first_class"] == records[2]["metrics"]["first_class"] < 1
    assert records[1]["metrics"]["mIoU"] != records[2]["metrics"]["mIoU"]
    scores = {at: records[place]["metrics"]["mIoU"] for place, at in ((1, 1), (2, 9))}
    assert [one.scores for one in found.strengths] == [{"less": pytest.approx(scores)}]
    assert f"less {100 * scores[1]:.2f} % at 1" in str(found)
    assert found.clean == records[0]["metrics"]["mIoU"]
    with pytest.raises(MMFanError, match="nothing that is averaged, and so no retention"):
        _ = found.retention
    assert found.report(tmp_path / "r.html").sections[0].title == "Darkening: less"


def test_cells_that_go_on_from_each_other_are_not_shared(data, tmp_path):
    with pytest.raises(MMFanError, match="goes on from the one before: leave `shard` out"):
        judge(
            TorchSegmentor(Network(), data), data, tmp_path / "r.jsonl", adapt={"name": "bn", "reset": "never"},
            shard="1/2",
        )  # fmt: skip
