"""The addresses of the project stand in pyproject.toml, and everywhere else as there."""

import pytest
from helpers.pages import ROOT
from helpers.scripts import script

addresses = script(".ci/addresses.py")


def test_every_file_says_what_pyproject_says():
    assert addresses.stale(ROOT) == {}


def test_filled_addresses_come_to_every_place(tree):
    for path, text in addresses.stale(tree).items():
        path.write_text(text, encoding="utf-8")
    assert addresses.stale(tree) == {}

    def text_of(name):
        return (tree / name).read_text(encoding="utf-8")

    urls = addresses.tomllib.loads(text_of("pyproject.toml"))["project"]["urls"]
    assert urls == {
        "Repository": "https://git.example/them/mmfan",
        "Issues": "https://git.example/them/mmfan/issues",
        "Changelog": "https://git.example/them/mmfan/blob/main/CHANGELOG.md",
        "Documentation": "https://them.example/mmfan",
    }
    assert "\n* @one @them/all\n" in text_of(".github/CODEOWNERS")
    assert "\nrepository-code: https://git.example/them/mmfan\n" in text_of("CITATION.cff")
    for page in ("SECURITY.md", "CODE_OF_CONDUCT.md"):
        assert "\nWrite to <safe@them.example>.\n" in text_of(page)
        assert addresses.NOBODY not in text_of(page)
    assert "url: https://git.example/them/mmfan/security/policy" in text_of(".github/ISSUE_TEMPLATE/config.yml")


def test_what_is_open_is_named(tree):
    text = (tree / "pyproject.toml").read_text(encoding="utf-8")
    assert addresses.Addresses().open() == ["repository", "documentation", "owners", "contact"]
    assert addresses.read(text).open() == []
    assert addresses.read(text.replace("safe@them.example", "https://them.example/tell")).open() == []
    assert addresses.read(text.replace("safe@them.example", "")).open() == ["contact"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("https://git.example/them/mmfan", "git.example/them/mmfan", "`repository` must begin with https://"),
        ("https://them.example/mmfan", "https://them.example/mmfan/", "`documentation` must .* without a slash"),
        ('"@one"', '"one"', r"got \['one'\]"),
        ("safe@them.example", "the office", "`contact` must be a mail address or a URL, got 'the office'"),
        ("owners =", "owner =", "needs the keys repository"),
    ],
)
def test_what_can_be_no_address_is_refused(tree, old, new, message):
    text = (tree / "pyproject.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ValueError, match=message):
        addresses.read(text.replace(old, new))


def test_a_file_without_its_region_is_named():
    assert addresses.filled("# addresses: begin\nold\n# addresses: end\n", ["new"]) == (
        "# addresses: begin\nnew\n# addresses: end\n"
    )
    with pytest.raises(ValueError, match="got 0"):
        addresses.filled("nothing", [])
