import json

import pytest

from mmfan.benchmark import forms, suite
from mmfan.benchmark.forms import FormTimes, forms_page
from mmfan.benchmark.growth import Growth, growth_page
from mmfan.benchmark.machine import Machine
from mmfan.benchmark.making import making_page, measure_making
from mmfan.benchmark.page import Page
from mmfan.benchmark.suite import PARTS, Settings, fill_page, measure_parts, suite_markdown
from mmfan.benchmark.timing import Spread
from mmfan.benchmark.workload import Job
from mmfan.errors import MMFanError
from mmfan.utils.tables import Table

MACHINE = Machine("Some CPU", 2, 2, 4.0, None, "Linux x86_64", {})
RESULT = {"seconds": 12.4, "parts": {"growth": {"markdown": "a | b"}, "judge": {"missing": "No module"}}}


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_parts_are_measured_or_say_why_not(monkeypatch):
    def fails(settings, say):
        raise ImportError("No module named 'numba'")

    page = Page(MACHINE, ("A note.",), (Table("", "", ("a",), (("1",),)),), {"value": Spread((1.0, 3.0))})
    monkeypatch.setitem(suite.PARTS, "growth", (lambda settings, say: page, "growth"))
    monkeypatch.setitem(suite.PARTS, "judge", (fails, "judging"))
    lines = []
    result = measure_parts(["growth", "judge"], Settings(), lines.append)
    assert json.loads(json.dumps(result)) == result
    assert result["parts"]["growth"]["figures"]["value"] == [1.0, 3.0]
    assert result["parts"]["growth"]["markdown"] == page.markdown()
    assert result["parts"]["judge"] == {"missing": "No module named 'numba'"}
    assert 0 <= result["parts"]["growth"]["seconds"] <= result["seconds"]
    assert lines == ["growth: measured in 0 s", "judge: not measured: No module named 'numba'"]


def test_other_errors_are_not_hidden(monkeypatch):
    monkeypatch.setitem(suite.PARTS, "judge", (lambda settings, say: 1 / 0, "judging"))
    with pytest.raises(ZeroDivisionError):
        measure_parts(["judge"], Settings(), print)


def test_text_names_what_is_missing_and_the_time():
    text = suite_markdown(RESULT)
    assert "## growth\n\nInference from small to large pictures.\n\na | b\n" in text
    assert "Not measured: No module" in text
    assert text.endswith("Measured in 12 s.")


def test_a_page_is_filled_between_its_marks():
    page = "x\n<!-- bench growth -->\nold\n<!-- end growth -->\ny\n<!-- bench judge -->\nkept\n<!-- end judge -->\n"
    filled = fill_page(page, RESULT)
    assert filled == page.replace("old", "\na | b\n")
    assert fill_page(filled, RESULT) == filled
    with pytest.raises(MMFanError, match="<!-- bench growth -->"):
        fill_page("nothing", RESULT)


def test_the_documented_page_has_the_marks_of_all_parts():
    from pathlib import Path

    page = Path(__file__).parents[2] / "docs/benchmarks.md"
    text = page.read_text(encoding="utf-8")
    for name in PARTS:
        assert text.count(f"<!-- bench {name} -->\n") == text.count(f"<!-- end {name} -->") == 1, name


def test_forms_are_compared_with_the_first():
    times = [FormTimes("mmfan, float32", Spread((2.0, 4.0)), 0.0), FormTimes("other", Spread((1.0, 1.0)), 2e-6)]
    page = forms_page(Job(), times, ["openvino is not installed: not measured."])
    assert cells(page.markdown().splitlines()[-1]) == ["other", "1.00 (1.00-1.00)", "3.00", "2.0e-06"]
    assert "openvino is not installed: not measured." in page.notes
    assert json.loads(page.json())["forms"][0]["seconds"] == [2.0, 4.0]


def test_without_the_packages_exported_forms_are_named_as_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(forms.importlib.util, "find_spec", lambda name: None)
    remarks = []
    assert forms._exported(Job(), tmp_path, remarks) == {}
    assert remarks == ["Exported forms were not measured: onnx and onnxscript not installed."]


def test_growth_is_told_by_the_pixel():
    steps = [
        Growth("256x256", 65536, Spread((0.065536,)), 65536 * 100),
        Growth("512x512", 262144, Spread((1.0,)), None),
    ]
    lines = growth_page(Job(), "picture", steps).markdown().splitlines()
    assert cells(lines[-2]) == ["256x256", "0.066 (0.066-0.066)", "1.00", "6", "100"]
    assert cells(lines[-1])[3:] == ["-", "-"]


def test_sets_are_made_by_each_number_of_workers():
    rates = measure_making((256, 128), [1], 1)
    assert list(rates) == [1]
    assert rates[1].low > 0
    page = making_page((256, 128), {1: Spread((10.0, 12.0)), 2: Spread((22.0, 22.0))})
    assert cells(page.markdown().splitlines()[-1]) == ["2", "22.0 (22.0-22.0)", "2.00"]
