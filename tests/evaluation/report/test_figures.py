"""The figures of a report, from its numbers and the pictures beside it."""

import cv2
import numpy as np
import pytest
from helpers.small_results import PROTOCOL, records, with_classes, write
from PIL import Image

from mmfan.evaluation.report import build_report, figures, read_runs
from mmfan.evaluation.report.runs.choice import find_protocol


def make(tmp_path, *groups, **more):
    return build_report(read_runs([write(tmp_path / "a.jsonl", *(groups or (records(),)))]), PROTOCOL, **more)


def decode(figure):
    return cv2.imdecode(np.frombuffer(figure.png, np.uint8), cv2.IMREAD_COLOR)


def keep(tmp_path, model="fan-t"):
    """One picture of the clean and one corrupted cell: truth class 0, predicted 0 and, for half of it, 1."""
    root = tmp_path / "a.jsonl.pictures"
    truth, prediction = np.zeros((20, 40), np.uint8), np.zeros((20, 40), np.uint8)
    prediction[:10] = 1
    for folders, array in (
        (["truth"], truth),
        (["input", "clean-0"], np.full((20, 40, 3), 200, np.uint8)),
        (["input", "fog-2"], np.full((20, 40, 3), 250, np.uint8)),
        ([model, "clean-0"], truth),
        ([model, "fog-2"], prediction),
    ):
        path = root.joinpath(*folders, "x.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(array)
        if array.ndim == 2:
            picture.putpalette([128, 64, 128, 70, 130, 180] + [0] * (254 * 3))
        picture.save(path)


@pytest.mark.slow
def test_three_plots(tmp_path):
    found = figures.plots(make(tmp_path))
    assert [figure.name for figure in found] == ["retention_by_corruption", "score_by_severity", "retention_map"]
    assert all(decode(figure).shape[1] > 300 for figure in found)


@pytest.mark.parametrize("name", ["$x^$", "a$b", "$\\frac{$", "_x", "a_b^c", "\x1b[2J", "\n"], ids=ascii)
def test_names_are_no_formulas(tmp_path, name):
    found = figures.plots(make(tmp_path, records(name, dataset=name), with_classes(records(), {name: 1.0})))
    assert len(found) == 3


def test_a_name_from_a_file_leads_to_no_other_folder(tmp_path):
    """Results files may come from others, and name an attack as they like."""
    made = [
        {**records()[0], "condition": {"kind": "attack", "name": name, "strength": at, "settings": {}}}
        for name in ("x/../../../evil", "x:../../../evil") for at in (1, 4)
    ]  # fmt: skip
    runs = read_runs([write(tmp_path / "a.jsonl", records()[:1], made)])
    report = build_report(runs, find_protocol("recorded", runs))
    written = figures.write_figures(figures.plots(report), tmp_path / "plots")
    names = [path.name for path in written]  # of each attack, and of the lowest of both
    assert names == ["attack_x_.._.._.._evil.png", "attack_x_.._.._.._evil_1.png", "attack_lowest.png"]
    assert {path.parent for path in written} == {tmp_path / "plots"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "plots"]


def test_models_without_a_clean_score_are_not_plotted(tmp_path):
    report = make(tmp_path, records(scores={("fog", 1): 0.5}), partial=True)
    assert figures.plots(report) == []


@pytest.mark.slow
def test_the_same_report_gives_the_same_bytes(tmp_path):
    report = make(tmp_path)
    assert figures.plots(report) == figures.plots(report)


def test_picture_grids(tmp_path, monkeypatch):
    keep(tmp_path)
    drawn = []
    original = figures.model_grid
    monkeypatch.setattr(figures, "model_grid", lambda *args: drawn.append(args) or original(*args))
    (grid,) = figures.picture_grids(make(tmp_path, records(classes=["road", "sky", "car"])))
    assert (grid.name, grid.title) == ("pictures_1", "Predictions for x")
    ((rows, models, classes, palette),) = drawn
    assert [row.label for row in rows] == ["clean", "fog 2"]
    assert models == ["fan-t"]
    assert classes == ["road", "sky", "car"]
    assert palette[:2] == [(128, 64, 128), (70, 130, 180)]
    assert decode(grid).shape[2] == 3


def test_classes_without_names_are_numbered(tmp_path, monkeypatch):
    keep(tmp_path)
    drawn = []
    original = figures.model_grid
    monkeypatch.setattr(figures, "model_grid", lambda *args: drawn.append(args) or original(*args))
    figures.picture_grids(make(tmp_path))
    assert drawn[0][2] == ["class 0", "class 1"]


def test_predictions_of_nobody_knows_whom_are_not_shown(tmp_path):
    keep(tmp_path)
    assert figures.picture_grids(make(tmp_path, records(seed=0), records(seed=1))) == []


def test_no_pictures_no_grids(tmp_path):
    assert figures.picture_grids(make(tmp_path)) == []


def test_writing(tmp_path):
    paths = figures.write_figures([figures.Figure("a", "A", b"content")], tmp_path / "new" / "plots")
    assert paths == [tmp_path / "new" / "plots" / "a.png"]
    assert paths[0].read_bytes() == b"content"
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        figures.write_figures([figures.Figure("a", "A", b"content")], tmp_path / "file")
