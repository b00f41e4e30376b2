"""The classifier that is trained: its losses and predictions by hand, its journey through train, test and judge."""

import json

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_classes import CLASSES
from helpers.tiny_classifier import BACKBONE, write_config
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement
from torch import nn
from torch.nn import functional

from mmfan.apis import build_runner, classify, init_model, load_config, predict
from mmfan.apis.export.network import check_exportable
from mmfan.apis.inference import predicted_rows
from mmfan.apis.robustness import judged_config
from mmfan.cli import main
from mmfan.errors import ConfigError, MMFanError
from mmfan.models import AlterNetClassifier, FANClassifier
from mmfan.training.backbone_stages import stage_names
from mmfan.training.classification.image_classifier import ImageClassifier
from mmfan.training.classification.mixing import Mix


@MODELS.register_module()
class MeanOfColours(nn.Module):
    """Logits of three classes: the means of the channels, times a weight."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.weight * x.mean(dim=(2, 3))


def samples(*numbers):
    made = [BaseDataElement() for _ in numbers]
    for sample, number in zip(made, numbers, strict=True):
        sample.set_field(torch.tensor([number]), "gt_label", dtype=torch.Tensor)
    return made


def pictures():
    """Logits (1, 0, 0) and (0, 0, 2)."""
    made = torch.zeros(2, 3, 4, 4)
    made[0, 0], made[1, 2] = 1, 2
    return made


def test_losses_by_hand():
    model = ImageClassifier({"type": "MeanOfColours"}, smoothing=0.3)
    found = model(pictures(), samples(0, 1), "loss")
    shares = [np.exp([1, 0, 0]) / np.exp([1, 0, 0]).sum(), np.exp([0, 0, 2]) / np.exp([0, 0, 2]).sum()]
    labels = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]
    by_hand = -np.mean([np.dot(label, np.log(share)) for label, share in zip(labels, shares, strict=True)])
    assert found["loss"].item() == pytest.approx(by_hand, rel=1e-6)
    assert found["accuracy"] == 0.5


def test_a_mixed_batch_by_hand(monkeypatch):
    model = ImageClassifier({"type": "MeanOfColours"}, mixing={"mixup": 1.0, "cutmix": 0})
    monkeypatch.setattr(model.mixing, "draw", lambda count, height, width: Mix(torch.tensor([1, 0]), 0.25))
    found = model(pictures(), samples(0, 1), "loss")
    logits = torch.tensor([[0.25, 0, 1.5], [0.75, 0, 0.5]])
    labels = torch.tensor([[0.25, 0.75, 0], [0.75, 0.25, 0]])
    assert set(found) == {"loss"}
    torch.testing.assert_close(found["loss"], functional.cross_entropy(logits, labels))


def test_predictions():
    model = ImageClassifier({"type": "MeanOfColours"})
    given = samples(0, 1)
    found = model(pictures(), given, "predict")
    assert [sample.pred_label.tolist() for sample in found] == [[0], [2]]
    torch.testing.assert_close(found[1].pred_score, torch.tensor([0.0, 0, 2]).softmax(0))
    assert len(model(pictures(), mode="predict")) == 2
    with pytest.raises(MMFanError, match="'tensor', 'loss' or 'predict'"):
        model(pictures(), given, "train")


def test_wrong_labels_are_named():
    model = ImageClassifier({"type": "MeanOfColours"})
    with pytest.raises(ConfigError, match=r"from 0 to 2, as many as the network has, got 0 to 3"):
        model(pictures(), samples(0, 3), "loss")
    with pytest.raises(ConfigError, match="no `gt_label`"):
        model(pictures(), [BaseDataElement()] * 2, "loss")
    with pytest.raises(MMFanError, match="smoothing"):
        ImageClassifier({"type": "MeanOfColours"}, smoothing=1.0)


def test_alternets_classifier_is_the_mean_of_its_last_map():
    torch.manual_seed(0)
    arch = {"depths": (1, 1, 1, 2), "expansion": 1, "num_heads": (1, 1, 1, 1), "stem_width": 8}
    model = AlterNetClassifier({"type": "mmfan.AlterNet", "arch": arch, "num_msa": (0, 0, 0, 1)}, 5).eval()
    picture = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        last = model.backbone(picture)[-1]
        by_hand = torch.stack([last[:, :, row, column] for row in range(2) for column in range(2)]).mean(0)
        torch.testing.assert_close(model(picture), model.head(by_hand))
    assert bool((last >= 0).all())  # norm and ReLU are in it


def test_stages_of_a_classifier_are_found():
    model = ImageClassifier({"type": "mmfan.FANClassifier", "backbone": BACKBONE, "num_classes": 3})
    assert stage_names(model) == ["network.backbone.blocks.0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    config = write_config(folder)
    runner = build_runner(load_config(config), work_dir=folder / "run")
    runner.train()
    return config, folder / "run"


@pytest.mark.slow
def test_train_test_judge_and_resume(trained, tmp_path):
    config, run = trained
    resumed = build_runner(load_config(config), work_dir=tmp_path / "again", resume=run / "iter_2.pth")
    resumed.train()
    one, other = (
        torch.load(path / "iter_4.pth", weights_only=False)["state_dict"] for path in (run, tmp_path / "again")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    tested = build_runner(load_config(config), work_dir=tmp_path, checkpoint=run / "iter_4.pth").test()
    protocol = {"corruptions": ["contrast", "brightness"], "severities": [5]}
    results = tmp_path / "r.jsonl"
    cfg = judged_config(load_config(config), protocol=protocol, results=str(results), calibration=True)
    judged = build_runner(cfg, work_dir=tmp_path, checkpoint=run / "iter_4.pth").test()
    assert judged["clean/top1"] == tested["top1"]
    records = [json.loads(line) for line in results.read_text().splitlines()]
    assert [(record["corruption"], record["severity"]) for record in records] == [
        ("clean", 0), ("contrast", 5), ("brightness", 5)
    ]  # fmt: skip
    assert {record["dataset"] for record in records} == {"tiny"}
    assert set(records[0]["metrics"]) == {"top1", "mean_class"}
    assert records[0]["calibration"]["count"] == 6
    assert set(records[0]["per_class"]["top1"]) == set(CLASSES)


@pytest.mark.slow
def test_a_checkpoint_of_training_is_a_file_of_a_classifier(trained):
    _config, run = trained
    state = torch.load(run / "iter_4.pth", weights_only=False)["state_dict"]
    found = FANClassifier(dict(BACKBONE), 3, str(run / "iter_4.pth"))
    assert all(torch.equal(value, state[f"network.{name}"]) for name, value in found.state_dict().items())


@pytest.mark.slow
def test_pictures_of_ones_own_are_classified(trained, tmp_path, capsys):
    """In the form of the config, as the test loop sees the same files; nothing is painted but the answer."""
    config, run = trained
    words = [str(config), str(run / "iter_4.pth")]
    pictures = config.parent / "set" / "val" / "n02"
    assert main(["infer", *words, str(pictures), "--out", str(tmp_path), "--labels"]) == 0
    runner = build_runner(load_config(config), work_dir=tmp_path / "t", checkpoint=run / "iter_4.pth")
    runner.load_or_resume()
    runner.model.eval()
    by_loop = {}
    for batch in runner.build_dataloader(runner.cfg.test_dataloader):
        by_loop |= {one.img_path: one.pred_score.tolist() for one in runner.model.test_step(batch)}
    for path in sorted(pictures.iterdir()):
        found = {one["class"]: one["score"] for one in json.loads((tmp_path / f"{path.stem}.json").read_text())}
        assert [found[name] for name in CLASSES] == pytest.approx(by_loop[str(path)], abs=1e-6)
        assert list(found.values()) == sorted(found.values(), reverse=True)
        painted, shown = cv2.imread(str(path)), cv2.imread(str(tmp_path / f"{path.stem}.png"))
        assert np.array_equal(shown[: len(painted)], painted)
        assert shown[len(painted) :].any()
    model = init_model(load_config(config), run / "iter_4.pth", "cpu")
    with pytest.raises(MMFanError, match=r"classifiers mmfan\.apis\.classify"):
        predict(model, pictures / "0.png")
    first = pictures / "0.png"
    assert classify(model, cv2.imread(str(first)), count=2) == classify(model, first)[:2]
    with pytest.raises(ConfigError, match="has no label maps"):
        predicted_rows(model, 1)
    with pytest.raises(MMFanError, match="is a classifier, and mmfan exports segmentors alone"):
        check_exportable(model)


@pytest.mark.slow
def test_a_run_keeps_no_pictures_of_classifiers(trained, tmp_path):
    config, run = trained
    protocol = {"corruptions": ["contrast"], "severities": [5]}
    cfg = judged_config(load_config(config), protocol=protocol, results=str(tmp_path / "r.jsonl"), pictures=1)
    with pytest.raises(MMFanError, match=r"they show label maps and objects.* `mmfan infer` writes its answers"):
        build_runner(cfg, work_dir=tmp_path, checkpoint=run / "iter_4.pth").test()
