"""The page in a real Chromium: sorted, switched, slid, dark, narrow, printed, without a script, without a request."""

import pytest
from helpers.browser import browser, chromium
from helpers.calibrated_results import calibrated
from helpers.small_pictures import keep
from helpers.small_results import records, write

from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.page.embedded import gallery
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.results.pictures import cell_folder

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        chromium() is None, reason="no Chromium here: apt-get install chromium, or set CHROMIUM=PROGRAM"
    ),
]

PROTOCOL = {
    "name": "small",
    "corruptions": {"fog": [1, 2], "jpeg_compression": [1, 2], "contrast": [2]},
    "groups": {"weather": ["fog"], "digital": ["jpeg_compression", "contrast"]},
    "source": "worked by hand (arXiv 1908.05005)",
}
SCORES = {("clean", 0): 0.8, ("fog", 1): 0.6, ("fog", 2): 0.4, ("jpeg_compression", 1): 0.78, ("contrast", 2): 0.3}
SCORES[("jpeg_compression", 2)] = 0.08
NAME = "town/" + "a_long_name_of_a_picture" * 4
LONG = "segformer_mit-b0_8xb1-160k_cityscapes-1024x1024_with_a_name_that_goes_on_and_on"
CELLS = ("clean-0", "fog-1", "fog-2", "jpeg_compression-2")  # a severity that was not kept is not offered


@pytest.fixture(scope="module")
def chrome():
    with browser(chromium()) as running:
        yield running


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two models, one of a long name, a published row, two pictures."""
    folder = tmp_path_factory.mktemp("page")
    low = {cell: score * 0.9 for cell, score in SCORES.items()}
    results = write(folder / "a.jsonl", records("fan-t", SCORES), records(LONG, low, note="a note " * 30))
    keep(results, models=("fan-t", LONG), names=("x", NAME), cells=CELLS)
    rows = published_rows(["SegFormer-B5"], metric="mIoU")
    report = build_report(read_runs([results]), PROTOCOL, published=rows)
    (folder / "report.html").write_text(as_html(report, pictures=gallery(report)), encoding="utf-8")
    return folder / "report.html"


@pytest.fixture
def page(chrome, path):
    """The page on a desktop; afterwards it has complained of nothing and asked for nothing."""
    made = chrome.page()
    made.look()
    made.open(path)
    yield made
    assert made.events("Runtime.exceptionThrown") == []
    assert made.events("Runtime.consoleAPICalled") == []
    assert made.events("Log.entryAdded") == []
    asked = {event["request"]["url"] for event in made.events("Network.requestWillBeSent")}
    assert {url for url in asked if not url.startswith("data:")} == {path.as_uri()}
    made.close()


def column(page, table, place):
    """The first cells of a table's rows, or others."""
    return page.run(f"[...document.querySelectorAll('{table} tbody tr')].map(row => row.cells[{place}].textContent)")


def shown(page, selector):
    """How many elements of a selector are to be seen."""
    return page.run(f"[...document.querySelectorAll('{selector}')].filter(one => one.getClientRects().length).length")


def head(page, table, text):
    """A selector of the button at the head of a column."""
    place = page.run(
        f"[...document.querySelectorAll('{table} thead th')].findIndex(head => head.textContent === '{text}')"
    )
    assert place >= 0
    return f"{table} thead th:nth-child({place + 1}) button"


def test_sorting_by_click(page):
    before = column(page, "#table-1", 0)
    assert before == [
        "clean", "fog", "mean of weather", "jpeg compression", "contrast", "mean of digital", "mean of types",
    ]  # fmt: skip
    button = head(page, "#table-1", "fan-t")
    sums = ["mean of weather", "mean of digital", "mean of types"]
    orders = [["fog", "jpeg compression", "contrast"], ["contrast", "jpeg compression", "fog"]]
    for order, way in zip(orders, ("descending", "ascending"), strict=True):
        page.mouse(button)
        assert column(page, "#table-1", 0) == ["clean", *order, *sums]
        assert page.run(f"document.querySelector('{button}').parentElement.getAttribute('aria-sort')") == way
    page.mouse(button)
    assert column(page, "#table-1", 0) == before
    assert page.run("document.querySelectorAll('[aria-sort]').length") == 0


