"""Judging a detector with boxes and masks on a drawn COCO tree: as for a segmentor, in every point."""

import json
import os

import cv2
import numpy as np
import pytest

pytest.importorskip("mmdet")
from helpers.peeking_detector import PEEKING
from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_checkpoint, write_detector_config
from helpers.tiny_robustness import (
    CELLS,
    judge,
    judge_as_rank,
    make_runner,
    quick_processes,
)
from helpers.tiny_segmentor import run_tool

from mmfan.apis import load_config
from mmfan.datasets.miniature import write_coco
from mmfan.errors import MMFanError
from mmfan.evaluation.results.store import ResultsStore

pytestmark = pytest.mark.slow

PICTURES = 3
CLEAN_AND_ONE = ("/clean-0", "/contrast-5")
SCORES = [f"{kind}_mAP{part}" for kind in ("bbox", "segm") for part in ("", "_50", "_75", "_s", "_m", "_l")]
CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "train", "truck")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    tree = write_coco_tree(folder / "coco", train=1, val=PICTURES)
    config = write_detector_config(folder / "tiny.py", tree, PEEKING)
    return config, write_detector_checkpoint(folder / "tiny.pth", config)


@pytest.fixture(scope="module")
def network(parts, tmp_path_factory):
    """Config and checkpoint of a small Mask R-CNN."""
    folder = tmp_path_factory.mktemp("network")
    config = write_detector_config(folder / "network.py", parts[0].parent / "coco")
    return config, write_detector_checkpoint(folder / "network.pth", config)


@pytest.fixture(scope="module")
def judged(parts, tmp_path_factory):
    """Scores, records and file of the straightforward run."""
    results = tmp_path_factory.mktemp("judged") / "r.jsonl"
    return (*judge(*parts, results), results)


def same_scores(one, other):
    assert set(one) == set(other)
    for cell, record in one.items():
        for part in ("metrics", "per_class", "pictures", "config_hash", "checkpoint_hash"):
            assert record[part] == other[cell][part], (cell, part)


def test_calibration_of_boxes(parts, judged, tmp_path):
    _, records = judge(*parts, tmp_path / "r.jsonl", protocol={"corruptions": ["contrast"], "severities": [5]},
                       calibration=True)  # fmt: skip
    for cell, record in records.items():
        entry = record["calibration"]
        assert record["metrics"] == judged[1][cell]["metrics"]
        assert entry["of"] == "boxes"
        assert abs(entry["accuracy"] - entry["confidence"]) - 1e-6 <= entry["scores"]["ECE"] <= 1  # triangle
        assert entry["count"] > 0
        assert entry["temperatures"] == {}


@pytest.mark.process
def test_scores_of_boxes_and_masks(judged):
    scores, records, _ = judged
    assert list(records) == CELLS
    for record in records.values():
        assert list(record["metrics"]) == SCORES
        assert {kind: tuple(found) for kind, found in record["per_class"].items()} == {
            "bbox_mAP": CLASSES, "segm_mAP": CLASSES,
        }  # fmt: skip
        assert record["pictures"].startswith(f"{PICTURES}-")
        assert "note" not in record
    for name in ("bbox_mAP", "segm_mAP"):
        values = [record["metrics"][name] for record in records.values()]
        assert len(set(values)) == len(values)
        assert 0 < min(values) < max(values) < 1
        assert scores[f"clean/{name}"] == values[0]
        assert scores[f"corrupted/{name}"] == pytest.approx(np.mean(values[1:]), abs=1e-15)
        assert scores[f"retention/{name}"] == pytest.approx(np.mean(values[1:]) / values[0], abs=1e-12)


@pytest.mark.process
def test_a_cell_is_what_the_ordinary_test_on_coco_c_says(parts, judged, tmp_path):
    """mmdetection's own loop and metric, to their three digits, on mmfan.CocoCDataset."""
    from mmfan.apis import build_runner, load_config

    options = {
        "test_dataloader.dataset.type": "mmfan.CocoCDataset",
        "test_dataloader.dataset.corruption": "contrast",
        "test_dataloader.dataset.severity": 5,
        "test_dataloader.dataset.source": "fly",
    }
    runner = build_runner(load_config(parts[0], options), work_dir=tmp_path, checkpoint=parts[1])
    expected = runner.test()
    for name, value in judged[1]["contrast", 5]["metrics"].items():
        theirs = expected[f"coco/{name}"]
        assert (value is None and theirs == -1) or value == pytest.approx(theirs, abs=0.00051), name


