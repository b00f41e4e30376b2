"""Judging a callable: its numbers, what it goes on with, how the work is shared, and what ends it before it began."""

import json
import logging
import weakref

import cv2
import numpy as np
import pytest
from helpers.pixel_counts import counts_of_picture
from helpers.tiny_pictures import (
    CELLS,
    CLASSES,
    PROTOCOL,
    Stop,
    by_brightness,
    cells_of,
    judge,
    pairs,
    stopping_after,
    write_folders,
)

from mmfan import SegmentationData
from mmfan.corruptions import corrupt, picture_seed
from mmfan.evaluation.function.probe import OtherModelError
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.results.store import ResultsStore, key_of
from mmfan.evaluation.summary import summarize


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


def expected_scores(cell, seed=0, count=3):
    """What a straightforward evaluation gives."""
    counts = []
    for number, (picture, label) in enumerate(pairs(count)):
        name = f"street/{number}.png"
        seen = (
            picture
            if cell == ("clean", 0)
            else corrupt(picture, cell[0], cell[1], picture_seed(seed, name, cell[0], cell[1]))
        )
        counts.append(counts_of_picture(by_brightness(seen), label, 3))
    return counts, scores_of_counts(counts)


def test_numbers_are_those_of_a_straightforward_evaluation(data, tmp_path):
    found = judge(by_brightness, data, tmp_path / "r.jsonl", seed=5)
    records = ResultsStore(tmp_path / "r.jsonl").records()
    assert cells_of(records) == CELLS == cells_of(found.records)
    for record in records:
        counts, scores = expected_scores(tuple(key_of(record)[1]), seed=5)
        assert record["metrics"] == scores.metrics
        kept = ResultsStore(tmp_path / "r.jsonl").read_counts(record)
        assert (kept.counts == counts).all()
        assert kept.pictures == ("street/0.png", "street/1.png", "street/2.png")
        assert kept.classes == tuple(CLASSES)
    by = {cell: record["metrics"]["mIoU"] for cell, record in zip(CELLS, records, strict=True)}
    types = {name: (by[name, 1] + by[name, 5]) / 2 for name in ("contrast", "brightness")}
    assert found.clean == by["clean", 0] > 0.9
    assert found.corrupted == pytest.approx(sum(types.values()) / 2, abs=1e-15)
    assert found.retention == pytest.approx(sum(types.values()) / 2 / by["clean", 0], abs=1e-15)
    worst_type, worst_cell = min(types, key=types.get), min(list(by)[1:], key=by.get)
    assert found.worst == (worst_type, pytest.approx(types[worst_type]), worst_cell, by[worst_cell])
    assert found.missing == ()
    assert found.metrics == ("mIoU", "mAcc", "aAcc")
    assert found.summary == summarize(records, PROTOCOL)
    assert found.summary_of("aAcc").clean == records[0]["metrics"]["aAcc"]
    assert f"retention {100 * found.retention:.2f} %; worst {worst_type}" in str(found)


def test_a_record_says_where_it_is_from(data, tmp_path):
    judge(by_brightness, data, tmp_path / "r.jsonl", version="v1", limit=2, dataset_name="other")
    record = ResultsStore(tmp_path / "r.jsonl").records()[1]
    assert (record["model"], record["dataset"], record["checkpoint_hash"]) == ("mine", "other", "v1")
    assert (record["source"], record["limit"], record["seed"]) == ("fly", 2, 0)
    assert record["pictures"].startswith("2-")
    assert record["protocol"]["corruptions"] == {"contrast": [1, 5], "brightness": [1, 5]}
    assert all(len(record[f"{what}_hash"]) == 16 for what in ("contents", "truth", "metric"))
    assert set(record["versions"]) == {"mmfan", "python", "numpy", "cv2", "corruption"}
    assert record["probe"]["picture"] == "street/0.png"


def test_probabilities_batches_and_data_in_memory_change_nothing(data, tmp_path):
    given = [(*pair, f"street/{number}.png") for number, pair in enumerate(pairs())]
    in_memory = SegmentationData(given, classes=CLASSES, name="street")

    def probabilities(pictures):
        assert isinstance(pictures, list)
        assert len(pictures) in (1, 2)
        return [np.eye(3, dtype=np.float32)[by_brightness(rgb)].transpose(2, 0, 1) for rgb in pictures]

    plain = judge(by_brightness, data)
    other = judge(probabilities, in_memory, batch_size=2)
    assert [one["metrics"] for one in other.records] == [one["metrics"] for one in plain.records]


