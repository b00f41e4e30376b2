"""Properties are tried on the same examples in CI, and on others every time elsewhere."""

import os
import subprocess
import sys
import textwrap

import pytest
from helpers.pages import ROOT

pytestmark = pytest.mark.process
DRAWN = """
from hypothesis import given, settings, strategies

@settings(max_examples=20)
@given(strategies.integers(), strategies.text())
def test_draws(number, text):
    with open("drawn.txt", "a", encoding="utf-8") as file:
        print(number, ascii(text), file=file)

def test_profile():
    assert settings.default.deadline is None
"""


def drawn(folder, **environment):
    """What the examples of two runs in a row are."""
    (folder / "test_drawn.py").write_text(textwrap.dedent(DRAWN), encoding="utf-8")
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    without = {name: value for name, value in os.environ.items() if name not in ("CI", "HYPOTHESIS_PROFILE")}
    without["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])
    runs = []
    for _ in range(2):
        (folder / "drawn.txt").unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_drawn.py"]
        subprocess.run(command, cwd=folder, env=without | environment, check=True, capture_output=True, timeout=300)
        runs.append((folder / "drawn.txt").read_text(encoding="utf-8"))
    return runs


def test_the_same_examples_in_ci(tmp_path):
    first, second = drawn(tmp_path, CI="true")
    assert first == second
    assert not (tmp_path / ".hypothesis/examples").exists()


def test_others_each_time_elsewhere(tmp_path):
    first, second = drawn(tmp_path)
    assert first != second
    first, second = drawn(tmp_path, HYPOTHESIS_PROFILE="same")
    assert first == second
