"""Links, paths and names in the pages lead somewhere."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.pages import PAGES, ROOT, anchors, inline_code, links, text_of

PATH = re.compile(r"(?:configs|docs|mmfan|tests|tools|\.ci|\.github)/[\w./-]+\.(?:py|md|sh|json|jpg|png|yml)")
DOTTED = re.compile(r"mmfan(?:\.[a-z_]\w*)+(?:\.[A-Z]\w*)?")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    problems = []
    for link in links(text_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (ROOT / page).parent / place if place else ROOT / page
        if not target.exists():
            problems.append(link)
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            problems.append(f"{link} (no such heading)")
    assert not problems


@pytest.mark.parametrize("page", PAGES)
def test_files_named_in_the_pages_exist(page):
    named = {path for code in inline_code(text_of(page)) for path in PATH.findall(code)}
    assert {path for path in named if not (ROOT / path).exists()} - {"tools/X.py"} == set()


def leads_somewhere(name):
    """Whether a dotted name is a module, or a module and a name that stands in its source."""
    package, _, last = name.rpartition(".")
    spec = find_spec(package)
    if spec is None:
        return False
    if spec.submodule_search_locations and find_spec(name):
        return True
    return re.search(rf"\b{last}\b", Path(spec.origin).read_text(encoding="utf-8")) is not None


def without_old_names(page):
    """The page; of the migration page only what is new."""
    text = text_of(page)
    if page == "docs/migration.md":
        rows = [line.split("|") for line in text.splitlines() if line.startswith("|")]
        return "\n".join(row[-2] for row in rows)
    return "" if page == "CHANGELOG.md" else text


@pytest.mark.parametrize("page", PAGES)
def test_modules_named_in_the_pages_exist(page):
    named = {code for code in inline_code(without_old_names(page)) if DOTTED.fullmatch(code)}
    assert {name for name in named if not leads_somewhere(name)} == set()


def moved_modules():
    """The new modules of the migration page's tables, whole names."""
    room = ""
    for line in text_of("docs/migration.md").split("## Modules")[1].splitlines():
        if line.startswith("| old, in"):
            room = re.findall(r"new, in `([\w.]+)`", line)[0]
        elif line.startswith("| "):
            yield from (f"{room}.{name}" for name in re.findall(r"`([\w.]+)`", line.split("|")[2]))


def test_modules_that_moved_are_where_the_migration_page_says():
    moved = list(moved_modules())
    assert len(moved) > 60
    assert [name for name in moved if find_spec(name) is None] == []


def test_what_leads_nowhere_is_noticed():
    assert leads_somewhere("mmfan.evaluation.results")
    assert leads_somewhere("mmfan.models.official_weights.read_official_weights")
    assert not leads_somewhere("mmfan.evaluation.rsults")
    assert not leads_somewhere("mmfan.models.official_weights.read_checkpoints")
    assert anchors("# One `thing`: two\n\n```\n# no heading\n```\n## B-c") == {"one-thing-two", "b-c"}


def test_the_front_page_fits_on_150_lines():
    assert len(text_of("README.md").splitlines()) <= 150
