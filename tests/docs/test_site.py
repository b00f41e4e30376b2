"""The documentation site: its outline has every page, and links to pages outside docs/ lead to their copies."""

import sys

import pytest
from helpers.pages import ROOT

sys.path.insert(0, str(ROOT / "docs/_site"))
try:
    import mirrored_pages
    import outline
finally:
    sys.path.pop(0)


def test_every_page_stands_in_the_outline_once():
    listed = [page for pages in outline.OUTLINE.values() for page in pages]
    assert len(listed) == len(set(listed))
    docs = ROOT / "docs"
    pages = {
        path.relative_to(docs).with_suffix("").as_posix() for path in [*docs.glob("*.md"), *docs.glob("tutorials/*.md")]
    }
    copies = {page for page in mirrored_pages.mirrored().values() if page.count("/") == 1} - {"project/readme"}
    assert set(listed) - {"reference/index"} == (pages - {"index"}) | copies


def test_what_is_copied_exists():
    assert [file for file in mirrored_pages.mirrored() if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize(
    ("origin", "page", "link", "led"),
    [
        ("docs/install.md", "install", "[d](../data/README.md#coco)", "[d](project/data.md#coco)"),
        ("docs/tutorials/x.md", "tutorials/x", "[j](../judging.md)", "[j](../judging.md)"),
        ("docs/tutorials/x.md", "tutorials/x", "[d](../../data/README.md)", "[d](../project/data.md)"),
        ("README.md", "project/readme", "[all](docs/index.md)", "[all](../index.md)"),
        ("README.md", "project/readme", "![p](docs/images/strip.jpg)", "![p](../images/strip.jpg)"),
        ("README.md", "project/readme", "[configs](configs/README.md)", "[configs](configs.md)"),
        ("configs/README.md", "project/configs", "[f](segformer/README.md)", "[f](configs/segformer.md)"),
        (
            "docs/x.md",
            "x",
            "[paper](https://arxiv.org/abs/1) [here](#a)",
            "[paper](https://arxiv.org/abs/1) [here](#a)",
        ),
        ("README.md", "project/readme", "[licence](LICENSE)", "licence"),
        ("README.md", "project/readme", "```\n[licence](LICENSE)\n```\n", "```\n[licence](LICENSE)\n```\n"),
    ],
)
def test_links_are_led_to_pages_of_the_site(origin, page, link, led):
    assert mirrored_pages.led(link, origin, page) == led


def test_what_is_no_page_is_led_to_the_repository_once_its_address_is_known():
    led = mirrored_pages.led("[licence](LICENSE)", "README.md", "project/readme", "https://host.test/mmfan")
    assert led == "[licence](https://host.test/mmfan/blob/main/LICENSE)"


def test_the_table_of_the_landing_page_becomes_cards():
    table = "| [A](a.md) | B |\n|---|---|\n| one | two |\n"
    assert outline.cards(table).count("{grid-item-card}") == 2
    assert ":::{grid-item-card} [A](a.md)\none\n:::" in outline.cards(table)
    assert outline.CARDS.search((ROOT / "docs/index.md").read_text(encoding="utf-8"))
