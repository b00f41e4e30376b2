"""JSON, CSV, markdown and LaTeX of a report worked out by hand."""

import csv
import io
import json
import re

import pytest
from helpers.small_results import PROTOCOL, records, with_classes, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_csv, as_dict, as_json, as_latex, as_markdown
from mmfan.evaluation.report.published import published_rows
from mmfan.utils.tables import Table, markdown_table


def make(tmp_path, *groups, **more):
    path = write(tmp_path / "a.jsonl", *(groups or (records(),)))
    return build_report(read_runs([path]), PROTOCOL, **more)


TABLE = Table("A title", "a caption, 50 %", ("model_name", "clean"), (("a|b", "80.0"), ("[c]", "-")), 1, (1,))


def test_json_has_fractions_under_the_names_promised(tmp_path):
    content = json.loads(as_json(make(tmp_path)))
    assert (content["protocol"], content["protocol_cells"], content["metric"]) == ("small", 3, "mIoU")
    (model,) = content["models"]
    assert {"name", "protocol", "cells", "clean", "corrupted", "retention"} <= set(model)
    assert (model["name"], model["protocol"], model["cells"]) == ("fan-t", "small", 3)
    assert [model[key] for key in ("clean", "corrupted", "retention")] == pytest.approx([0.8, 0.4, 0.5])
    assert model["by_group"] == pytest.approx({"weather": 0.5, "digital": 0.3})
    assert model["by_corruption"] == pytest.approx({"fog": 0.5, "contrast": 0.3})
    assert model["by_severity"] == pytest.approx({"1": 0.6, "2": 0.4})
    assert model["scores"] == {"fog": {"1": 0.6, "2": 0.4}, "contrast": {"1": 0.3}}


def test_json_is_not_rounded(tmp_path):
    third = {("clean", 0): 1 / 3, ("fog", 1): 0.1, ("fog", 2): 0.1, ("contrast", 1): 0.1}
    content = json.loads(as_json(make(tmp_path, records(scores=third))))
    assert content["models"][0]["clean"] == 1 / 3


def test_json_of_two_checkpoints_keeps_the_model_and_tells_the_names_apart(tmp_path):
    content = as_dict(make(tmp_path, records(checkpoint_hash="a"), records(checkpoint_hash="b")))
    assert [model["name"] for model in content["models"]] == ["fan-t (checkpoint a)", "fan-t (checkpoint b)"]
    assert {model["model"] for model in content["models"]} == {"fan-t"}


def test_json_of_published_rows_and_classes(tmp_path):
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    content = json.loads(as_json(make(tmp_path, with_classes(records(), {"car": 1.0, "bus": None}), published=rows)))
    assert content["models"][0]["per_class"]["IoU"]["bus"] == {"clean": None, "corrupted": None, "retention": None}
    assert content["models"][0]["per_class"]["IoU"]["car"]["retention"] == pytest.approx(0.5)
    assert content["published"][0]["name"] == "SegFormer-B5"
    assert content["published"][0]["protocol"] == "kamann16"
    assert content["published"][0]["source"]


def test_csv(tmp_path):
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    report = make(tmp_path, with_classes(records(), {"car": 1.0}), published=rows)
    own, published = csv.DictReader(io.StringIO(as_csv(report)))
    assert (own["name"], own["protocol"], own["cells"], own["metric"]) == ("fan-t", "small", "3", "mIoU")
    found = {key: float(own[key]) for key in ("clean", "retention", "group:weather", "corruption:fog", "severity:2")}
    assert found == pytest.approx(
        {"clean": 0.8, "retention": 0.5, "group:weather": 0.5, "corruption:fog": 0.5, "severity:2": 0.4}
    )
    assert float(own["cell:contrast:1"]) == 0.3
    assert float(own["class:car:retention"]) == pytest.approx(0.5)
    assert (published["protocol"], published["cell:contrast:1"], published["group:weather"]) == ("kamann16", "", "")
    assert published["source"]


def test_a_markdown_table():
    assert markdown_table(TABLE) == (
        "| model_name | clean |\n"
        "| ---------- | ----: |\n"
        "| a\\|b       |  80.0 |\n"
        "| [c]        |     - |"
    )  # fmt: skip


def test_markdown(tmp_path):
    text = as_markdown(make(tmp_path))
    assert text.startswith("# Robustness: mIoU on small\n\nProtocol small: 3 cells beside the clean pictures, 2 types")
    golden = """
| model | protocol | cells | clean | corrupted | retention | weather | digital |        worst cell |
| ----- | -------- | ----: | ----: | --------: | --------: | ------: | ------: | ----------------: |
| fan-t | small    |     3 |  80.0 |      40.0 |      50.0 |    50.0 |    30.0 | 30.0 (contrast 1) |
"""
    assert golden in text
    assert text.endswith("|\n")


def test_markdown_lists_notes_and_sources(tmp_path):
    text = as_markdown(make(tmp_path, published=published_rows(["SegFormer-B5"], metric="mIoU")))
    assert "- SegFormer-B5 (kamann16, 72 cells) is not comparable" in text
    assert "Sources:\n\n- [1] SegFormer, arXiv 2105.15203" in text


HOSTILE = [
    "x\n\\input{/etc/passwd}", "=cmd|' /C calc'!A0", "+1", "-1", "@a", "\t=1", "a\rb", "a\x1b[2Jb", "a\x9b2Jb",
    "a\x00b", "<script>alert(1)</script>", "a|b\\|c", "[x](javascript:a)", "`rm`", "\u202ea", "\ud800", "# a", "*a",
    "a\u2028b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_stay_texts_in_every_form(tmp_path, name):
    found = records(name, note=name, dataset=name)
    report = make(tmp_path, found, with_classes(records("fan-t"), {name: 1.0, "car": 0.5}))
    markdown, latex, table, content = as_markdown(report), as_latex(report), as_csv(report), as_json(report)
    for text in (markdown, latex, table, content):
        assert all(letter == "\n" or letter.isprintable() for letter in text), [c for c in text if not c.isprintable()]
        text.encode()
    assert json.loads(content)["models"][0]["name"] == name
    assert all(line.startswith("% ") for line in latex.splitlines() if "\\input" in line)
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert len(rows) == 3
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert "<script" not in markdown.replace("\\<script", "")
    assert "](" not in markdown.replace("\\](", "")


def test_the_same_number_of_columns_whatever_the_names(tmp_path):
    plain, odd = (as_markdown(make(tmp_path, records(name))) for name in ("a", "a|b\\|c\\"))
    counts = [[len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in text.splitlines()] for text in (plain, odd)]
    assert counts[0] == counts[1]