def test_sorting_by_keyboard_and_what_has_no_number_comes_last(page):
    button = head(page, "#overview", "clean")
    page.run(f"document.querySelector('{button}').focus()")
    page.press("Enter")
    assert [value.split()[0] for value in column(page, "#overview", 3)] == ["82.4", "80.0", "72.0"]
    page.press(" ")
    assert [value.split()[0] for value in column(page, "#overview", 3)] == ["72.0", "80.0", "82.4"]
    weather = head(page, "#overview", "weather")
    for _ in range(2):
        page.mouse(weather)
        assert column(page, "#overview", 6)[-1] == "-"
    first = head(page, "#overview", "model")
    page.mouse(first)
    assert column(page, "#overview", 0)[0] == "fan-t"
    page.mouse(first)
    assert column(page, "#overview", 0)[-1] == "fan-t"


def test_a_model_is_switched_off_and_on(page):
    falls = {
        "#overview tr": 1, "#table-1 th": 1, ".curves svg g[data-model]": 4, ".bars rect": 4, ".cards > li": 1,
        ".maps > figure": 1, ".pair": 1,
    }  # fmt: skip
    before = {part: shown(page, part) for part in falls}
    page.mouse(".models label:nth-of-type(2) input")
    assert {part: before[part] - shown(page, part) for part in falls} == falls
    assert shown(page, '[data-model="1"]') == 0
    page.mouse(".models label:nth-of-type(2) input")
    assert {part: shown(page, part) for part in falls} == before


def test_columns_are_switched_off(page):
    page.mouse(".parts summary")
    names = page.run("[...document.querySelectorAll('.parts label')].map(label => label.textContent)")
    assert names[:6] == ["all", "protocol", "cells", "clean", "corrupted", "retention"]
    before = shown(page, "#overview th[scope=col]")
    page.mouse(".parts label:nth-of-type(4) input")
    assert shown(page, "#overview th[scope=col]") == before - 1
    assert shown(page, "[data-part=clean]") == 0
    page.mouse(".parts label:first-of-type input")
    assert shown(page, "[data-part]") == 0
    page.mouse(".parts label:first-of-type input")
    assert shown(page, "#overview th[scope=col]") == before


def test_published_rows_are_switched_off(page):
    assert page.run("document.querySelector('.others summary').textContent") == "Published rows and groups"
    page.mouse(".others summary")
    page.mouse(".others label:last-of-type input")
    assert [name.startswith("SegFormer-B5") for name in column(page, "#overview", 0)] == [False, False, True]
    assert shown(page, "#overview tbody tr") == 2


def choose(page, selector, value):
    """Take another of a list's choices."""
    one = f"document.querySelector('{selector}')"
    page.run(f"{one}.value = {value}; {one}.dispatchEvent(new Event('change'))")


def seen(page):
    """The picture that is shown, and its cell."""
    return page.run(
        "(() => { const cell = [...document.querySelectorAll('.cell')].filter(one => !one.hidden && "
        "!one.closest('.picture').hidden); return [cell.length, cell[0].closest('.picture').dataset.name.slice(0, 2), "
        "cell[0].dataset.corruption, Number(cell[0].dataset.severity), cell[0].querySelector('.given img').src.length, "
        "document.querySelector('.viewing output').textContent] })()"
    )


def test_the_slider_shows_another_picture(page):
    assert seen(page)[:4] == [1, "1:", "", 0]
    source = "[...document.querySelectorAll('.given img')].find(one => one.getClientRects().length).src"
    clean = page.run(source)
    page.run("document.querySelector('.viewing input[type=range]').focus()")
    page.press("ArrowRight")
    assert seen(page)[1:4] == ["1:", "fog", 1]
    assert page.run(source) != clean
    page.press("ArrowRight")
    page.press("ArrowRight")  # there is no more
    assert (seen(page)[3], seen(page)[5]) == (2, "severity 2")
    assert page.run("document.querySelector('.viewing input[type=range]').getAttribute('aria-valuetext')") == "fog 2"
    assert shown(page, ".given img") == 1
    # what is wrong lies over the picture that was given
    stack = "[...document.querySelectorAll('.stack')].find(one => one.getClientRects().length)"
    assert page.run(f"{stack}.children.length") == 2
    assert page.run(f"{stack}.children[0].src === {source}")


