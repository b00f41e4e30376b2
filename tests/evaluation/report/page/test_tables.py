"""Tables of a page: captions, scopes, whose row and column it is, and what they are sorted by."""

import pytest
from helpers.html_tree import tree
from helpers.small_results import PROTOCOL, records, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.page.numbers import number_of, shade, span
from mmfan.evaluation.report.page.tables import html_table
from mmfan.evaluation.report.page.who import Who
from mmfan.utils.tables import Rivals, Table

WHO = Who(("fan-t", "fan-t: big", "SegFormer-B5 [1]"), ("fan-t", "fan-t: big", "SegFormer-B5 [1]"), 2)
BY_MODEL = Table(
    "Overview", "mIoU in %", ("model", "protocol", "clean", "worst cell"),
    (("fan-t", "small", "80.0 [79.1, 81.0]", "30.0 (fog 2)"), ("SegFormer-B5 [1]", "small", "-", "-")), 2, (1,),
)  # fmt: skip
BY_TYPE = Table(
    "by corruption", "mIoU in %", ("corruption", "fan-t", "fan-t: big: clean", "other"),
    (("clean", "80.0", "70.0", "1"), ("fog", "50.0", "40.0", "2"), ("mean of weather", "50.0", "40.0", "3")), 1, (1,),
)  # fmt: skip


def test_captions_and_scopes():
    table = tree(html_table(BY_MODEL, WHO)).one("table")
    assert table.one("caption").text == "mIoU in %."
    assert [head.attributes["scope"] for head in table.one("thead").all("th")] == ["col"] * 4
    assert [head.text for head in table.one("tbody").all("th", scope="row")] == ["fan-t", "SegFormer-B5 [1]"]


def test_texts_and_numbers():
    heads = tree(html_table(BY_MODEL, WHO)).one("thead").all("th")
    assert [head.classes for head in heads] == [["text"], ["text"], ["number"], ["number"]]
    first, second = tree(html_table(BY_MODEL, WHO)).one("tbody").all("tr")
    assert [cell.attributes.get("data-value") for cell in first.all("td")] == [None, "80.0", "30.0"]
    assert [cell.attributes.get("data-value") for cell in second.all("td")] == [None, None, None]


def test_rows_belong_to_models():
    rows = tree(html_table(BY_MODEL, WHO)).one("tbody").all("tr")
    assert [row.attributes["data-model"] for row in rows] == ["0", "2"]
    assert [cell.attributes["data-part"] for cell in rows[0].all("td")] == ["protocol", "clean", "worst cell"]
    assert not any("data-model" in cell.attributes for row in rows for cell in row.all("td"))


def test_columns_belong_to_models_the_longest_name_first():
    head, *rows = tree(html_table(BY_TYPE, WHO)).all("tr")
    assert [cell.attributes.get("data-model") for cell in head.all("th")] == [None, "0", "1", None]
    assert [cell.attributes.get("data-part") for cell in head.all("th")] == [None, None, "clean", None]
    assert [cell.attributes.get("data-model") for cell in rows[1].all("td")] == ["0", "1", None]


def test_sums_and_sections_are_marked():
    rows = tree(html_table(BY_TYPE, WHO)).one("tbody").all("tr")
    assert [row.classes for row in rows] == [["sum"], ["section"], ["sum"]]
    models = Table("x", "y", ("model", "a"), (("mean of x", "1"), ("clean", "2")))
    assert not any(row.classes for row in tree(html_table(models, WHO)).all("tr"))


def test_rows_of_a_metric_can_be_switched():
    table = Table("x", "y", ("model", "metric", "clean"), (("fan-t", "mIoU", "1"), ("fan-t", "aAcc", "2")), 2)
    rows = tree(html_table(table, WHO)).one("tbody").all("tr")
    assert [(row.attributes["data-model"], row.attributes["data-part"]) for row in rows] == [
        ("0", "mIoU"),
        ("0", "aAcc"),
    ]


def test_a_model_called_like_a_column_owns_no_column():
    who = Who(("clean",), ("clean",), 1)
    head = tree(html_table(BY_MODEL, who)).one("thead")
    assert not any("data-model" in cell.attributes for cell in head.all("th"))


def test_shades_and_marks():
    table = Table("x", "y", ("corruption", "1", "2"), (("fog", "10.0", "20.0"), ("snow", "30.0", "-")))
    cells = tree(html_table(table, WHO, ends=(10, 30), marked=[(1, 0)])).all("td")
    assert [cell.classes for cell in cells] == [
        ["number", "heat-0"], ["number", "heat-4"], ["number", "heat-8"], ["number"],
    ]  # fmt: skip
    marked = tree(html_table(table, WHO, ends=(10, 30), marked=[(0, 1)])).all("td", class_="marked")
    assert [cell.text for cell in marked] == ["10.0"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("70.1 [69, 71]", 70.1), ("72 of 75", 72), ("+1.5", 1.5), ("-0.5 [-1, 0]", -0.5), ("\u22122.0", -2), ("-", None),
     ("", None), ("fan 3", None)],
)  # fmt: skip
def test_the_number_a_cell_begins_with(text, number):
    assert number_of(text) == number


def test_span_and_equal_ends():
    assert span(["5.0", "-", "7.5"]) == (5, 7.5)
    assert span(["-"]) is None
    assert shade("5.0", (5, 5)) == "heat-4"
    assert shade("5.0", None) is None


def test_the_best_is_bold_and_said_to_be():
    rivals = Rivals(((0, 1),), only=("clean",))
    table = Table("x", "mIoU in %", ("model", "clean"), (("fan-t", "80.0 [79, 81]"), ("b", "70.0")), rivals=rivals)
    shown = tree(html_table(table, WHO))
    assert [cell.text for cell in shown.all("td", class_="best")] == ["80.0 [79, 81]"]
    assert shown.one("caption").text == "mIoU in %. The best is bold."


def test_groups_of_runs_are_switched_too(tmp_path):
    path = write(tmp_path / "a.jsonl", records("fan-1"), records("fan-2"), records("b"))
    report = build_report(read_runs([path]), PROTOCOL, groups={"fan": ["fan-1", "fan-2"]})
    who = Who.of(report)
    assert (who.titles, who.short, who.own) == (
        ("fan-1", "fan-2", "b", "fan (n = 2)"),
        ("fan-1", "fan-2", "b", "fan"),
        3,
    )
    rows = tree(html_table(report.tables[0], who)).one("tbody").all("tr")
    assert {row.one("th").text: row.attributes["data-model"] for row in rows} == {"fan (n = 2)": "3", "b": "2"}
