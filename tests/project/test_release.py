"""A tag is released only if version, changelog and addresses say the same."""

import pytest
from helpers.scripts import script

addresses, release = script(".ci/addresses.py"), script(".ci/release.py")


@pytest.fixture
def ready(tree):
    """A tree that is ready to be released as 1.2.0."""
    (tree / "mmfan").mkdir()
    (tree / "mmfan/version.py").write_text('"""The version."""\n\n__version__ = "1.2.0"\n', encoding="utf-8")
    (tree / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.0 (2031-02-03)\n\n## 1.1.0\n", encoding="utf-8")
    (tree / "dist").mkdir()
    (tree / "dist/mmfan-1.2.0.tar.gz").touch()
    for path, text in addresses.stale(tree).items():
        path.write_text(text, encoding="utf-8")
    return tree


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_tree_that_is_ready(ready):
    assert release.problems(ready, "v1.2.0") == []


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2.1", "v1.2.0rc1"])
def test_a_tag_of_another_version(ready, tag):
    assert release.problems(ready, tag) == [f"the tag is {tag}, and mmfan/version.py says 1.2.0"]


def test_what_is_not_said_yet(ready):
    change(ready / "CHANGELOG.md", "1.2.0 (2031-02-03)", "1.2.0 (unreleased)")
    change(ready / "pyproject.toml", '["@one", "@them/all"]', "[]")
    (ready / "dist/mmfan-1.1.0-py3-none-any.whl").touch()
    assert release.problems(ready, "v1.2.0") == [
        "CHANGELOG.md has no heading `## 1.2.0 (YYYY-MM-DD)`",
        "[tool.mmfan.addresses] of pyproject.toml lacks owners",
        ".github/CODEOWNERS does not say what pyproject.toml says",
        "dist/ holds mmfan-1.1.0-py3-none-any.whl of other versions",
    ]


def test_the_command(monkeypatch, capsys):
    monkeypatch.setattr(release.sys, "argv", ["release.py"])
    assert release.main() == 2
    monkeypatch.setattr(release.sys, "argv", ["release.py", "v0.0.0"])
    assert release.main() == 1
    assert capsys.readouterr().out.startswith("the tag is v0.0.0, and mmfan/version.py says ")
