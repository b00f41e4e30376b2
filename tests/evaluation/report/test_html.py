"""The HTML report: one file, whole without a script, nothing loaded, everything escaped."""

import base64
import hashlib
import itertools
import re

import pytest
from helpers.html_tree import tree
from helpers.small_pictures import keep
from helpers.small_results import PROTOCOL, records, with_classes, write

from mmfan.evaluation.protocol import protocol_of_cells
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.figures import Figure
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.page.document import own_file
from mmfan.evaluation.report.page.embedded import gallery
from mmfan.evaluation.report.published import published_rows

NASTY = ["</script><script>alert(1)</script>", "<!--", "</style>", '" onload="x', "' onclick='x", "\u2028", "<svg><b>&"]


def make(tmp_path, name="fan-t", protocol=PROTOCOL, **more):
    return build_report(read_runs([write(tmp_path / "a.jsonl", records(name))]), protocol, **more)


def test_one_file_that_loads_nothing(tmp_path):
    keep(tmp_path / "a.jsonl")
    report = make(tmp_path)
    text = as_html(report, [Figure("bars", "Retention by corruption", b"\x89PNG fake")], gallery(report))
    page = tree(text)
    for node in page.walk():
        for key, value in node.attributes.items():
            assert not key.startswith("on"), "an inline handler"
            assert key != "style", "a style that the policy refuses"
            if key in ("src", "srcset", "data", "action", "poster") or (key == "href" and node.tag == "link"):
                assert value.startswith("data:")
            if key == "href" and node.tag != "link":
                assert value.startswith(("#", "https://arxiv.org/abs/"))
    image = page.one("img", alt="Retention by corruption")
    assert image.attributes["src"] == "data:image/png;base64," + base64.b64encode(b"\x89PNG fake").decode()
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)


def test_the_policy_allows_the_own_style_and_script_alone(tmp_path):
    page = tree(as_html(make(tmp_path)))
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    rules = {name: value for name, _, value in (rule.strip().partition(" ") for rule in policy.split(";"))}
    assert rules == {
        "default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
        **{f"{tag}-src": f"'sha256-{_digest(page.one(tag).text)}'" for tag in ("style", "script")},
    }  # fmt: skip


def _digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_numbers_protocol_and_cells(tmp_path):
    page = tree(as_html(make(tmp_path)))
    assert page.one("head").one("title").text == page.one("h1").text == "Robustness: mIoU on small"
    assert page.one(id="overview").one("table").cells()[1] == [
        "fan-t", "small", "3", "80.0", "40.0", "50.0", "50.0", "30.0", "30.0 (contrast 1)",
    ]  # fmt: skip
    card = page.one("ul", class_="cards").one("li")
    assert card.one("p", class_="big").text == "50.0 % retention"
    assert [(line.one("dt").text, line.one("dd").text) for line in card.all("div")] == [
        ("clean", "80.0 % mIoU"), ("corrupted (mPC)", "40.0 % mIoU"), ("worst type", "contrast, 30.0 %"),
        ("worst cell", "contrast 1, 30.0 %"),
    ]  # fmt: skip
    for word in ("rPC", "RR", "robustness ratio", "mPC"):
        assert word in page.one(id="short").text


def test_every_table_of_the_report_is_there_with_its_numbers(tmp_path):
    runs = read_runs([write(tmp_path / "a.jsonl", with_classes(records(), {"road": 1.0, "car": 0.5}), records("b"))])
    report = build_report(runs, PROTOCOL, published=published_rows(["SegFormer-B5"], metric="mIoU"), reference="b")
    shown = [table.cells() for table in tree(as_html(report)).all("table")]
    for table in report.tables:
        assert [list(table.head), *map(list, table.rows)] in shown


