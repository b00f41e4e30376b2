"""The script that kills commands: it counts what it killed, and says so where a result is another one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.process,
    pytest.mark.skipif(os.name != "posix", reason="killed as POSIX kills"),
]
SCRIPT = Path(__file__).with_name("kills.py")
PLANTED = """
import sys
sys.argv = ["kills.py", "miniature", "--kills", "1", "--seed", "1"]
from reliability import kills, subjects
sound = subjects.SUBJECTS["miniature"]
kills.SUBJECTS["miniature"] = sound._replace(half_written=lambda target, expected: ["planted"])
sys.exit(kills.main())
"""


def test_killed_runs_come_to_the_same():
    command = [sys.executable, str(SCRIPT), "miniature", "--kills", "2", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "miniature: 2 kills (" in done.stdout
    assert "0 problems" in done.stdout


def test_what_is_planted_is_noticed():
    done = subprocess.run(
        [sys.executable, "-c", PLANTED],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "half written: planted" in done.stdout
