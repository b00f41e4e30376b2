import importlib.util
import re
import subprocess
import sys
import types

import pytest
import torch

from mmfan import check_environment, environment
from mmfan.environment import (
    OPERATORS,
    OTHERS,
    REQUIREMENTS,
    EnvironmentMismatchError,
    how_to_install,
    needs_operators,
    register_missing,
    release,
)


def test_release_numbers():
    assert release("2.13.0+cpu") == (2, 13, 0)
    assert release("0.11.0rc3") == (0, 11, 0)
    assert release("0.10.7") > release("0.9.12")


def test_installed_versions_are_returned():
    versions = check_environment("mmseg", "mmdet")
    assert set(versions) == {"torch", "mmengine", "mmcv", "mmseg", "mmdet"}
    for name, version in versions.items():
        assert version == importlib.import_module(name).__version__


def hide(monkeypatch, *hidden):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in hidden else find(name, *a))


def distributions(monkeypatch, **here):
    """pip knows of these distributions alone; underscores stand for hyphens."""
    here = {name.replace("_", "-"): version for name, version in here.items()}
    monkeypatch.setattr(environment, "installed", lambda *names: {name: here[name] for name in names if name in here})


def test_missing_package_says_how_to_install_it(monkeypatch):
    hide(monkeypatch, "mmseg")
    distributions(monkeypatch, torch="2.13.0", onedl_mmengine="0.10.12")
    with pytest.raises(
        EnvironmentMismatchError, match=r"`mmseg`, which is not installed. Install it with `pip install onedl-mmseg"
    ):
        check_environment("mmseg")
    assert "mmseg" not in check_environment("mmdet")


def test_advice_keeps_the_family_that_is_there(monkeypatch):
    distributions(monkeypatch, torch="2.13.0", mmengine="0.10.7")
    assert how_to_install("mmseg") == "Install it with `pip install 'mmsegmentation>=1.2.2' ftfy regex`."
    assert how_to_install("mmdet") == "Install it with `pip install 'mmdet>=3.3.0'`."
    distributions(monkeypatch, torch="2.1.2", onedl_mmcv="2.3.6")
    assert how_to_install("mmengine") == "Install it with `pip install onedl-mmengine`."


def test_mmpretrain_needs_the_torchvision_of_the_torch_that_is_here(monkeypatch):
    distributions(monkeypatch, torch="2.13.0", onedl_mmengine="0.10.12")
    cure = "`pip install onedl-mmpretrain torchvision torch==2.13.0`: what the extra mmfan[cls] has."
    assert how_to_install("mmpretrain") == f"Install it with {cure}"
    assert how_to_install("torchvision").endswith("`pip install torchvision torch==2.13.0`.")
    hide(monkeypatch, "mmpretrain")
    with pytest.raises(EnvironmentMismatchError, match=r"`mmpretrain`, which is not installed.*mmfan\[cls\]"):
        check_environment("mmpretrain")
    monkeypatch.setitem(sys.modules, "mmpretrain", types.SimpleNamespace(__version__="1.3.6"))
    monkeypatch.setattr(environment, "is_installed", lambda name: name != "torchvision")
    with pytest.raises(EnvironmentMismatchError, match=r"^mmpretrain needs torchvision. .*not installed"):
        check_environment("mmpretrain")


def test_advice_without_a_family_keeps_the_torch_that_is_there(monkeypatch):
    distributions(monkeypatch, torch="2.1.2+cu121", numpy="1.26.4")
    assert how_to_install("mmengine") == "Install it with `pip install 'mmengine>=0.10.3' 'setuptools<81'`."
    made = "Install mmcv from its wheel for this torch: `pip install openmim`, `mim install mmcv==2.1.0`."
    assert how_to_install("mmcv") == how_to_install("mmcv._ext") == made
    distributions(monkeypatch, torch="2.2.0")
    assert how_to_install("mmengine") == "Install it with `pip install onedl-mmengine`."
    assert "`pip install onedl-mmcv` is enough; detection needs" in how_to_install("mmcv")
    assert "`MMCV_WITH_OPS=1 pip install --no-cache-dir --no-build-isolation onedl-mmcv`" in how_to_install("mmcv")