def test_goes_on_where_it_was(data, tmp_path):
    undisturbed = judge(by_brightness, data, tmp_path / "whole.jsonl")
    results = tmp_path / "r.jsonl"
    for calls, there in ((1 + 3 + 2, 1), (1 + 3, 2), (1 + 8, 4)):  # one of each is the preflight's
        with pytest.raises(Stop):
            judge(stopping_after(calls), data, results)
        assert cells_of(ResultsStore(results).records()) == CELLS[:there]
    before = results.read_bytes()
    found = judge(by_brightness, data, results)
    assert results.read_bytes().startswith(before)
    assert [one["metrics"] for one in found.records] == [one["metrics"] for one in undisturbed.records]
    assert found.key == undisturbed.key
    calls = stopping_after(1)
    assert judge(calls, data, results).retention == found.retention  # only the preflight's


def test_shards_are_put_together(data, tmp_path):
    whole = judge(by_brightness, data, tmp_path / "whole.jsonl")
    first = judge(by_brightness, data, tmp_path / "r.jsonl", shard=(2, 2))
    assert cells_of(first.records) == CELLS[1::2]
    assert (
        cells_of([{**first.records[0], "corruption": cell[0], "severity": cell[1]} for cell in first.missing])
        == (CELLS[0::2])
    )
    assert (first.clean, first.retention) == (None, None)
    assert first.corrupted == pytest.approx(
        np.mean([record["metrics"]["mIoU"] for record in whole.records[1::2]]), abs=1e-15
    )
    last = judge(by_brightness, data, tmp_path / "r.jsonl", shard="1/2")
    assert last.missing == ()
    assert cells_of(last.records) == CELLS
    assert last.summary == whole.summary
    # in a file each, put together by appending
    for number in (1, 2, 3):
        judge(by_brightness, data, tmp_path / f"{number}.jsonl", shard=(number, 3))
    (tmp_path / "all.jsonl").write_bytes(b"".join((tmp_path / f"{n}.jsonl").read_bytes() for n in (3, 1, 2)))
    found = judge(stopping_after(1), data, tmp_path / "all.jsonl")
    assert found.summary == whole.summary


def test_a_model_is_known_again(data, tmp_path, caplog):
    results = tmp_path / "r.jsonl"
    judge(by_brightness, data, results)
    before = results.read_bytes()
    with pytest.raises(
        OtherModelError, match=r"holds 5 cells of 'mine', whose prediction for the picture street/0\.png"
    ):
        judge(lambda rgb: 2 - by_brightness(rgb), data, results)
    assert results.read_bytes() == before
    judge(lambda rgb: 2 - by_brightness(rgb), data, results, name="other")
    judge(lambda rgb: 2 - by_brightness(rgb), data, results, version="v2")
    assert len(ResultsStore(results).records()) == 15
    with caplog.at_level(logging.WARNING, "mmfan.judge"):
        judge(by_brightness, data, results, version="v2")
    assert "taken over, for they are of the same version, 'v2'" in caplog.text

    def flickering(rgb):
        found = by_brightness(rgb)
        found[20, 20] = 2 - found[20, 20]  # one pixel in 1920
        return found

    judge(flickering, data, results)
    assert len(ResultsStore(results).records()) == 15


def test_other_labels_or_pictures_are_another_run(tmp_path, caplog):
    folders = write_folders(tmp_path)
    results = tmp_path / "r.jsonl"
    judge(by_brightness, SegmentationData(*folders, CLASSES), results)
    path = str(folders[1] / "street/1.png")
    cv2.imwrite(path, np.where(cv2.imread(path, cv2.IMREAD_UNCHANGED) == 0, 1, 2).astype(np.uint8))
    with caplog.at_level(logging.WARNING, "mmfan.judge"):
        judge(by_brightness, SegmentationData(*folders, CLASSES), results)
    assert len(ResultsStore(results).records()) == 10
    assert caplog.text.count("holds 5 cells with other labels: they stay, and are not taken over") == 1


