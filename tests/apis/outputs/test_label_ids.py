"""Label maps in the numbers that the evaluation of a set takes, read by cityscapesScripts."""

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("mmseg")
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official  # noqa: N813
from cityscapesscripts.helpers.labels import trainId2label
from helpers.shifted_truth import config

from mmfan.apis import ConfigError, build_runner
from mmfan.apis.outputs.hooks import PredictionWriter
from mmfan.apis.outputs.label_ids import written_ids
from mmfan.datasets import CityscapesDataset
from mmfan.datasets.miniature import write_cityscapes
from mmfan.evaluation.metrics.segmentation import count_pixels

CITYSCAPES = {"classes": CityscapesDataset.METAINFO["classes"]}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("mini") / "data"
    write_cityscapes(root, train=1, val=3, size=(128, 64), workers=1)
    return root


def run_test(tree, folder, **options):
    """Scores in percent, rounded to hundredths as mmsegmentation prints them; the written files are in ``out``."""
    dataset = {
        "type": "mmfan.CityscapesDataset", "data_root": str(tree),
        "data_prefix": {"img_path": "leftImg8bit/val", "seg_map_path": "gtFine/val"},
        "pipeline": [{"type": kind} for kind in ("LoadImageFromFile", "LoadAnnotations", "PackSegInputs")],
    }  # fmt: skip
    runner = build_runner(
        config("mmseg", "ShiftedLabels", dataset, {"type": "IoUMetric"}, folder), work_dir=folder / "w"
    )
    runner.register_hook(PredictionWriter(folder / "out", **options))
    return runner.test()


def official_score(tree, out, monkeypatch):
    for name, value in {
        "predictionPath": str(out), "predictionWalk": None, "JSONOutput": False, "quiet": True, "evalLabels": [],
    }.items():  # fmt: skip
        monkeypatch.setattr(official.args, name, value)
    truths = sorted(str(path) for path in tree.glob("gtFine/val/*/*_gtFine_labelIds.png"))
    predictions = [official.getPrediction(official.args, truth) for truth in truths]
    return official.evaluateImgLists(predictions, truths, official.args)["averageScoreClasses"]


@pytest.mark.process
def test_cityscapesscripts_has_our_score(tree, tmp_path, monkeypatch):
    scores = run_test(tree, tmp_path)
    (log,) = (tmp_path / "w").glob("*/*.log")
    assert (
        f"are in {tmp_path / 'out'}: label ids (0 to 33), as the evaluation of Cityscapes takes them" in log.read_text()
    )
    score = official_score(tree, tmp_path / "out", monkeypatch)
    assert 0.2 < score < 0.9
    assert scores["mIoU"] == pytest.approx(100 * score, abs=0.00501)
    counts = np.zeros((19, 3), np.int64)
    label_of_train = {row.id: number for number, row in trainId2label.items() if 0 <= number < 19}
    for file in (tmp_path / "out").iterdir():
        (truth,) = tree.glob(f"gtFine/val/*/{file.name.replace('leftImg8bit', 'gtFine_labelTrainIds')}")
        ids = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        found = np.vectorize(label_of_train.__getitem__)(ids)
        labels = cv2.imread(str(truth), cv2.IMREAD_UNCHANGED)
        counts += count_pixels(torch.from_numpy(found), torch.from_numpy(labels), 19)
    with np.errstate(invalid="ignore"):
        assert np.nanmean(counts[:, 0] / counts.sum(1)) == pytest.approx(score, abs=1e-12)


@pytest.mark.process
def test_train_ids_on_demand(tree, tmp_path):
    run_test(tree, tmp_path, ids="train")
    (log,) = (tmp_path / "w").glob("*/*.log")
    assert "class numbers as the model gives them" in log.read_text()
    (tmp_path / "labels").mkdir()
    run_test(tree, tmp_path / "labels", ids="label")
    for file in (tmp_path / "out").iterdir():
        train = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        label = cv2.imread(str(tmp_path / "labels" / "out" / file.name), cv2.IMREAD_UNCHANGED)
        assert train.max() < 19
        np.testing.assert_array_equal(label, np.vectorize(lambda one: trainId2label[one].id)(train))


def test_numbers_of_each_kind_of_set():
    label = written_ids(None, CITYSCAPES).table
    assert label.tolist()[:20] == [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33, 0]
    assert label[255] == 0  # unlabeled
    assert all(label[number] == row.id for number, row in trainId2label.items() if 0 <= number < 19)
    ade = {"classes": [f"thing {number}" for number in range(150)]}
    assert written_ids(None, ade).table[[0, 149]].tolist() == [0, 149]
    assert written_ids(None, ade, reduced=True).table[[0, 149]].tolist() == [1, 150]
    assert written_ids("train", ade, reduced=True).table[[0, 149]].tolist() == [0, 149]
    assert written_ids("train", CITYSCAPES).table[[0, 18]].tolist() == [0, 18]
    shuffled = {"classes": CITYSCAPES["classes"][::-1]}
    assert written_ids(None, shuffled).table[0] == 0  # not their order, so not theirs
    with pytest.raises(ConfigError, match=r"of Cityscapes' 19 classes, and this set has 150 of its own"):
        written_ids("label", ade)
    with pytest.raises(ValueError, match="Expected ids to be one of"):
        PredictionWriter(ids="colour")