def test_arrows_on_the_pictures(page):
    page.run("document.querySelector('.gallery').focus()")
    page.press("ArrowRight")
    page.press("ArrowRight")
    page.press("ArrowDown")
    assert seen(page)[2:4] == ["jpeg compression", 2]
    page.press("ArrowLeft")  # severity 1 was not kept
    assert seen(page)[2:4] == ["", 0]
    page.press("ArrowUp")
    page.press("ArrowRight")
    assert seen(page)[2:4] == ["fog", 1]


def test_cells_lead_to_their_pictures(page):
    assert page.run(
        "[...document.querySelectorAll('.heat')].map(one => one.querySelectorAll('button[title^=Show]').length)"
    ) == [3, 3]
    page.mouse(".heat tbody tr:nth-child(2) td:nth-child(3) button")
    assert seen(page)[2:4] == ["jpeg compression", 2]
    assert page.run("document.activeElement.className") == "gallery viewer"


def test_picture_and_parts_are_chosen(page):
    choose(page, ".viewing select", 1)
    assert seen(page)[1] == "2:"
    assert shown(page, ".wrong") == 2
    page.mouse(".show label:last-child input")
    assert (shown(page, ".wrong"), shown(page, ".prediction")) == (0, 2)


def test_values_beside_the_pointer(page):
    hint = "document.querySelector('.hint-box').textContent"
    page.mouse(".curves figure:nth-child(2) g[data-model='0'] .hint:last-child", click=False)
    assert page.run(hint).split("\n") == [
        "fan-t, fog, severity 2: mIoU 40.0 %", f"{LONG}, fog, severity 2: mIoU 36.0 %",
    ]  # fmt: skip
    page.mouse(".bars [data-model='0'] rect", click=False)
    assert page.run(hint) == "fan-t, fog: retention 62.5 %"
    assert shown(page, ".hint-box") == 1
    page.mouse("h1", click=False)
    assert shown(page, ".hint-box") == 0


BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_dark_and_light(page, path):
    light, dark = "rgb(255, 255, 255)", "rgb(20, 24, 29)"
    assert page.run(BACKGROUND) == light
    choose(page, ".colours select", 2)
    assert page.run(BACKGROUND) == dark
    page.open(path)  # kept
    assert page.run(BACKGROUND) == dark
    choose(page, ".colours select", 0)
    page.look(scheme="dark")
    page.open(path)
    assert page.run(BACKGROUND) == dark
    assert page.run("getComputedStyle(document.querySelector('.curve')).stroke") == "rgb(179, 168, 255)"
    choose(page, ".colours select", 1)
    assert page.run(BACKGROUND) == light
    choose(page, ".colours select", 0)


@pytest.mark.parametrize("script", [True, False])
def test_on_a_telephone(page, path, script):
    page.look(width=390, height=844, script=script)
    page.open(path)
    assert page.run("document.scrollingElement.scrollWidth") <= 390
    assert page.run("[...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll') && "
                    "one.getBoundingClientRect().right > 390.5).length") == 0  # fmt: skip
    # nothing runs into its neighbour
    assert page.run("[...document.querySelectorAll('th, td, .cards dd, .facts dd')].filter(one => "
                    "one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)") == []  # fmt: skip
    # no word is broken but those that are longer than a column may be
    broken = page.run(
        "(() => { const pen = document.createElement('canvas').getContext('2d'); return "
        "[...document.querySelectorAll('th, td, dd, dt, li')].filter(one => {"
        " if (!one.getClientRects().length) return false;"
        " pen.font = getComputedStyle(one).font;"
        " const widest = Math.max(...one.textContent.split(/\\s+/).map(word => pen.measureText(word).width));"
        " return one.clientWidth + 1 < Math.min(widest, 100) && getComputedStyle(one).display !== 'inline'"
        "}).map(one => one.textContent) })()"
    )
    assert broken == []