def test_headings_go_down_a_step_at_a_time_and_links_lead_somewhere(tmp_path):
    keep(tmp_path / "a.jsonl")
    report = make(tmp_path, published=published_rows(["SegFormer-B5"], metric="mIoU"))
    page = tree(as_html(report, pictures=gallery(report)))
    levels = [int(node.tag[1]) for node in page.walk() if re.fullmatch(r"h\d", node.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = [node.attributes["id"] for node in page.walk() if "id" in node.attributes]
    assert len(set(names)) == len(names)
    assert [link.attributes["href"] for link in page.one("nav").all("a")] == [f"#{name}" for name in names]
    assert all(table.one("caption").text for table in page.all("table"))
    assert all(drawn.attributes["aria-label"] for drawn in page.all("svg", role="img"))
    assert page.one("html").attributes["lang"] == "en"


@pytest.mark.parametrize(("count", "folded"), [(2, 0), (3, 0), (5, 2)])
def test_notes_are_folded_after_three(tmp_path, count, folded):
    lines = records()
    for at, record in enumerate(lines[1:] + [{**lines[1], "corruption": f"more{at}"} for at in range(3)]):
        record["note"] = f"note {at}"
    report = build_report(read_runs([write(tmp_path / "a.jsonl", lines)]), PROTOCOL)
    report = type(report)(**{**vars(report), "notes": tuple(f"note {at}" for at in range(count))})
    notes = tree(as_html(report)).one(id="notes")
    assert [item.text for item in notes.all("li")] == [f"note {at}" for at in range(count)]
    details = notes.all("details")
    assert [len(part.all("li")) for part in details] == ([folded] if folded else [])


def test_metrics_side_by_side(tmp_path):
    lines = records()
    for record in lines:
        record["metrics"] |= {"aAcc": record["metrics"]["mIoU"] / 2, "zero": 0.0}
    report = build_report(read_runs([write(tmp_path / "a.jsonl", lines, records("b"))]), PROTOCOL)
    (table,) = [one for one in tree(as_html(report)).all("table") if "metric" in one.cells()[0]]
    assert table.cells() == [
        ["model", "metric", "clean", "corrupted", "retention"],
        ["fan-t", "mIoU", "80.0", "40.0", "50.0"], ["fan-t", "aAcc", "40.0", "20.0", "50.0"],
        ["b", "mIoU", "80.0", "40.0", "50.0"], ["b", "aAcc", "-", "-", "-"],
    ]  # fmt: skip
    assert [row.attributes.get("data-part") for row in table.one("tbody").all("tr")] == ["mIoU", "aAcc"] * 2


def test_partial_and_without_a_clean_score(tmp_path):
    runs = read_runs([write(tmp_path / "a.jsonl", records(scores={("fog", 1): 0.5}))])
    page = tree(as_html(build_report(runs, PROTOCOL, partial=True)))
    card = page.one("ul", class_="cards").one("li")
    assert card.one("p", class_="big").text == "no clean score retention"
    assert card.one("p", class_="partial").text == "partial: 1 of 3 cells"


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_names_are_escaped_everywhere(tmp_path, name):
    """The page is made of the same elements whatever the names are."""

    def page(word, folder):
        folder.mkdir()
        keep(folder / "a.jsonl", names=(f"x{word.replace('/', '_')}",), models=("a", "b"))
        more = {"classes": [word, "b"], "note": word, "versions": {word: word}, "source": word, "date": word,
                "checkpoint_hash": word, "seed": word}  # fmt: skip
        lines = [with_classes(records(one, dataset=f"d{word}", **more), {word: 1.0, "b": 0.5}) for one in ("a", "b")]
        lines += [records(word)]
        described = {**PROTOCOL, "name": f"p{word}", "source": word, "groups": {word: ["fog"], "g": ["contrast"]}}
        report = build_report(read_runs([write(folder / "a.jsonl", *lines)]), described)
        return tree(as_html(report, [Figure(word, word, b"")], gallery(report)))

    odd, usual = page(name, tmp_path / "odd"), page("name", tmp_path / "usual")
    assert [(node.tag, list(node.attributes)) for node in odd.walk()] == [
        (node.tag, list(node.attributes)) for node in usual.walk()
    ]
    assert odd.one("script").text == usual.one("script").text
    assert "\u2028" not in odd.text


def test_the_script_and_style_end_nothing():
    for name in ("page.js", "page.css"):
        assert "</" not in own_file(name)
        assert "<!--" not in own_file(name)
    assert "innerHTML" not in own_file("page.js")


def test_small_without_pictures(tmp_path):
    cells = [(f"type-{kind}", level) for kind in range(19) for level in range(1, 6)]
    scores = {("clean", 0): 0.8, **dict.fromkeys(cells, 0.5)}
    runs = read_runs([write(tmp_path / "a.jsonl", *(records(f"model-{at}", scores) for at in range(5)))])
    assert len(as_html(build_report(runs, protocol_of_cells(cells)))) < 1_000_000
