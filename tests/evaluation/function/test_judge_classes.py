"""Judging a classifier: its numbers, the columns that count, stored sets, and resuming."""

import json

import numpy as np
import pytest
from helpers.tiny_classes import CELLS, CLASSES, PROTOCOL, as_many, by_level, pictures, write_set

from mmfan import ClassificationData
from mmfan import judge as judge_anything
from mmfan.corruptions import corrupt, picture_seed
from mmfan.evaluation.function import PictureForm
from mmfan.evaluation.function.probe import OtherModelError
from mmfan.evaluation.function.scoring.predictions import PredictionError
from mmfan.evaluation.judging.findings import PreflightError
from mmfan.evaluation.results.store import ResultsStore, key_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data") / "val")


def judge(predict, data, results=None, name="mine", **more):
    return judge_anything(predict, data, **{"protocol": PROTOCOL, "workers": 0, "verbose": False, **more},
                          results=results, name=name)  # fmt: skip


def expected(cell, seed=0):
    """Share of the pictures whose highest score is that of their class."""
    right = []
    for kind, file, picture in pictures():
        name = f"{kind}/{file}"
        seen = (
            picture
            if cell[0] == "clean"
            else corrupt(picture, cell[0], cell[1], picture_seed(seed, name, cell[0], cell[1]))
        )
        right.append(CLASSES[int(by_level(seen).argmax())] == kind)
    return sum(right) / len(right)


def test_numbers_are_those_of_a_straightforward_evaluation(folder, tmp_path):
    found = judge(by_level, ClassificationData(folder), tmp_path / "r.jsonl", seed=5)
    records = ResultsStore(tmp_path / "r.jsonl").records()
    assert [tuple(key_of(record)[1]) for record in records] == CELLS
    scores = {cell: record["metrics"]["top1"] for cell, record in zip(CELLS, records, strict=True)}
    assert scores == {cell: expected(cell, seed=5) for cell in CELLS}
    assert scores["clean", 0] == 1 > scores["brightness", 5] > 0
    assert (found.metric, found.metrics) == ("top1", ("top1", "mean_class"))
    assert found.retention == pytest.approx(np.mean([scores[cell] for cell in CELLS[1:]]))
    assert records[0]["per_class"] == {"top1": dict.fromkeys(CLASSES, 1.0)}
    assert records[0]["source"] == "fly"


def test_a_model_without_a_right_answer_is_told_so(folder):
    """Nothing is retained of a clean score of 0, and nothing is missing either."""
    found = judge(lambda rgb: -by_level(rgb), ClassificationData(folder))
    assert (found.clean, found.retention, found.missing) == (0, None, ())
    assert "custom, 4 cells): top1 clean 0.00 %, corrupted 4.17 %, retention none" in str(found)


def test_two_processes_and_batches_say_the_same(folder):
    data = ClassificationData(folder)
    one = judge(by_level, data)
    other = judge(lambda batch: [by_level(rgb) for rgb in batch], data, batch_size=4, workers=1)
    assert [r["metrics"] for r in one.records] == [r["metrics"] for r in other.records]


@pytest.mark.parametrize("fill", [np.inf, np.nan, 100.0, -1e9])
def test_columns_of_other_classes_never_count(folder, fill):
    """The surest is taken among the classes of the set: what is said of all others has no part in it."""
    outputs = [f"x{number}" for number in range(10)]
    columns = (7, 2, 5)
    for name, column in zip(CLASSES, columns, strict=True):
        outputs[column] = name
    data = ClassificationData(folder, outputs=outputs)
    cut = judge(as_many(columns, fill), data)
    assert [r["metrics"] for r in cut.records] == [r["metrics"] for r in judge(by_level, data).records]


def test_without_a_mask_an_outside_class_takes_the_answer(folder):
    data = ClassificationData(folder, [*CLASSES, "other"])
    assert judge(as_many((0, 1, 2), 0.5, 4), data).clean == 0.0
    assert judge(as_many((0, 1, 2), -1e3, 4), data).clean == 1.0


def test_stored_pictures_are_taken_as_they_are(folder, tmp_path):
    """The corrupted pictures are those of the folder, without crop: here the clean ones, but of one type all dark."""
    for kind, level in (("contrast", 1), ("contrast", 5), ("brightness", 1), ("brightness", 5)):
        write_set(tmp_path / "c" / kind / str(level))
    dark = np.full((24, 24, 3), 20, np.uint8)
    from PIL import Image

    for path in (tmp_path / "c/contrast/5").rglob("*.png"):
        Image.fromarray(dark).save(path)
    data = ClassificationData.imagenet_c(folder, tmp_path / "c", form=PictureForm(resize=40, crop=32))
    sizes = []

    def predict(rgb):
        sizes.append(rgb.shape)
        return by_level(rgb)

    found = judge(predict, data, tmp_path / "r.jsonl")
    by = {tuple(key_of(record)[1]): record["metrics"]["top1"] for record in found.records}
    assert by == {**dict.fromkeys(CELLS, 1.0), ("contrast", 5): 1 / 3}
    assert sizes.count((32, 32, 3)) == 6 + 1  # the clean ones, one of them tried first
    assert sizes.count((24, 24, 3)) == 6
    record = ResultsStore(tmp_path / "r.jsonl").records()[1]
    assert (record["source"], record["form"]) == ("stored", {"resize": 40, "crop": 32})


