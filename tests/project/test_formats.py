"""Files that `make addresses` fills in are still of their formats, by the schemas that check-jsonschema brings."""

import subprocess
import sys

import pytest
from helpers.pages import ROOT
from helpers.scripts import script

pytest.importorskip("check_jsonschema")
pytestmark = pytest.mark.process


def problem_of(path, schema):
    """What the schema has against a file; empty for nothing."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_filled_in_files_are_of_their_formats(tree):
    for path, text in script(".ci/addresses.py").stale(tree).items():
        path.write_text(text, encoding="utf-8")
    assert "contact_links" in (tree / ".github/ISSUE_TEMPLATE/config.yml").read_text(encoding="utf-8")
    assert problem_of(tree / ".github/ISSUE_TEMPLATE/config.yml", "github-issue-config") == ""
    assert problem_of(tree / "CITATION.cff", "citation-file-format") == ""


def test_filled_in_metadata_are_metadata(tree, monkeypatch):
    monkeypatch.setenv("VALIDATE_PYPROJECT_NO_NETWORK", "1")  # the classifiers are those of a package
    api = pytest.importorskip("validate_pyproject.api")
    addresses = script(".ci/addresses.py")
    for path, text in addresses.stale(tree).items():
        path.write_text(text, encoding="utf-8")
    metadata = addresses.tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    assert api.Validator()(metadata)["project"]["urls"]["Repository"] == "https://git.example/them/mmfan"


def test_what_is_wrong_is_noticed(tmp_path):
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    (tmp_path / "ci.yml").write_text(text.replace("runs-on:", "run-on:", 1), encoding="utf-8")
    assert "run-on" in problem_of(tmp_path / "ci.yml", "github-workflows")