def test_motion_only_where_it_is_wanted(page, path):
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert page.run(behaviour) == "smooth"
    page.look(motion=False)
    page.open(path)
    assert page.run(behaviour) == "auto"


def test_whole_without_a_script(page, path):
    page.look(script=False)
    page.open(path)
    assert page.run("document.querySelectorAll('.controls, .viewing, th button').length") == 0
    assert shown(page, ".cell") == 2 * len(CELLS)
    assert shown(page, ".given img") == 2 * len(CELLS)
    assert shown(page, ".curves svg") == 4
    assert column(page, "#overview", 0)[0].endswith("fan-t")
    assert page.run("document.querySelector('.hint title').textContent").startswith("fan-t, fog: retention")
    assert page.run("document.querySelector('.wrong img').naturalWidth") == 40


def test_focus_is_seen(page):
    for _ in range(3):
        page.press("Tab")
    assert page.run("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    assert page.run("document.activeElement.closest('nav') !== null")


def test_printed(page, tmp_path):
    page.pdf(tmp_path / "report.pdf")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert shown(page, ".controls") == shown(page, ".viewing") == 0


ATTACK = get_protocol(
    {
        "name": "attacked",
        "conditions": [{"kind": "attack", "name": "pgd", "strengths": [1, 4], "settings": {"steps": 5}}],
    }
)


def test_attacks_alone(chrome, tmp_path):
    """Nothing but an attack: a legend, switches for its rows and curves, the viewer, values at the nearest radius."""
    cells = {cell: 0.8 - 0.1 * at for at, cell in enumerate((ATTACK.reference, *ATTACK.cells))}
    found = [
        {**records(model)[0], **cell.described(), "metrics": {"mIoU": score}}
        for model in ("fan-t", "other")
        for cell, score in cells.items()
    ]
    results = write(tmp_path / "a.jsonl", found)
    keep(results, models=("fan-t", "other"), cells=("clean-0", *map(cell_folder, ATTACK.cells)))
    report = build_report(read_runs([results]), ATTACK)
    (tmp_path / "report.html").write_text(as_html(report, pictures=gallery(report)), encoding="utf-8")
    page = chrome.page()
    page.look(motion=False)  # no scrolling that goes on while the mouse moves
    page.open(tmp_path / "report.html")
    assert page.run("[...document.querySelectorAll('.legend li')].map(one => one.textContent.trim())") == [
        "fan-t", "other",
    ]  # fmt: skip
    page.run("document.querySelector('.gallery').focus()")
    page.press("ArrowRight")
    assert seen(page)[2:4] == ["pgd", 1]
    page.mouse(".curves g[data-model='0'] .hint:last-child", click=False)
    assert page.run("document.querySelector('.hint-box').textContent").split("\n") == [
        "fan-t, 4: 60.0 %", "other, 4: 60.0 %",
    ]  # fmt: skip
    before = {part: shown(page, part) for part in ("#family-1 tbody tr", ".curves g[data-model]", ".pair")}
    page.mouse(".models label:nth-of-type(2) input")
    assert {part: before[part] - shown(page, part) for part in before} == dict.fromkeys(before, 1)
    assert page.events("Runtime.exceptionThrown") == []
    page.close()


def test_of_a_plane_the_nearest_point_is_told(chrome, tmp_path):
    results = write(tmp_path / "a.jsonl", calibrated(records()), calibrated(records("b")))
    report = build_report(read_runs([results]), {"name": "small", "corruptions": {"fog": [1, 2], "contrast": [1]}})
    (tmp_path / "report.html").write_text(as_html(report), encoding="utf-8")
    made = chrome.page()
    made.look()
    made.open(tmp_path / "report.html")
    dot = "svg[aria-label^='Confidence against'] g[data-model='1'] .hint:nth-child(2)"
    made.mouse(dot, click=False)
    told = made.run("document.querySelector('.hint-box').textContent")
    made.close()
    assert told in [f"{model}, contrast: right 30.0 %, confidence 90.0 %" for model in ("fan-t", "b")]
