"""The text tables: hand-written ones to compare with."""

from dataclasses import replace

from helpers.small_results import PROTOCOL, records, with_classes, write

from mmfan.evaluation.protocol import protocol_of_cells
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.figures import plots
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.report.tables.tables import (
    all_tables,
    by_picture,
    by_severity,
    cells_of,
    labels,
    overview,
    retention_by_class,
    retention_by_corruption,
    scores_by_class,
    scores_by_corruption,
)
from mmfan.evaluation.report.tables.words import preamble
from mmfan.evaluation.results.store import key_of
from mmfan.evaluation.summary.uncertainty.intervals import Interval, Intervals, PictureSummary


def make(tmp_path, *groups, **more):
    path = write(tmp_path / "a.jsonl", *(groups or (records(),)))
    return build_report(read_runs([path]), more.pop("protocol", PROTOCOL), **more)


def test_overview(tmp_path):
    table = overview(make(tmp_path))
    assert table.head == (
        "model", "protocol", "cells", "clean", "corrupted", "retention", "weather", "digital", "worst cell",
    )  # fmt: skip
    assert table.rows == (("fan-t", "small", "3", "80.0", "40.0", "50.0", "50.0", "30.0", "30.0 (contrast 1)"),)
    assert "mean over the severities of a type, then over the types" in table.caption


def test_the_worst_at_a_severity_is_over_the_types_that_have_it(tmp_path):
    table = overview(make(tmp_path), ["worst at severity 1", "worst at severity 2", "worst type"])
    assert table.rows == (("fan-t", "30.0 (contrast)", "40.0 (fog)", "30.0 (contrast)"),)


def test_conditions_of_weather_are_called_so(tmp_path):
    settings = {"set": "acdc", "split": "val", "reference": "clean", "contents": "2-a"}
    found = [
        {**records()[0], "condition": {"kind": "weather", "name": name, "strength": 1, "settings": settings},
         "metrics": {"mIoU": score}}
        for name, score in (("fog", 0.6), ("night", 0.2))
    ]  # fmt: skip
    protocol = protocol_of_cells([key_of(one)[1] for one in found], "acdc")
    report = make(tmp_path, [records()[0], *found], protocol=protocol)
    assert overview(report).rows[0][-1] == "20.0 (night)"
    assert "corrupted (mPC) is the mean over the conditions" in overview(report).caption
    titles = [table.title for table in all_tables(report)]
    assert titles == ["Overview", "mIoU by condition", "Retention by condition"]  # and none by severity
    assert scores_by_corruption(report).rows[-1] == ("mean of conditions", "40.0")
    assert "2 conditions; mean over the conditions" in preamble(report)
    assert "Comparable with papers on the same split of the same set" in preamble(report)
    assert [figure.name for figure in plots(report)] == ["retention_by_corruption", "retention_map"]


def test_groups_of_unequal_size_get_both_means(tmp_path):
    scores = {("clean", 0): 0.8, ("fog", 1): 0.6, ("snow", 1): 0.3, ("contrast", 1): 0.3}
    protocol = {"name": "uneven", "corruptions": ["fog", "snow", "contrast"], "severities": [1]}
    table = overview(make(tmp_path, records(scores=scores), protocol=protocol))
    row = dict(zip(table.head, table.rows[0], strict=True))
    assert (row["corrupted"], row["retention"]) == ("40.0", "50.0")
    # weather (0.6 + 0.3) / 2 = 0.45, digital 0.3: their mean is 0.375
    assert (row["corrupted, mean of groups"], row["retention, mean of groups"]) == ("37.5", "46.9")


def test_scores_and_retention_by_corruption(tmp_path):
    report = make(tmp_path, records(), records("b", {k: v / 2 for k, v in {("clean", 0): 1.6, ("fog", 1): 0.8,
                                                     ("fog", 2): 0.8, ("contrast", 1): 0.0}.items()}))  # fmt: skip
    table = scores_by_corruption(report)
    assert table.head == ("corruption", "fan-t", "b")
    assert table.rows == (
        ("clean", "80.0", "80.0"),
        ("fog", "50.0", "40.0"),
        ("mean of weather", "50.0", "40.0"),
        ("contrast", "30.0", "0.0"),
        ("mean of digital", "30.0", "0.0"),
        ("mean of types", "40.0", "20.0"),
    )
    assert table.sections == (1, 3, 5)
    assert table.caption.endswith("; small, 3 cells")
    assert retention_by_corruption(report).rows == (
        ("fog", "62.5", "50.0"),
        ("mean of weather", "62.5", "50.0"),
        ("contrast", "37.5", "0.0"),
        ("mean of digital", "37.5", "0.0"),
        ("mean of types", "50.0", "25.0"),
    )


def test_by_severity_says_over_which_types(tmp_path):
    table = by_severity(make(tmp_path))
    assert table.rows == (("clean", "80.0"), ("1", "60.0"), ("2", "40.0"), ("drop a step", "20.0"))
    assert "mean over the 1 type judged at every severity" in table.caption
    assert "(not among them: contrast)" in table.caption