def test_advice_for_an_mmcv_without_operators_replaces_it(monkeypatch):
    distributions(monkeypatch, torch="2.1.2", mmcv_lite="2.1.0")
    assert "`pip uninstall mmcv-lite`, `pip install openmim`, `mim install mmcv==2.1.0`" in how_to_install("mmcv._ext")
    distributions(monkeypatch, torch="2.4.1", mmcv="2.2.0")
    again = "pip install --force-reinstall --no-deps --no-cache-dir"
    assert f"`MMCV_WITH_OPS=1 {again} --no-build-isolation mmcv==2.1.0`" in how_to_install("mmcv._ext")
    assert how_to_install("mmcv") == how_to_install("mmcv._ext")  # mmsegmentation 1.2.2 does not go without
    distributions(monkeypatch, torch="2.4.1", mmcv_lite="2.1.0")
    assert "that is here: `pip uninstall mmcv-lite`, then `MMCV_WITH_OPS=1 pip" in how_to_install("mmcv._ext")
    distributions(monkeypatch, torch="2.13.0", onedl_mmcv="2.3.6")
    assert f"`MMCV_WITH_OPS=1 {again} --no-build-isolation onedl-mmcv`" in how_to_install("mmcv._ext")


def test_no_advice_names_an_index_that_has_no_mmfan():
    for module in (*REQUIREMENTS, *OTHERS, OPERATORS):
        assert "pip install" in how_to_install(module)
        assert not re.search("install '?mmfan", how_to_install(module))
    assert how_to_install("nothing_known") is None


def test_mmcv_without_operators_does_not_detect(monkeypatch):
    hide(monkeypatch, "mmcv._ext")
    with pytest.raises(EnvironmentMismatchError, match=r"mmcv has no compiled operators .* Install "):
        check_environment("mmdet")
    assert "mmcv" in check_environment()


@pytest.mark.parametrize(("package", "goes"), [("onedl-mmsegmentation", True), ("mmsegmentation", False)])
def test_mmcv_without_operators_segments_with_the_maintained_family(package, goes, monkeypatch):
    hide(monkeypatch, "mmcv._ext")
    distributions(monkeypatch, **{package.replace("-", "_"): "1.4.2"})
    assert needs_operators("mmdet")
    assert needs_operators("mmseg") is not goes
    if goes:
        assert "mmseg" in check_environment("mmseg")
    else:
        with pytest.raises(EnvironmentMismatchError, match="mmcv has no compiled operators"):
            check_environment("mmseg")


def test_operators_that_cannot_be_loaded_are_told_before_mmseg_fails(monkeypatch):
    load = importlib.import_module

    def broken(name):
        if name == "mmcv._ext":
            raise ImportError("undefined symbol: _ZN2at")
        return load(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    monkeypatch.setattr(environment, "is_installed", lambda name: True)  # also where this mmcv has none
    with pytest.raises(EnvironmentMismatchError, match=r"for another torch: undefined symbol: _ZN2at\. Install"):
        check_environment("mmseg")
    check_environment()  # mmfan's own layers need none


def test_a_torch_that_does_not_know_this_numpy_is_told(monkeypatch):
    def refuse(_):
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch.Tensor, "numpy", refuse)
    with pytest.raises(EnvironmentMismatchError, match=r"does not work with NumPy .*not available.*'numpy<2'"):
        check_environment()


def test_what_mmengine_misses_is_named_with_its_cure(monkeypatch):
    hide(monkeypatch, "pkg_resources")
    load = importlib.import_module

    def broken(name):
        if name == "mmengine":
            raise ModuleNotFoundError("No module named 'pkg_resources'", name="pkg_resources")
        return load(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(
        EnvironmentMismatchError, match=r"'pkg_resources'\. Install it with `pip install 'setuptools<81'`"
    ):
        check_environment()


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
    distributions(monkeypatch, torch="2.4.1", mmcv="2.2.0")
    with pytest.raises(
        EnvironmentMismatchError,
        match=r"`mmseg` .* cannot be imported: MMCV==2\.2\.0 is used but incompatible\. .*mmcv==2\.1\.0",
    ):
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
