"""The HTML report: one file, nothing loaded, everything escaped."""

import base64
import re
from html.parser import HTMLParser

from helpers.small_results import PROTOCOL, records, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.figures import Figure
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.published import published_rows

VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Collects tags and text, and sees that every element is closed in its place."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def make(tmp_path, name="fan-t", **more):
    return build_report(read_runs([write(tmp_path / "a.jsonl", records(name))]), PROTOCOL, **more)


def test_one_file_that_loads_nothing(tmp_path):
    page = as_html(make(tmp_path), [Figure("bars", "Retention by corruption", b"\x89PNG fake")])
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    (image,) = [attrs for tag, attrs in reader.tags if tag == "img"]
    assert image["src"] == "data:image/png;base64," + base64.b64encode(b"\x89PNG fake").decode()
    assert image["alt"] == "Retention by corruption"
    assert not any(tag in ("script", "link", "iframe") for tag, _ in reader.tags)
    assert not re.search(r"https?://|@import|url\(", page)


def test_numbers_protocol_and_cells(tmp_path):
    page = as_html(make(tmp_path))
    assert "<title>Robustness: mIoU on small</title>" in page
    assert "<td>fan-t</td><td class='text'>small</td><td>3</td><td>80.0</td><td>40.0</td><td>50.0</td>" in page
    assert "small, 3 cells" in page
    assert "<summary>fan-t</summary>" in page


def test_names_are_escaped_and_notes_shown(tmp_path):
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    page = as_html(make(tmp_path, "<b>&'x'</b>", published=rows))
    assert "<b>&" not in page
    assert "&lt;b&gt;&amp;&#x27;x&#x27;&lt;/b&gt;" in page
    assert "<ul class='notes'>" in page
    assert "Sources of published rows" in page