@pytest.mark.process
def test_a_set_on_disk_gives_the_same(parts, judged, tmp_path, monkeypatch):
    root = tmp_path / "coco_c"
    wanted = ["--corruptions", "contrast", "gaussian_noise", "--severities", "2", "5"]
    source = parts[0].parent / "coco"
    assert run_tool(monkeypatch, "make_corrupted_set.py", source, root, *wanted) == 0
    assert len(list(root.glob("*/*/val2017/*.png"))) == 4 * PICTURES
    _, records = judge(*parts, tmp_path / "r.jsonl", source="disk", corrupted_root=str(root))
    same_scores(records, judged[1])


@pytest.mark.process
def test_goes_on_where_it_was_with_other_batches_and_workers(parts, judged, tmp_path):
    results = tmp_path / "r.jsonl"
    judge(*parts, results, protocol={"corruptions": ["gaussian_noise"], "severities": [2]})
    before = results.read_bytes()
    _, records = judge(*parts, results, workers=1)
    assert results.read_bytes().startswith(before)
    assert len(ResultsStore(results).records()) == len(CELLS)
    same_scores(records, judged[1])


@pytest.mark.skipif(os.name != "posix", reason="quick processes are POSIX")
@pytest.mark.process
def test_two_processes_equal_one(parts, judged, tmp_path):
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    context = quick_processes()
    ranks = [
        context.Process(target=judge_as_rank, args=(rank, 2, port, (*parts, tmp_path / "r.jsonl"), {}))
        for rank in range(2)
    ]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(timeout=120)
    assert [process.exitcode for process in ranks] == [0, 0]
    records = ResultsStore(tmp_path / "r.jsonl").records()
    same_scores({(record["corruption"], record["severity"]): record for record in records}, judged[1])


def test_report_and_gate(judged, tmp_path, monkeypatch, capsys):
    results, expected = judged[2], tmp_path / "expected.json"
    common = ["--protocol", "recorded", "--metric", "segm_mAP"]
    assert run_tool(monkeypatch, "report.py", results, *common, "--write-expect", expected) == 0
    said = capsys.readouterr().out
    assert "| tiny " in said
    assert "motorcycle" in said
    assert run_tool(monkeypatch, "report.py", results, "--protocol", "recorded", "--expect", expected) == 0
    content = json.loads(expected.read_text())
    content["models"]["tiny"]["by_corruption"]["contrast"][0] += 0.3
    expected.write_text(json.dumps(content))
    assert run_tool(monkeypatch, "report.py", results, "--protocol", "recorded", "--expect", expected) == 1
    assert "tiny: by_corruption.contrast is " in capsys.readouterr().err
    assert run_tool(monkeypatch, "report.py", results, *common[:2], "--metric", "bbox_mAP.car", "--format", "csv") == 0
    assert run_tool(monkeypatch, "report.py", results, "--protocol", "common15", "--metric", "bbox_mAP") == 2
    assert "or add --partial, or --protocol recorded" in capsys.readouterr().err


@pytest.mark.process
def test_pictures_with_objects_for_the_report(parts, tmp_path, monkeypatch, capsys):
    results = tmp_path / "r.jsonl"
    judge(*parts, results, protocol={"corruptions": ["contrast"], "severities": [5]}, pictures=1)
    folder = tmp_path / "r.jsonl.pictures"
    kept = sorted(path.relative_to(folder).parent.as_posix() for path in folder.rglob("*.png"))
    assert kept == [
        f"{part}{cell}/val2017" for part, cells in (("input", CLEAN_AND_ONE), ("tiny", CLEAN_AND_ONE)) for cell in cells
    ] + ["truth/val2017"]
    arguments = ["--protocol", "recorded", "--metric", "bbox_mAP", "--plots", tmp_path / "plots"]
    assert run_tool(monkeypatch, "report.py", results, *arguments) == 0
    assert cv2.imread(str(tmp_path / "plots" / "pictures_1.png")).shape[1] > 1000


