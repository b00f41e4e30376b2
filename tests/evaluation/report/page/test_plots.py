"""Plots of a page: positions and lengths by hand, values for those who see no picture."""

import pytest
from helpers.html_tree import tree
from helpers.small_results import PROTOCOL, records, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.page.curves import BOTTOM, HIGH, LEFT, RIGHT, TOP, WIDE, curves
from mmfan.evaluation.report.page.heat import heat_maps
from mmfan.evaluation.report.page.plots import LONGEST, bars, legend
from mmfan.evaluation.report.page.who import Who


def make(tmp_path, *groups, protocol=PROTOCOL, **more):
    return build_report(read_runs([write(tmp_path / "a.jsonl", *(groups or (records(),)))]), protocol, **more)


def test_bars_are_as_long_as_what_is_kept(tmp_path):
    shown = tree(bars(make(tmp_path)))
    assert [title.text for title in shown.all("h4")] == ["weather", "digital"]
    weather = shown.all("svg")[0]
    # fog 0.5 of 0.8; the end of the scale is 1
    assert weather.one("rect").attributes["width"] == f"{LONGEST * 0.625:.2f}%"
    assert [text.text for text in weather.all("text")] == ["fog", "62.5"]
    assert weather.one("title").text == "fan-t, fog: retention 62.5 %"
    assert weather.one("line").attributes["x1"] == f"{LONGEST:.2f}%"
    assert weather.attributes["aria-label"] == "Bars of the retention in % on weather. fog: fan-t 62.5"


def test_bars_beyond_the_clean_score_move_the_line(tmp_path):
    shown = tree(
        bars(
            make(tmp_path, records(scores={("clean", 0): 0.4, ("fog", 1): 0.8, ("fog", 2): 0.8, ("contrast", 1): 0.4}))
        )
    )
    fog, contrast = (drawn.one("rect").attributes["width"] for drawn in shown.all("svg"))
    assert (fog, contrast) == (f"{LONGEST:.2f}%", f"{LONGEST / 2:.2f}%")
    assert shown.all("line")[0].attributes["x1"] == f"{LONGEST / 2:.2f}%"


def test_groups_of_several_types_end_with_their_mean(tmp_path):
    protocol = {**PROTOCOL, "groups": {"both": ["fog", "contrast"]}}
    texts = [text.text for text in tree(bars(make(tmp_path, protocol=protocol))).all("text")]
    assert texts == ["fog", "62.5", "contrast", "37.5", "mean of both", "50.0"]


def test_without_clean_scores_there_are_curves_alone(tmp_path):
    report = make(tmp_path, records(scores={("fog", 1): 0.5, ("fog", 2): 0.4}), partial=True)
    assert bars(report) is None
    assert "M" in tree(curves(report)).all("path", class_="curve")[0].attributes["d"]


def test_curves_go_through_the_scores(tmp_path):
    shown = tree(curves(make(tmp_path)))
    assert [title.text for title in shown.all("h4")] == ["mean of the types", "fog", "contrast"]
    _, fog, contrast = shown.all("svg")
    across = [LEFT + (WIDE - LEFT - RIGHT) * at / 2 for at in (0, 1, 2)]
    down = [HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * score / 0.8 for score in (0.8, 0.6, 0.4)]
    path = "L".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    assert fog.one("path", class_="curve").attributes["d"] == f"M{path}"
    assert [title.text for title in fog.all("title")][1] == "fan-t, fog, severity 1: mIoU 60.0 %"
    assert fog.attributes["aria-label"].endswith(
        "by severity of fog. fan-t clean 80.0, severity 1 60.0, severity 2 40.0"
    )
    assert contrast.one("path", class_="curve").attributes["d"].count("L") == 1
    assert [text.text for text in fog.all("text", class_="end")] == ["0", "20", "40", "60", "80"]


def test_a_severity_that_is_missing_is_a_gap(tmp_path):
    scores = {("clean", 0): 0.8, ("fog", 1): 0.7, ("fog", 3): 0.5, ("snow", 2): 0.5}
    protocol = {**PROTOCOL, "corruptions": {"fog": [1, 3], "snow": [2]}, "groups": {"w": ["fog", "snow"]}}
    fog = tree(curves(make(tmp_path, records(scores=scores), protocol=protocol))).all("svg")[0]
    path = fog.one("path", class_="curve").attributes["d"]
    assert (path.count("M"), path.count("L")) == (2, 1)


def test_each_model_has_a_line_of_its_own_that_can_be_switched(tmp_path):
    report = make(tmp_path, *(records(f"model-{at}") for at in range(9)))
    shown = tree(curves(report)).all("svg")[1]
    lines = [group for group in shown.all("g") if "data-model" in group.attributes]
    assert [line.attributes["data-model"] for line in lines] == [str(at) for at in range(9)]
    assert lines[8].classes == ["line-0", "dash-1"]
    assert len(tree(legend(Who.of(report))).all("li")) == 9


def test_heat_maps_shade_over_what_is_there_and_mark_the_worst(tmp_path):
    report = make(
        tmp_path,
        records("a"),
        records("b", scores={("clean", 0): 1, ("fog", 1): 0.9, ("fog", 2): 0.8, ("contrast", 1): 0.2}),
    )
    shown = tree(heat_maps(report, Who.of(report)))
    first, second = shown.all("table")
    # from 20.0 to 90.0: nine steps of 7.8
    assert [(cell.text, cell.classes[1:]) for cell in first.all("td")] == [
        ("60.0", ["heat-5"]), ("40.0", ["heat-2"]), ("30.0", ["heat-1", "marked"]), ("-", []),
    ]  # fmt: skip
    assert [cell.classes[-1] for cell in second.all("td")] == ["heat-8", "heat-7", "marked", "number"]
    steps = shown.one("ul", class_="shades")
    assert steps.all("li")[0].text == "20.0"
    assert [item.text for item in steps.all("li")][-2:] == ["82.2", "to 90.0 %"]


def test_one_score_alone_has_one_shade(tmp_path):
    report = make(tmp_path, records(scores={("fog", 1): 0.5}), partial=True)
    shown = tree(heat_maps(report, Who.of(report)))
    assert [item.text for item in shown.one("ul", class_="shades").all("li")] == ["50.0", "to 50.0 %"]


@pytest.mark.parametrize("name", ['"><script>alert(1)</script>', "<b>&'x'"])
def test_names_are_escaped(tmp_path, name):
    report = make(tmp_path, records(name))
    who = Who.of(report)
    for part in (bars(report), curves(report), heat_maps(report, who), legend(who)):
        assert "<script" not in part
        assert "<b>&" not in part
        tree(part)
