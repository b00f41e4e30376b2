import importlib.util
import subprocess
import sys
import types

import pytest

from mmfan import check_environment
from mmfan.environment import REQUIREMENTS, EnvironmentMismatchError, register_missing, release


def test_release_numbers():
    assert release("2.13.0+cpu") == (2, 13, 0)
    assert release("0.11.0rc3") == (0, 11, 0)
    assert release("0.10.7") > release("0.9.12")


def test_installed_versions_are_returned():
    versions = check_environment("mmseg", "mmdet")
    assert set(versions) == {"torch", "mmengine", "mmcv", "mmseg", "mmdet"}
    for name, version in versions.items():
        assert version == importlib.import_module(name).__version__


def test_missing_package_says_how_to_install_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "mmseg" else find(name, *a))
    with pytest.raises(
        EnvironmentMismatchError, match=r"`mmseg`, which is not installed.*mmfan\[onedl\].*mmfan\[openmm"
    ):
        check_environment("mmseg")
    assert "mmseg" not in check_environment("mmdet")


def test_old_package_is_named_with_both_versions(monkeypatch):
    old = types.SimpleNamespace(__version__="2.0.1", __file__="somewhere/mmcv.py")
    load = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda name: old if name == "mmcv" else load(name))
    with pytest.raises(EnvironmentMismatchError, match=rf"`mmcv` {REQUIREMENTS['mmcv'][0]} or newer, got 2\.0\.1"):
        check_environment()


def test_version_assertion_of_a_package_is_explained(monkeypatch):
    load = importlib.import_module

    def broken(name):
        if name == "mmseg":
            raise AssertionError("MMCV==2.2.0 is used but incompatible")
        return load(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(EnvironmentMismatchError, match=r"`mmseg` is installed but cannot be imported: MMCV==2\.2\.0"):
        check_environment("mmseg")


def test_unknown_name():
    with pytest.raises(ValueError, match="got 'mmpose'"):
        check_environment("mmpose")


def test_stand_ins_explain_themselves():
    from mmengine.registry import Registry

    registry = Registry("thing", scope="nowhere")
    register_missing(registry, "mmdet", ("Thing",))
    with pytest.raises(EnvironmentMismatchError, match=r"mmfan\.Thing needs the package `mmdet`"):
        registry.build({"type": "Thing", "depth": 3})


@pytest.mark.process
def test_importing_mmfan_loads_nothing_heavy():
    code = "import sys, mmfan; print([m for m in ('torch', 'mmengine', 'mmcv', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
