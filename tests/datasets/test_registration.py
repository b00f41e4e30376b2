"""The names work by ``type='mmfan.X'`` in a fresh process, and say what is missing without mmseg or mmdet."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]

BUILD = """
import sys
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope
import mmfan
DefaultScope.get_instance("here", scope_name="mmseg")
print(TRANSFORMS.build(dict(type="mmfan.LoadSegAnnotations", num_classes=19)))
print(TRANSFORMS.build(dict(type="mmfan.Corrupt", corruption="fog", severity=1)))
try:
    DATASETS.build(dict(type="mmfan.CityscapesDataset", data_root="nowhere"))
except FileNotFoundError as error:
    print(error)
print("mmdet" in sys.modules)
"""

WITHOUT_MMSEG = """
import importlib.util
import sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mmseg" else find(name, *rest)
from mmengine.registry import DATASETS, TRANSFORMS
from mmfan.environment import EnvironmentMismatchError
TRANSFORMS.build(dict(type="mmfan.LoadImageFromFile"))
TRANSFORMS.build(dict(type="mmfan.Corrupt", corruption="fog", severity=1))
names = ("CityscapesDataset", "CityscapesCDataset", "LoadSegAnnotations")
for registry, name in zip((DATASETS, DATASETS, TRANSFORMS), names):
    try:
        registry.build(dict(type=f"mmfan.{name}"))
    except EnvironmentMismatchError as error:
        print(error)
print("mmseg" in sys.modules)
"""

WITHOUT_MMDET = (
    WITHOUT_MMSEG[: WITHOUT_MMSEG.index("names =")].replace('"mmseg"', '"mmdet"')
    + """
try:
    DATASETS.build(dict(type="mmfan.CocoCDataset", corruption="fog", severity=1))
except EnvironmentMismatchError as error:
    print(error)
try:
    DATASETS.build(dict(type="mmfan.CocoDataset"))
except EnvironmentMismatchError as error:
    print(error)
try:
    from mmfan.datasets import CocoCDataset
except EnvironmentMismatchError as error:
    print(error)
print("mmdet" in sys.modules)
"""
)


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_by_name_in_a_fresh_process():
    pytest.importorskip("mmseg")
    said = run(BUILD)
    assert "LoadSegAnnotations(reduce_zero_label=None" in said
    assert "Corrupt(corruption='fog', severity=1, seed=0" in said
    assert "/nowhere does not exist." in said
    assert said.splitlines()[-1] == "False"  # segmentation does not load mmdet


def test_without_mmseg():
    pytest.importorskip("mmcv")
    said = run(WITHOUT_MMSEG)
    for name in ("CityscapesDataset", "CityscapesCDataset", "LoadSegAnnotations"):
        assert f"mmfan.{name} needs the package `mmseg`, which is not installed." in said
    assert said.splitlines()[-1] == "False"


def test_without_mmdet():
    pytest.importorskip("mmcv")
    said = run(WITHOUT_MMDET).splitlines()
    assert said[-4].startswith("mmfan.CocoCDataset needs the package `mmdet`, which is not installed. Install it")
    assert said[-3].startswith("mmfan.CocoDataset needs the package `mmdet`, which is not installed. Install it")
    assert said[-2].startswith("mmfan needs the package `mmdet`, which is not installed. Install it")
    assert said[-1] == "False"