def test_pictures_are_kept_for_the_report(data, tmp_path):
    found = judge(by_brightness, data, tmp_path / "r.jsonl", pictures=1)
    folder = tmp_path / "r.jsonl.pictures"
    seen = cv2.imread(str(folder / "input/contrast-5/street/1.png"))[..., ::-1]
    clean = list(pairs())[1]
    assert (seen == corrupt(clean[0], "contrast", 5, picture_seed(0, "street/1.png", "contrast", 5))).all()
    from PIL import Image

    said = np.asarray(Image.open(folder / "mine/contrast-5/street/1.png"))
    assert (said == by_brightness(seen)).all()
    assert (np.asarray(Image.open(folder / "truth/street/1.png")) == clean[1]).all()
    report = found.report(tmp_path / "report.html")
    assert report.metric == "mIoU"
    assert "data:image" in (tmp_path / "report.html").read_text()
    for suffix, begin in ((".md", "# Robustness: mIoU"), (".json", "{"), (".csv", "name,"), (".tex", "")):
        found.report(tmp_path / f"r{suffix}")
        assert (tmp_path / f"r{suffix}").read_text().startswith(begin), suffix
    assert found.report(metric="aAcc").metric == "aAcc"
    with pytest.raises(ValueError, match=r"Expected a report to end in \.html, \.md"):
        found.report(tmp_path / "r.pdf")
    with pytest.raises(ValueError, match="judge with results="):
        judge(by_brightness, data).report()
    with pytest.raises(ValueError, match="'mDice' is not among the scores"):
        found.summary_of("mDice")


def test_a_model_that_is_wrong_everywhere_has_no_retention(data):
    found = judge(lambda rgb: np.full(rgb.shape[:2], 255), data)
    assert (found.clean, found.corrupted, found.retention) == (0.0, 0.0, None)
    assert found.worst.score == 0


def test_classes_that_never_occur_are_told(tmp_path, caplog):
    data = SegmentationData(*write_folders(tmp_path), [*CLASSES, "bus"])
    with caplog.at_level(logging.WARNING, "mmfan.judge"):
        found = judge(by_brightness, data)
    assert "1 class of 4 never occurs in the truth: bus. Means are over the others." in caplog.text
    assert "3 of 4 classes" in found.summary.label


@pytest.mark.parametrize("verbose", [True, False])
def test_lines_go_to_standard_error(data, capsys, verbose):
    logging.getLogger("mmfan.judge").propagate = False  # or pytest's handlers would be those of the caller
    try:
        judge(by_brightness, data, verbose=verbose)
    finally:
        logging.getLogger("mmfan.judge").propagate = True
    told = capsys.readouterr()
    assert told.out == ""
    assert ("[5/5] brightness 5: mIoU" in told.err) == verbose
    assert ("mine on street (custom, 4 cells): mIoU clean" in told.err) == verbose


def test_records_of_the_other_driver_are_another_run(data, tmp_path):
    results = tmp_path / "r.jsonl"
    judge(by_brightness, data, results)
    records = [json.loads(line) for line in results.read_text().splitlines()]
    results.write_text(
        "".join(json.dumps({**one, "config_hash": "c", "checkpoint_hash": "w"}) + "\n" for one in records)
    )
    judge(by_brightness, data, results)
    assert len(ResultsStore(results).records()) == 10


def test_a_model_may_write_on_its_picture(tmp_path):
    def scribbling(rgb):
        found = by_brightness(rgb)
        rgb[:] = 0
        return found

    given = [(*pair, f"{number}.png") for number, pair in enumerate(pairs())]
    data = SegmentationData(given, classes=CLASSES)
    found = judge(scribbling, data, tmp_path / "r.jsonl", pictures=3)
    assert found.retention == judge(by_brightness, data).retention
    kept = cv2.imread(str(tmp_path / "r.jsonl.pictures/input/clean-0/2.png"))[..., ::-1]
    assert (kept == given[2][0]).all()


class Lazily:
    """Loads a picture when it is asked for, and counts those that are alive."""

    def __init__(self, count):
        self.made, self.alive, self.most = list(pairs(count)), 0, 0

    def __len__(self):
        return len(self.made)

    def __getitem__(self, number):
        picture, label = (array.copy() for array in self.made[number])
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(picture, self.forget)
        return picture, label, f"{number}.png"

    def forget(self):
        self.alive -= 1


def test_a_sequence_may_load_when_it_is_asked():
    given = Lazily(8)
    found = judge(by_brightness, SegmentationData(given, classes=CLASSES))
    assert given.most <= 4
    plain = [(*pair, f"{number}.png") for number, pair in enumerate(pairs(8))]
    assert found.retention == judge(by_brightness, SegmentationData(plain, classes=CLASSES)).retention