def test_a_stored_picture_that_is_not_there_is_found_first(folder, tmp_path):
    for level in (1, 5):
        write_set(tmp_path / "contrast" / str(level))
        write_set(tmp_path / "brightness" / str(level))
    (tmp_path / "brightness/1/n07/1.png").unlink()
    asked = []
    with pytest.raises(PreflightError, match=r"brightness/1/n07/1.png of brightness 1 does not exist"):
        judge(asked.append, ClassificationData.imagenet_c(folder, tmp_path, form=None))
    assert asked == []


def test_cropped_pictures_are_corrupted_and_coded(folder):
    """What the model gets on the fly: cropped, corrupted with the seed of the name, through a JPEG file."""
    form = PictureForm(resize=40, crop=36, quality=85)
    got = []

    def predict(rgb):
        got.append(rgb)
        return by_level(rgb)

    data = ClassificationData(folder, form=form)
    judge(predict, data, protocol={"corruptions": ["contrast"], "severities": [1]}, limit=1)
    number = data.names.index("n02/1.png")
    clean = list(pictures())[number][2]
    cut = form.clean(clean, "x")
    assert (got[1] == cut).all()
    seen = form.corrupted(corrupt(cut, "contrast", 1, picture_seed(0, "n02/1.png", "contrast", 1)))
    assert (got[2] == seen).all()


def test_it_goes_on_where_it_was_killed_and_refuses_another_model(folder, tmp_path):
    data, calls = ClassificationData(folder), []

    def failing(rgb):
        calls.append(1)
        if len(calls) > 1 + 2 * 6 + 3:  # in the third cell
            raise RuntimeError("power cut")
        return by_level(rgb)

    with pytest.raises(Exception, match="power cut"):
        judge(failing, data, tmp_path / "r.jsonl")
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 2
    calls.clear()
    whole = judge(lambda rgb: calls.append(1) or by_level(rgb), data, tmp_path / "r.jsonl")
    assert len(calls) == 1 + 3 * 6
    assert [r["metrics"] for r in whole.records] == [r["metrics"] for r in judge(by_level, data).records]
    with pytest.raises(OtherModelError):
        judge(lambda rgb: 2 * by_level(rgb) + 7, data, tmp_path / "r.jsonl")


def test_the_form_and_the_columns_tell_runs_apart(folder, tmp_path):
    results = tmp_path / "r.jsonl"
    for more in ({}, {"form": PictureForm(crop=36)}, {"outputs": [*CLASSES, "x"]}):
        judge(by_level, ClassificationData(folder, **more), results, limit=2)
    records = [json.loads(line) for line in results.read_text().splitlines()]
    assert len({record["metric_hash"] for record in records}) == 3


@pytest.mark.parametrize(("said", "told"), [
    (lambda rgb: by_level(rgb)[None], r"got float32 \(1, 3\). Leave the axis of the batch out"),
    (lambda rgb: 2, "got int64"),
    (lambda rgb: np.zeros(7, np.float32), r"3 classes of the data \(n01, n02, n07\), got 7. Name the model's own"),
    (lambda rgb: np.array([np.nan, 0, 1]), "not finite"),
])  # fmt: skip
def test_what_cannot_be_scored_is_said(folder, said, told):
    with pytest.raises((PredictionError, PreflightError), match=told):
        judge(said, ClassificationData(folder))


def test_pictures_are_kept_with_their_names(folder, tmp_path):
    judge(by_level, ClassificationData(folder), tmp_path / "r.jsonl", pictures=1)
    kept = sorted(
        path.relative_to(tmp_path / "r.jsonl.pictures") for path in (tmp_path / "r.jsonl.pictures").rglob("*.png")
    )
    assert len(kept) == 5 + 5 + 1


@pytest.mark.parametrize("form", ["logits", "probabilities", "of ten"])
def test_calibration_by_hand(folder, form):
    """Always 0.5, 0.3 and 0.2: right on a third of the pictures, at a confidence of a half."""
    shares = np.array([0.5, 0.3, 0.2])
    outputs = None
    if form == "of ten":  # what the other columns have is given up, and the rest brought to 1
        shares, outputs = np.array([*(0.5 * shares), *[0.1] * 5]), [*CLASSES, *"abcde"]
    said = np.log(shares).astype(np.float32) + 3 if form == "logits" else shares.astype(np.float32)
    data = ClassificationData(folder, outputs=outputs)
    found = judge(lambda rgb: said, data, calibration=True)
    scores = found.records[0]["calibration"]["scores"]
    assert found.clean == 1 / 3
    assert scores["ECE"] == pytest.approx(0.5 - 1 / 3, abs=1e-5)
    assert scores["NLL"] == pytest.approx(-np.log([0.5, 0.3, 0.2]).mean(), abs=1e-5)
    # (p - y)^2 summed over the classes, mean over the truths
    brier = [((np.array([0.5, 0.3, 0.2]) - np.eye(3)[truth]) ** 2).sum() for truth in range(3)]
    assert scores["Brier"] == pytest.approx(np.mean(brier), abs=1e-5)
