"""RobustnessLoop around the tiny segmentor: its numbers, what it resumes, and what it refuses."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.pixel_counts import counts_of_picture
from helpers.tiny_robustness import CELLS, PROTOCOL, judge, make_runner, write_parts
from helpers.tiny_segmentor import SIZE, write_config, write_tree

from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.results.store import ResultsStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def judged(parts, tmp_path_factory):
    """Scores and records of the straightforward run: one process, no workers."""
    return judge(*parts, tmp_path_factory.mktemp("judged") / "r.jsonl", seed=3)


def clean_pictures(config):
    return sorted((Path(config).parent / "data/leftImg8bit/val").rglob("*.png"))


def corrupted_file(path, corruption, severity, seed):
    """A picture as the set on disk holds it, BGR."""
    picture = cv2.imread(str(path))
    if corruption == "clean":
        return picture
    name = f"val/town/{path.name}"
    rgb = np.ascontiguousarray(picture[..., ::-1])
    return corrupt(rgb, corruption, severity, picture_seed(seed, name, corruption, severity))[..., ::-1]


def same_scores(one, other):
    assert set(one) == set(other)
    for cell, record in one.items():
        assert record["metrics"] == other[cell]["metrics"], cell


def over_the_truth(record):
    """The mean IoU over the classes that the labels hold: those with a recall."""
    recalls, scores = record["per_class"]["Acc"], record["per_class"]["IoU"]
    return np.mean([scores[name] for name, recall in recalls.items() if recall is not None])


@pytest.mark.process
def test_numbers_are_those_of_a_straightforward_evaluation(parts, judged):
    from mmfan.apis import init_model, predict

    config, checkpoint = parts
    scores, records = judged
    model = init_model(config, checkpoint, device="cpu")
    assert list(records) == CELLS
    for (corruption, severity), record in records.items():
        counts = []
        for path in clean_pictures(config):
            predicted = predict(model, np.ascontiguousarray(corrupted_file(path, corruption, severity, seed=3)))
            label = str(path).replace("leftImg8bit/val", "gtFine/val").replace("leftImg8bit", "gtFine_labelTrainIds")
            counts.append(counts_of_picture(predicted, cv2.imread(label, cv2.IMREAD_UNCHANGED), 19))
        expected = scores_of_counts(counts)
        assert record["metrics"] == pytest.approx(expected.metrics, abs=1e-12)
        found = [np.nan if value is None else value for value in record["per_class"]["IoU"].values()]
        np.testing.assert_allclose(found, expected.per_class["IoU"], atol=1e-12)
    mean = np.mean([[over_the_truth(records[c, s]) for s in (2, 5)] for c in PROTOCOL["corruptions"]])
    clean = over_the_truth(records["clean", 0])
    assert clean > records["clean", 0]["metrics"]["mIoU"]  # the untrained model calls pixels by names that no label has
    assert scores["clean/mIoU"] == pytest.approx(clean, abs=1e-15)
    assert scores["corrupted/mIoU"] == pytest.approx(mean, abs=1e-15)
    assert scores["retention/mIoU"] == pytest.approx(mean / clean, abs=1e-15)
    assert {"clean/aAcc", "corrupted/mAcc", "retention/aAcc"} <= set(scores)


def test_a_record_says_where_it_is_from(parts, judged):
    import hashlib

    record = judged[1]["gaussian_noise", 5]
    assert (record["model"], record["dataset"], record["seed"]) == ("tiny", "cityscapes", 3)
    assert record["checkpoint_hash"] == hashlib.sha256(parts[1].read_bytes()).hexdigest()
    assert record["pictures"].startswith("3-")
    assert record["versions"]["corruption"] == "1"
    assert len(record["classes"]) == 19
    assert (record["precision"], record["source"]) == ("float32", "fly")
    assert all(len(record[f"{what}_hash"]) == 16 for what in ("contents", "truth", "metric"))


@pytest.mark.process
def test_counts_of_pictures_stay_with_their_names(parts, tmp_path):
    _, records = judge(*parts, tmp_path / "r.jsonl", seed=3)
    kept = ResultsStore(tmp_path / "r.jsonl").read_counts(records["contrast", 5])
    assert kept.counts.shape == (3, 19, 3)
    assert kept.pictures == tuple(f"val/town/{path.name}" for path in clean_pictures(parts[0]))
    assert scores_of_counts(kept.counts).metrics == records["contrast", 5]["metrics"]


@pytest.mark.process
def test_workers_and_batches_change_nothing(parts, judged, tmp_path):
    options = {"test_dataloader.batch_size": 2}
    _, records = judge(*parts, tmp_path / "r.jsonl", seed=3, workers=2, options=options)
    same_scores(records, judged[1])


@pytest.mark.process
def test_a_corrupted_set_on_disk_gives_the_same(parts, judged, tmp_path):
    root = tmp_path / "set"
    for path in clean_pictures(parts[0]):
        for corruption, severity in CELLS[1:]:
            place = root / "leftImg8bit" / corruption / str(severity) / "val/town" / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(place), corrupted_file(path, corruption, severity, seed=3))
    more = {"seed": 3, "source": "disk", "corrupted_root": str(root)}
    _, records = judge(*parts, tmp_path / "r.jsonl", **more)
    same_scores(records, judged[1])
    place.unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 pictures of gaussian_noise 5: .*mmfan corrupt"):
        judge(*parts, tmp_path / "other.jsonl", **more)


@pytest.mark.process
def test_goes_on_where_it_was_and_shares_cells_between_protocols(parts, judged, tmp_path):
    results = tmp_path / "r.jsonl"
    judge(*parts, results, seed=3, protocol={"corruptions": ["gaussian_noise"], "severities": [2]})
    before = results.read_bytes()
    scores, records = judge(*parts, results, seed=3)
    assert results.read_bytes().startswith(before)
    assert len(records) == len(ResultsStore(results).records()) == 5
    same_scores(records, judged[1])
    assert scores == judged[0]
    again, _ = judge(*parts, results, seed=3)
    assert again == scores
    assert len(ResultsStore(results).records()) == 5


@pytest.mark.process
def test_never_takes_over_cells_of_another_run(parts, tmp_path):
    import torch

    config, checkpoint = parts
    content = torch.load(checkpoint, weights_only=True)
    content["state_dict"]["decode_head.conv_seg.bias"] += 1
    torch.save(content, tmp_path / "other.pth")
    slide = {"model.test_cfg.mode": "slide", "model.test_cfg.crop_size": (64, 64), "model.test_cfg.stride": (32, 32)}
    small = {"protocol": {"corruptions": ["contrast"], "severities": [5]}, "limit": 2}
    runs = [
        {},
        {"seed": 1},
        {"limit": 1},
        {"name": "other"},
        {"options": slide},
        {"checkpoint": tmp_path / "other.pth"},
    ]
    for number, change in enumerate(runs, 1):
        arguments = {"config": config, "checkpoint": checkpoint, "results": tmp_path / "r.jsonl", **small, **change}
        judge(**arguments)
        assert len(ResultsStore(tmp_path / "r.jsonl").records()) == 2 * number, change


SMALL = {"protocol": {"corruptions": ["contrast"], "severities": [5]}, "limit": 2}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("labels", "other labels"),
        ("pictures", "pictures of the same names and other contents"),
        ("metric", "other settings of the metric"),
    ],
)
def test_scores_of_other_labels_pictures_or_settings_are_not_taken_over(parts, tmp_path, capsys, change, reason):
    config = write_config(tmp_path / "own.py", write_tree(tmp_path / "data"))
    judge(config, parts[1], tmp_path / "r.jsonl", **SMALL)
    kept = ResultsStore(tmp_path / "r.jsonl").records()
    options = {}
    picture = clean_pictures(config)[0]
    label = Path(str(picture).replace("leftImg8bit/val", "gtFine/val").replace("leftImg8bit", "gtFine_labelTrainIds"))
    if change == "labels":
        cv2.imwrite(str(label), np.where(cv2.imread(str(label), cv2.IMREAD_UNCHANGED) == 0, 1, 0).astype(np.uint8))
    elif change == "pictures":
        cv2.imwrite(str(picture), 255 - cv2.imread(str(picture)))
    else:
        options = {"test_evaluator.iou_metrics": ["mIoU", "mDice"]}
    capsys.readouterr()
    judge(config, parts[1], tmp_path / "r.jsonl", options=options, **SMALL)
    records = ResultsStore(tmp_path / "r.jsonl").records()
    assert records[: len(kept)] == kept
    assert len(records) == 2 * len(kept)
    assert f"holds 2 cells with {reason}" in "".join(capsys.readouterr())
    judge(config, parts[1], tmp_path / "r.jsonl", options=options, **SMALL)
    assert len(ResultsStore(tmp_path / "r.jsonl").records()) == 2 * len(kept)


def test_cells_that_do_not_say_what_they_are_of_are_judged_anew(parts, tmp_path, capsys):
    results = tmp_path / "r.jsonl"
    _, records = judge(*parts, results, **SMALL)
    new = ("contents_hash", "truth_hash", "metric_hash", "precision")
    old = [{name: value for name, value in record.items() if name not in new} for record in records.values()]
    results.write_text("".join(json.dumps(record) + "\n" for record in old))
    capsys.readouterr()
    judge(*parts, results, **SMALL)
    assert len(ResultsStore(results).records()) == 4
    assert "2 cells with nothing that says which pictures and labels they are of" in "".join(capsys.readouterr())


@pytest.mark.process
def test_where_the_data_lie_is_not_part_of_the_key(parts, tmp_path):
    config, checkpoint = parts
    judge(config, checkpoint, tmp_path / "r.jsonl", limit=2)
    os.symlink(Path(config).parent / "data", tmp_path / "moved")
    options = {"test_dataloader.dataset.data_root": str(tmp_path / "moved"), "test_dataloader.batch_size": 2}
    judge(config, checkpoint, tmp_path / "r.jsonl", limit=2, options=options)
    assert len(ResultsStore(tmp_path / "r.jsonl").records()) == 5


@pytest.mark.process
def test_cells_of_an_older_corruption_are_not_taken_over(parts, tmp_path):
    results = tmp_path / "r.jsonl"
    judge(*parts, results, limit=1)
    results.write_text(results.read_text().replace('"corruption": "1"', '"corruption": "0"'))
    with pytest.raises(ValueError, match=r"contrast 2 \(version 0, now 1\)"):
        judge(*parts, results, limit=1)


@pytest.mark.process
def test_a_corruption_of_ones_own(parts, judged, tmp_path):
    from mmfan.corruptions import register_corruption, unregister_corruption

    register_corruption("blank", lambda image, severity, seed: np.full_like(image, 60 * severity), severities=(1, 2))
    try:
        _, records = judge(*parts, tmp_path / "r.jsonl", protocol={"corruptions": ["blank"]}, workers=1, pictures=1)
    finally:
        unregister_corruption("blank")
    assert list(records) == [("clean", 0), ("blank", 1), ("blank", 2)]
    shown = next((tmp_path / "r.jsonl.pictures/input/blank-2").rglob("*.png"))
    assert (cv2.imread(str(shown)) == 120).all()
    assert records["clean", 0]["metrics"] == judged[1]["clean", 0]["metrics"]


@pytest.mark.parametrize("more", [{"tta": True}, {"fp16": True}])
@pytest.mark.process
def test_augmentation_and_mixed_precision(parts, judged, tmp_path, more):
    if "tta" in more:
        more["options"] = {"tta_pipeline.1.transforms": [
            [{"type": "Resize", "scale_factor": 1.0, "keep_ratio": True}], [{"type": "RandomFlip", "prob": 1.0}],
            [{"type": "mmfan.LoadSegAnnotations"}], [{"type": "PackSegInputs"}],
        ]}  # fmt: skip
    small = {"protocol": {"corruptions": ["contrast"], "severities": [2]}, "seed": 3}
    _, records = judge(*parts, tmp_path / "r.jsonl", **small, **more)
    # the tiny segmentor is a random one: of one of the cells it may know nothing
    assert any(records[cell]["metrics"] != judged[1][cell]["metrics"] for cell in (("clean", 0), ("contrast", 2)))
    assert records["contrast", 2]["config_hash"] != judged[1]["contrast", 2]["config_hash"]
    assert records["contrast", 2]["precision"] == ("bfloat16" if "fp16" in more else "float32")


@pytest.mark.process
def test_writes_what_a_report_shows(parts, tmp_path):
    from mmfan.evaluation.results.pictures import find_pictures

    results = tmp_path / "r.jsonl"
    judge(*parts, results, pictures=2, workers=1)
    shown = find_pictures([(results, "tiny")], [Cell(*cell) for cell in CELLS[1:]])
    assert [picture.name for picture in shown] == [
        "val/town/town_000000_000000_leftImg8bit", "val/town/town_000002_000000_leftImg8bit",
    ]  # fmt: skip
    for picture, path in zip(shown, [clean_pictures(parts[0])[at] for at in (0, 2)], strict=True):
        assert [tuple(shown.cell) for shown in picture.cells] == CELLS
        assert picture.truth.shape == SIZE
        assert set(np.unique(picture.truth)) == {0, 10, 13, 255} - {0 if 0 not in picture.truth else -1}
        for cell in picture.cells:
            assert (cell.picture == corrupted_file(path, *cell.cell, seed=0)[..., ::-1]).all()
            assert cell.predictions[0].shape == SIZE


@pytest.mark.process
def test_a_training_keeps_the_checkpoint_with_the_best_corrupted_score(parts, tmp_path):
    from mmfan.apis import build_runner, load_config

    options = {
        "val_cfg": {"type": "mmfan.RobustnessLoop", "limit": 2, "protocol": PROTOCOL},
        "train_cfg.val_interval": 2,
        "default_hooks.checkpoint.save_best": "corrupted/mIoU",
    }
    runner = build_runner(load_config(parts[0], options), work_dir=tmp_path)
    runner.train()
    found = {path.name for path in tmp_path.glob("best_corrupted_mIoU_iter_*.pth")}
    assert len(found) == 1
    history = runner.message_hub.log_scalars
    scores = [history[f"val/{part}/mIoU"].current() for part in ("clean", "corrupted", "retention")]
    assert scores[2] == pytest.approx(scores[1] / scores[0])
    assert runner.message_hub.get_info("best_score") >= scores[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": "kaman16"}, "Did you mean 'kamann16'"),
        ({"protocol": {"corruptions": ["fogg"]}}, "did you mean 'fog'"),
        ({"limit": 0}, "Expected `limit` to be a whole number of at least 1, got 0"),
        ({"seed": -1}, "Expected `seed` to be a whole number of at least 0, got -1"),
        ({"seed": 1.5}, "Expected `seed`.*got 1.5"),
        ({"source": "disk"}, "source='disk' with `corrupted_root`"),
        ({"corrupted_root": "/nowhere"}, "got source='fly' and corrupted_root='/nowhere'"),
        ({"source": "disk", "corrupted_root": "/nowhere", "change": len}, "or changed by `change`"),
        ({"results": None, "pictures": 2}, "give `results` too"),
        ({"options": {"test_dataloader.dataset.pipeline": [{"type": "PackSegInputs"}]}}, "got 0: PackSegInputs"),
        (
            {"options": {"test_dataloader.dataset.pipeline": [
                {"type": "LoadImageFromFile"}, {"type": "mmfan.Corrupt", "corruption": "fog", "severity": 1},
                {"type": "PackSegInputs"},
            ]}},
            "RobustnessLoop corrupts by itself",
        ),
        (
            {"options": {"test_dataloader.dataset.type": "mmfan.CityscapesCDataset",
                         "test_dataloader.dataset.corruption": "fog", "test_dataloader.dataset.severity": 1,
                         "test_dataloader.dataset.source": "fly"}},
            "give it the dataset of the clean ones|RobustnessLoop corrupts by itself",
        ),
        ({"options": {"test_dataloader.num_batch_per_epoch": 1}}, "use `limit`"),
        ({"options": {"test_evaluator.iou_metric": "mIoU"}}, "iou_metric"),
    ],
)  # fmt: skip
@pytest.mark.process
def test_refuses(parts, tmp_path, change, message):
    config, checkpoint = parts
    change = {"results": str(tmp_path / "r.jsonl"), **change}
    with pytest.raises((ValueError, TypeError), match=message):
        make_runner(config, checkpoint, tmp_path / "w", **change).test()
    assert not (tmp_path / "r.jsonl").exists()


@pytest.mark.process
def test_a_checkpoint_of_another_model_is_refused(parts, tmp_path):
    from mmfan.apis import CheckpointError

    options = {"model.decode_head.embed_dim": 32}
    with pytest.raises(CheckpointError, match="does not fit this config's model"):
        make_runner(*parts, tmp_path / "w", options=options, results=str(tmp_path / "r.jsonl")).test()


@pytest.mark.process
def test_results_that_cannot_be_written_stop_it_before_the_work(parts, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "r.jsonl"):
        with pytest.raises(OSError, match=str(tmp_path)):
            make_runner(*parts, tmp_path / "w", results=str(place)).test()


@pytest.mark.process
def test_a_damaged_picture_stops_it_and_finished_cells_stay(parts, tmp_path):
    config, checkpoint = write_parts(tmp_path)
    worst = clean_pictures(config)[1]
    worst.write_bytes(worst.read_bytes()[:200])
    with pytest.raises(ValueError, match=worst.name):
        judge(config, checkpoint, tmp_path / "r.jsonl")
    assert not (tmp_path / "r.jsonl").exists()
