"""Pictures of a page: each embedded once, errors pixel by pixel, whole without a script."""

import base64
import io

import numpy as np
import pytest
from helpers.html_tree import tree
from helpers.small_pictures import keep, save
from helpers.small_results import PROTOCOL, records, write
from PIL import Image

from mmfan.errors import MMFanError
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.page.embedded import LONGEST_SIDE, gallery
from mmfan.evaluation.report.page.viewer import viewer
from mmfan.evaluation.report.page.who import Who


def make(tmp_path, *groups):
    return build_report(read_runs([write(tmp_path / "a.jsonl", *(groups or (records(),)))]), PROTOCOL)


def opened(embedded, mode):
    return np.asarray(Image.open(io.BytesIO(embedded.content)).convert(mode))


def test_what_is_embedded(tmp_path):
    keep(tmp_path / "a.jsonl")
    found = gallery(make(tmp_path, records(classes=["road", "sky", "car"])))
    (picture,) = found.pictures
    assert (picture.name, found.models) == ("x", (0,))
    assert [str(cell.cell) for cell in picture.cells] == ["clean", "fog 1", "fog 2", "contrast 1"]
    assert picture.classes == (("road", "#804080"), ("sky", "#4682b4"))
    assert opened(picture.truth, "P")[0, :2].tolist() == [255, 0]
    assert abs(int(opened(picture.cells[2].picture, "RGB")[5, 5, 0]) - 140) < 3
    said = picture.cells[1].predictions[0].picture
    assert [opened(said, "P")[row, 9] for row in (0, 19)] == [1, 0]
    assert opened(said, "RGB")[0, 0].tolist() == [70, 130, 180]


def test_errors(tmp_path):
    keep(tmp_path / "a.jsonl")
    clean, fog, *_ = gallery(make(tmp_path)).pictures[0].cells
    assert (clean.predictions[0].right, fog.predictions[0].right) == (1, 0.5)  # of what is labelled
    overlay = opened(fog.predictions[0].wrong, "RGBA")
    assert overlay[0, 9].tolist() == [230, 0, 50, 235]  # wrong
    assert overlay[19, 9, 3] == 0  # right: the picture below is seen
    assert overlay[0, 0].tolist() == [0, 0, 0, 140]  # not labelled


def test_large_pictures_are_reduced_and_stay_aligned(tmp_path):
    keep(tmp_path / "a.jsonl", size=(400, 1000))
    (picture,) = gallery(make(tmp_path)).pictures
    parts = [
        picture.truth,
        picture.cells[1].picture,
        picture.cells[1].predictions[0].picture,
        picture.cells[1].predictions[0].wrong,
    ]
    assert [(part.width, part.height) for part in parts] == [(LONGEST_SIDE, 256)] * 4
    assert set(np.unique(opened(picture.cells[1].predictions[0].picture, "P"))) == {0, 1}


def test_boxes_have_no_map_of_errors(tmp_path):
    keep(tmp_path / "a.jsonl", boxes=True)
    found = gallery(make(tmp_path))
    (picture,) = found.pictures
    assert picture.classes == ()
    assert all(cell.predictions[0].wrong is None for cell in picture.cells)
    shown = tree(viewer(found, Who.of(make(tmp_path))))
    assert not shown.all("figure", class_="wrong")
    assert shown.all("img")[2].attributes["alt"] == "Prediction of fan-t for x, as it is: objects in frames"


def test_limit_and_nothing_kept(tmp_path):
    report = make(tmp_path)
    assert gallery(report).pictures == ()
    assert viewer(gallery(report), Who.of(report)) is None
    keep(tmp_path / "a.jsonl", names=("x", "y", "z"))
    assert [picture.name for picture in gallery(report, 2).pictures] == ["x", "y"]


def test_predictions_of_nobody_knows_whom_are_not_shown(tmp_path):
    keep(tmp_path / "a.jsonl")
    assert gallery(make(tmp_path, records(seed=0), records(seed=1))).pictures == ()


def test_a_model_without_predictions(tmp_path):
    keep(tmp_path / "a.jsonl")
    report = make(tmp_path, records("fan-t"), records("other"))
    shown = tree(viewer(gallery(report), Who.of(report)))
    assert len(shown.all("p", class_="missing")) == 4
    assert {pair.attributes["data-model"] for pair in shown.all("div", class_="pair")} == {"0", "1"}


def test_each_picture_stands_in_the_page_once(tmp_path):
    keep(tmp_path / "a.jsonl", models=("fan-t", "other"))
    report = make(tmp_path, records("fan-t"), records("other"))
    found = gallery(report)
    shown = tree(viewer(found, Who.of(report)))
    images = shown.all("img")
    assert len(images) == 1 + 4 * (1 + 2 * 2)  # truth; input, predictions and errors of four cells
    assert all(image.attributes["alt"] for image in images)
    sizes = [len(base64.b64decode(image.attributes["src"].partition(",")[2])) for image in images]
    assert sum(-(-size // 3) * 4 for size in sizes) == found.size
    assert "0.0 MB in this page" in shown.one("p", class_="lead").text
    assert [title.text for title in shown.all("h4")] == [
        "clean",
        "fog, severity 1",
        "fog, severity 2",
        "contrast, severity 1",
    ]
    assert "50.0 % of the labelled pixels right" in shown.all("figure", class_="wrong")[2].text


def test_a_prediction_of_another_size_is_refused(tmp_path):
    keep(tmp_path / "a.jsonl")
    save(tmp_path / "a.jsonl.pictures" / "fan-t" / "fog-1" / "x.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(MMFanError, match=r"fog-1/x\.png to be of its truth's size \(20, 40\), got \(9, 9\)"):
        gallery(make(tmp_path))


@pytest.mark.parametrize("name", ['a"><script>', "<!--", "o'n"])
def test_names_of_pictures_and_classes_are_escaped(tmp_path, name):
    keep(tmp_path / "a.jsonl", names=(name,))
    report = make(tmp_path, records(classes=["</style><script>x", name]))
    shown = viewer(gallery(report), Who.of(report))
    assert "<script" not in shown
    assert name in tree(shown).one("h3").text
