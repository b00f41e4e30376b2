"""What is wrong with a model, its predictions or the data: named, with its cure, early where it can be."""

import traceback

import cv2
import numpy as np
import pytest
from helpers.tiny_pictures import (
    CELLS,
    CLASSES,
    by_brightness,
    cells_of,
    judge,
    stopping_after,
    write_folders,
)

from mmfan import SegmentationData
from mmfan.evaluation.function.driver import PredictError
from mmfan.evaluation.function.scoring.predictions import PredictionError
from mmfan.evaluation.judging.findings import PreflightError
from mmfan.evaluation.results.store import ResultsStore


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


def failing_on(place, wrong):
    """A model that does something else at its call of that number: 1 is the preflight's, 2 the first of the cells."""
    calls = []

    def predict(rgb):
        calls.append(1)
        if len(calls) == place:
            return wrong() if callable(wrong) else wrong
        return by_brightness(rgb)

    return predict


def out_of_memory():
    raise ZeroDivisionError("no\nroom")


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (out_of_memory, PredictError, "predict raised ZeroDivisionError on {}: no room"),
        (None, PredictionError, "The prediction for {}: Expected a label map .* got None"),
        (np.zeros((8, 8), int), PredictionError, "The prediction for {}: .*40 rows x 48 columns, got 8 x 8"),
        (np.full((40, 48), 3), PredictionError, "The prediction for {}: .*class numbers from 0 to 2"),
        (np.full((3, 40, 48), np.nan), PredictionError, "The prediction for {}: .*not finite"),
    ],
)
def test_what_goes_wrong_names_picture_and_cell_and_loses_nothing(data, tmp_path, wrong, kind, message):
    results = tmp_path / "r.jsonl"
    with pytest.raises(kind, match=message.format(r"contrast 1 of the picture street/1\.png")):
        judge(failing_on(1 + 3 + 2, wrong), data, results)
    assert cells_of(ResultsStore(results).records()) == CELLS[:1]
    assert len(judge(by_brightness, data, results).records) == 5
    with pytest.raises(PreflightError, match=message.format(r"clean of the picture street/0\.png")):
        judge(failing_on(1, wrong), data, tmp_path / "new.jsonl")  # before the first cell
    assert not (tmp_path / "new.jsonl").exists()


def test_an_error_before_the_first_cell_has_the_traceback_of_the_model(data):
    with pytest.raises(PreflightError) as caught:
        judge(failing_on(1, out_of_memory), data)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert [one.name for one in traceback.extract_tb(caught.value.__cause__.__traceback__)][-1] == "out_of_memory"


class Module:
    def state_dict(self):
        return {}

    def __call__(self, rgb):
        raise TypeError("expected a Tensor")


@pytest.mark.parametrize(
    ("predict", "more", "message"),
    [
        (Module(), {}, r"expected a Tensor\. It is a module of torch, which takes tensors: mmfan\.adapters\.Torch"),
        (lambda pictures: pictures.shape, {"batch_size": 2}, "With batch_size=2 predict gets a list of them"),
        (lambda pictures: [one.mean for one in pictures[0].images], {}, "With batch_size=1 predict gets one picture"),
        (lambda rgb: np.zeros((*rgb.shape[:2], 3)), {}, r"got the shape \(40, 48, 3\)\. Bring them there: scores\.tr"),
    ],
)
def test_the_cure_of_what_is_met_often(data, predict, more, message):
    with pytest.raises(PreflightError, match=message):
        judge(predict, data, **more)


def test_what_a_notebook_shows_is_short(data, tmp_path):
    found = judge(by_brightness, data, results=tmp_path / "r.jsonl", name="mine")
    assert repr(found) == f"<Judgement: {found}>"
    assert repr(found.report()) == "<Report of mine: mIoU, custom>"


@pytest.mark.parametrize(
    ("returned", "message"),
    [(lambda pictures: by_brightness(pictures[0]), "Expected 1 prediction"), (lambda pictures: 3, "a list of as many")],
)
def test_lists_of_another_length(data, returned, message):
    with pytest.raises(PreflightError, match=message):
        judge(returned, data, batch_size=2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"protocol": "kaman16"}, "Did you mean 'kamann16'"),
        ({"limit": 0}, "Expected `limit` to be a whole number of at least 1, got 0"),
        ({"seed": -1}, "Expected `seed` to be a whole number of at least 0"),
        ({"batch_size": 0}, "Expected `batch_size`"),
        ({"workers": -1}, "Expected `workers`"),
        ({"pictures": 1}, "give `results` too"),
        ({"shard": (1, 2)}, "give `results` too"),
        ({"shard": (3, 2), "results": "r.jsonl"}, "expected a shard as i/n"),
        ({"shard": 2, "results": "r.jsonl"}, r"Expected `shard` as \(i, n\)"),
        ({"shard": "9/9", "results": "r.jsonl"}, "Shard 9/9 has no cell"),
        ({"name": ""}, "Expected `name` to be a text"),
        ({"version": 3}, "Expected `version` to be a text"),
    ],
)
def test_refuses(data, tmp_path, monkeypatch, more, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        judge(by_brightness, data, **more)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_wrong_are_listed_before_the_first_cell(tmp_path):
    images, labels = write_folders(tmp_path, count=5)
    cv2.imwrite(str(labels / "street/0.png"), np.zeros((8, 8), np.uint8))
    (images / "street/1.png").write_bytes(b"nothing")
    cv2.imwrite(str(images / "street/2.png"), np.zeros((20, 20, 3), np.uint8))
    called = []
    with pytest.raises(PreflightError) as told:
        judge(called.append, SegmentationData(images, labels, CLASSES), tmp_path / "r.jsonl")
    assert "found 3 problems" in str(told.value) or "found 4 problems" in str(told.value)
    for part in (r"1 picture cannot be read: ", "1 picture is too small: street/2.png (20x20)", "of another size"):
        assert part in str(told.value)
    assert called == []


def test_labels_that_are_wrong_are_found_before_the_first_cell(tmp_path):
    images, labels = write_folders(tmp_path)
    cv2.imwrite(str(labels / "street/1.png"), np.full((40, 48), 7, np.uint8))
    with pytest.raises(PreflightError, match=r"street/1\.png cannot be made: .* holds ids outside 0\.\.2"):
        judge(by_brightness, SegmentationData(images, labels, CLASSES))


def test_a_results_file_that_is_none_is_found_before_the_first_cell(data, tmp_path):
    (tmp_path / "r.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match=r"r\.jsonl, line 1"):
        judge(stopping_after(1), data, tmp_path / "r.jsonl")