def test_classes(tmp_path):
    found = with_classes(records(), {"car": 1.0, "rider": 0.0, "train": None})
    report = make(tmp_path, found, records("without classes"))
    table = scores_by_class(report)
    assert table.head == ("class", "fan-t: clean", "fan-t: corrupted")
    assert table.rows == (("car", "80.0", "40.0"), ("rider", "0.0", "0.0"))
    assert table.caption.endswith("; 1 class not in the pictures left out")
    assert retention_by_class(report).rows == (("car", "50.0"), ("rider", "-"))


def test_tables_without_content_are_left_out(tmp_path):
    assert [table.title for table in all_tables(make(tmp_path))] == [
        "Overview", "mIoU by corruption", "Retention by corruption", "mIoU by severity",
    ]  # fmt: skip


def test_every_row_has_every_column(tmp_path):
    found = with_classes(records(), {"car": 1.0})
    report = make(tmp_path, found, records("b"), published=published_rows(["SegFormer-B5"], metric="mIoU"))
    for table in [*all_tables(report), cells_of(report, report.models[0])]:
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title


def test_cells(tmp_path):
    report = make(tmp_path)
    table = cells_of(report, report.models[0])
    assert table.head == ("corruption", "1", "2")
    assert table.rows == (("fog", "60.0", "40.0"), ("contrast", "30.0", "-"))


def test_partial_reports_say_so_beside_every_number(tmp_path):
    scores = {("clean", 0): 0.8, ("fog", 1): 0.6}
    report = make(tmp_path, records(scores=scores), partial=True)
    assert overview(report).rows[0][2] == "1 of 3"
    tables = [table for table in all_tables(report) if table.title != "Overview"]
    assert tables
    assert all("PARTIAL: 1 of 3 cells" in table.caption for table in tables)


def test_long_names_are_letters_in_the_columns(tmp_path):
    names = ["x" * 60, "y" * 60]
    report = make(tmp_path, *(records(name) for name in names))
    assert labels(report) == ["A", "B"]
    assert [row[0] for row in overview(report).rows] == [f"A: {names[0]}", f"B: {names[1]}"]
    assert scores_by_corruption(report).head == ("corruption", "A", "B")
    many = make(tmp_path, *(records(f"{number:060d}") for number in range(28)))
    assert labels(many)[25:] == ["Z", "AA", "AB"]


def test_published_rows_carry_their_own_protocol_and_source(tmp_path):
    rows = published_rows(["SegFormer-B5", "FAN-T-Hybrid"], metric="mIoU")
    table = overview(make(tmp_path, published=rows))
    assert table.sections == (1,)
    segformer, fan = (dict(zip(table.head, row, strict=True)) for row in table.rows[1:])
    assert (segformer["model"], segformer["protocol"], segformer["cells"]) == ("SegFormer-B5 [1]", "kamann16", "72")
    assert (segformer["clean"], segformer["corrupted"], segformer["retention"]) == ("82.4", "65.8", "79.9")
    # groups of the same name with other members are not shown
    assert segformer["weather"] == "-"
    assert (fan["model"], fan["protocol"], fan["cells"]) == ("FAN-T-Hybrid [2]", "not stated", "-")
    assert scores_by_corruption(make(tmp_path, published=rows)).head == ("corruption", "fan-t")


def test_published_types_stand_beside_ones_own_on_the_same_protocol(tmp_path):
    from mmfan.corruptions.cell import CLEAN
    from mmfan.evaluation.protocol import PROTOCOLS

    scores = dict.fromkeys((CLEAN, *PROTOCOLS["kamann16"].cells), 0.5)
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    report = make(tmp_path, records(scores=scores), protocol="kamann16", published=rows)
    table = scores_by_corruption(report)
    assert table.head == ("corruption", "fan-t", "SegFormer-B5 [1]")
    found = {row[0]: row[1:] for row in table.rows}
    assert found["motion blur"] == ("50.0", "69.1")
    assert found["mean of noise"] == ("50.0", "61.6")
    assert found["mean of types"] == ("50.0", "65.8")


def test_corruption_errors(tmp_path):
    report = make(tmp_path, records(), records("b"), reference="b")
    table = next(table for table in all_tables(report) if table.title == "Corruption error")
    assert table.rows == (("fan-t", "100.0", "100.0"), ("b", "100.0", "100.0"))
    assert "shares of those of b" in table.caption


def test_intervals_and_image_level(tmp_path):
    report = make(tmp_path)
    ends = Interval(0.45, 0.5512)
    intervals = Intervals(
        "small", "mIoU", 3, 10, 100, 0.95, 0, Interval(0.79, 0.81), Interval(0.39, 0.41), ends, {}, {}
    )
    pictures = PictureSummary("small", 0.7, 0.35, 0.5, 0.3, 0.1, {})
    report = replace(report, models=(replace(report.models[0], intervals=intervals, pictures=pictures),))
    table = overview(report)
    assert table.rows[0][3:6] == ("80.0 [79.0, 81.0]", "40.0 [39.0, 41.0]", "50.0 [45.0, 55.1]")
    assert "95 % confidence interval over pictures" in table.caption
    assert by_picture(report).rows == (("fan-t", "70.0", "35.0", "50.0", "30.0", "10.0"),)
