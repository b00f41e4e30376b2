"""The names work by ``type='mmfan.X'`` in a fresh process, and say what is missing where mmseg is not installed."""

import subprocess
import sys

import pytest

BUILD = """
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope
import mmfan
DefaultScope.get_instance("here", scope_name="mmseg")
print(TRANSFORMS.build(dict(type="mmfan.LoadSegAnnotations", num_classes=19)))
try:
    DATASETS.build(dict(type="mmfan.CityscapesDataset", data_root="nowhere"))
except FileNotFoundError as error:
    print(error)
"""

WITHOUT_MMSEG = """
import importlib.util
import sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mmseg" else find(name, *rest)
from mmengine.registry import DATASETS, TRANSFORMS
from mmfan.environment import EnvironmentMismatchError
TRANSFORMS.build(dict(type="mmfan.LoadImageFromFile"))
for registry, name in ((DATASETS, "CityscapesDataset"), (TRANSFORMS, "LoadSegAnnotations")):
    try:
        registry.build(dict(type=f"mmfan.{name}"))
    except EnvironmentMismatchError as error:
        print(error)
print("mmseg" in sys.modules)
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_by_name_in_a_fresh_process():
    pytest.importorskip("mmseg")
    said = run(BUILD)
    assert "LoadSegAnnotations(reduce_zero_label=None" in said
    assert "/nowhere does not exist." in said


def test_without_mmseg():
    pytest.importorskip("mmcv")
    said = run(WITHOUT_MMSEG)
    for name in ("CityscapesDataset", "LoadSegAnnotations"):
        assert f"mmfan.{name} needs the package `mmseg`, which is not installed." in said
    assert said.splitlines()[-1] == "False"
