import os
import subprocess
import sys

import pytest

from mmfan.cli.waiting import wait_asleep


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_what_the_user_says_stands(name):
    environment = {name: "7"}
    wait_asleep(environment)
    assert environment == {name: "7"}


def test_threads_soon_wait_asleep():
    environment = {"PATH": "x"}
    wait_asleep(environment)
    assert environment == {"PATH": "x", "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="GNU's runtime comes with torch for Linux")
def test_gnu_runtime_takes_the_turns_before_the_policy():
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMP", "GOMP", "KMP"))}
    environment = {**kept, "OMP_DISPLAY_ENV": "VERBOSE"}
    wait_asleep(environment)
    code = "import torch; torch.ones(1 << 20).sum()"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stderr
    assert "GOMP_SPINCOUNT = '3000'" in told
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in told


CODE = """
import builtins, os, sys
seen = []
find = builtins.__import__
def watched(name, *rest):
    if name == "torch" and not seen:
        seen.append(os.environ.get("GOMP_SPINCOUNT"))
    return find(name, *rest)
builtins.__import__ = watched
sys.argv = ["mmfan", "configs", "--help"]
from mmfan.cli import main
try:
    main({arguments})
except SystemExit:
    pass
print(os.environ.get("GOMP_SPINCOUNT"), "torch" in sys.modules)
import torch
print(seen)
"""


@pytest.mark.process
@pytest.mark.parametrize(("arguments", "expected"), [("", "3000"), ("['configs', '--help']", "None")])
def test_the_program_sets_it_before_torch_is_there_and_a_call_does_not(arguments, expected):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMP", "GOMP", "KMP"))}
    told = subprocess.run(
        [sys.executable, "-c", CODE.replace("{arguments}", arguments)], capture_output=True, text=True, env=kept,
        check=True,
    ).stdout.splitlines()  # fmt: skip
    said = None if expected == "None" else expected
    assert told[-2:] == [f"{expected} False", str([said])]


@pytest.mark.process
def test_judge_leaves_the_environment_of_its_caller_alone():
    code = (
        "import os; from helpers.tiny_pictures import *; from mmfan import SegmentationData, judge\n"
        "data = SegmentationData([(p, t, str(n)) for n, (p, t) in enumerate(pairs(2))], classes=CLASSES)\n"
        "before = set(os.environ.items()); judge(by_brightness, data, PROTOCOL, workers=1, verbose=False)\n"
        "print(before ^ set(os.environ.items()))"
    )
    paths = os.pathsep.join(["tests", *filter(None, [os.environ.get("PYTHONPATH")])])
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert told.stdout.splitlines()[-1] == "set()"