@pytest.mark.process
def test_protocols_by_name_and_by_file(parts, tmp_path, monkeypatch, capsys):
    (tmp_path / "night.json").write_text('{"name": "night", "corruptions": {"brightness": [1], "fog": [2, 3]}}')
    for protocol, cells in (("common15", 75), ("fan16", 80), (tmp_path / "night.json", 3)):
        arguments = ["--work-dir", tmp_path, "--dry-run", "--protocol", protocol]
        assert run_tool(monkeypatch, "test_robustness.py", parts[0], *arguments) == 0
        assert f": {cells} cells and the clean pictures, {PICTURES} pictures each" in capsys.readouterr().out


@pytest.mark.process
def test_a_network_that_finds_nothing(network, tmp_path, monkeypatch, capsys):
    small = {"corruptions": ["contrast"], "severities": [5]}
    results = tmp_path / "r.jsonl"
    scores, records = judge(*network, results, protocol=small, options={"model.test_cfg.rcnn.score_thr": 1.0})
    assert (scores["clean/bbox_mAP"], scores["corrupted/segm_mAP"]) == (0.0, 0.0)
    assert "retention/bbox_mAP" not in scores
    note = f"The model detected nothing in {PICTURES} pictures."
    assert [record["note"] for record in records.values()] == [note, note]
    arguments = ["--protocol", "recorded", "--metric", "bbox_mAP"]
    assert run_tool(monkeypatch, "report.py", results, *arguments) == 2
    assert "is 0, so that there is no retention" in capsys.readouterr().err.splitlines()[-1]


def test_found_nothing_in_one_cell_is_a_note_of_the_report(judged, tmp_path, monkeypatch, capsys):
    lines = [json.loads(line) for line in judged[2].read_text().splitlines()]
    lines[2] |= {"note": "The model detected nothing in 3 pictures."}
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ["--protocol", "recorded", "--metric", "bbox_mAP"]
    assert run_tool(monkeypatch, "report.py", tmp_path / "r.jsonl", *arguments) == 0
    assert "tiny, contrast 5: The model detected nothing in 3 pictures." in capsys.readouterr().out


@pytest.mark.process
def test_annotations_of_another_set_end_with_one_line(parts, tmp_path, monkeypatch, capsys):
    other = parts[0].parent / "coco/annotations/instances_train2017.json"
    arguments = ["--corruptions", "contrast", "--work-dir", tmp_path, "--cfg-options"]
    assert run_tool(monkeypatch, "test_robustness.py", *parts, *arguments, f"test_evaluator.ann_file={other}") == 1
    assert "lack 3 of the 3 pictures judged" in capsys.readouterr().err.splitlines()[-1]


def test_other_pictures_are_scored_against_annotations_of_their_own(parts, tmp_path):
    """A set of one's own as a cell, and the same pictures as the clean ones of a run."""
    domain = tmp_path / "weather"
    write_coco(domain, train=0, val=2, size=(128, 64), seed=7, workers=1)
    dataset = load_config(parts[0]).test_dataloader.dataset.to_dict()
    place = {"mine": {"weather": {**dataset, "data_root": f"{domain}/"}}}
    wrong = make_runner(*parts, tmp_path / "work", protocol="clean", weather={"acdc": str(domain)})
    with pytest.raises(MMFanError, match="acdc has label maps and no objects: detectors are judged on coco_o, exdark"):
        _ = wrong.test_loop
    one = {"corruptions": ["contrast"], "severities": [5]}
    runner = make_runner(*parts, tmp_path / "work", results=str(tmp_path / "r.jsonl"), protocol="clean", weather=place)
    runner.test()
    clean, weather = ResultsStore(tmp_path / "r.jsonl").records()
    assert weather["condition"]["settings"]["contents"].startswith("2-")
    assert weather["condition"]["settings"].keys() == {"set", "reference", "contents"}
    own = {
        "test_dataloader.dataset.data_root": f"{domain}/",
        "test_evaluator.ann_file": f"{domain}/annotations/instances_val2017.json",
    }
    alone = make_runner(*parts, tmp_path / "work", own, results=str(tmp_path / "own.jsonl"), protocol=one)
    alone.test()
    expected = ResultsStore(tmp_path / "own.jsonl").records()[0]
    assert weather["metrics"] == expected["metrics"] != clean["metrics"]
