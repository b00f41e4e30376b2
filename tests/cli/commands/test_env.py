"""`mmfan env`: the facts of this machine, and what it says where packages are missing."""

import json
import sys

import mmcv
import torch

import mmfan
from mmfan import environment
from mmfan.cli import main
from mmfan.cli.commands import env
from mmfan.utils.resources import cores


def test_facts_of_this_machine(capsys):
    assert main(["env", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mmfan"] == mmfan.__version__
    assert found["modules"]["torch"] == {"version": torch.__version__}
    assert found["modules"]["mmcv"] == {"version": mmcv.__version__}
    assert found["cores"] == cores()
    assert found["family"] in ("onedl", "original")
    assert len(found["gpus"]) == torch.cuda.device_count()
    assert main(["env"]) == 0
    said = capsys.readouterr().out
    assert f"torch             {torch.__version__}\n" in said
    assert f"mmfan             {mmfan.__version__} in {mmfan.__path__[0]}\n" in said


def test_missing_and_broken_packages_are_listed_with_their_cure(monkeypatch, capsys):
    for module in ("mmdet", "cv2", "mmcv._ext"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(torch, "__version__", "1.13.1+cpu")
    assert main(["env"]) == 0
    said = capsys.readouterr().out
    assert "\nmmdet             -\n" in said
    assert "  mmdet: mmfan needs the package `mmdet`, which is not installed. Install it with `pip install" in said
    assert "  cv2: mmfan needs the package `cv2`, which is not installed. Install it with `pip install opencv-" in said
    assert "  torch: mmfan needs `torch` 2.1 or newer, got 1.13.1+cpu (" in said
    assert "mmcv operators    compiled: no, torch or mmcv cannot be used; CUDA: no\n" in said


def test_mmcv_without_operators_and_with_broken_ones(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mmcv._ext", None)
    monkeypatch.setattr(env, "needs_operators", lambda module: module == "mmdet")
    assert main(["env"]) == 0
    said = capsys.readouterr().out
    assert "mmcv operators    compiled: no; segmentation goes without, detection not; CUDA: no\n" in said
    assert "  mmcv operators: mmcv has no compiled operators here (NMS, RoIAlign, ...). Install " in said
    monkeypatch.setattr(env, "needs_operators", lambda module: True)
    assert env.operators()["compiled"] == "no"
    monkeypatch.setattr(env, "is_installed", lambda _: True)
    assert env.operators()["compiled"] == "but they cannot be loaded"


def test_a_package_that_refuses_to_be_imported_is_named(monkeypatch):
    def refuse(_):
        raise AssertionError("MMCV==9.9 is used but incompatible")

    monkeypatch.setattr(environment.importlib, "import_module", refuse)
    problem = env.module_state("mmseg")["problem"]
    assert problem.startswith("`mmseg` is installed but cannot be imported: MMCV==9.9 is used but incompatible. ")


def test_both_families_at_once_are_told(monkeypatch):
    here = {"mmcv": "2.1.0", "onedl-mmcv": "2.3.6"}
    monkeypatch.setattr(environment, "installed", lambda *names: {name: here[name] for name in names if name in here})
    assert env.family() == "both, which cannot stand side by side: onedl-mmcv, mmcv"
    monkeypatch.setattr(environment, "installed", lambda *_: {})
    assert env.family() == "none"


def test_two_builds_of_opencv_are_told(monkeypatch, capsys):
    here = {"opencv-python": "5.0.0.93", "opencv-python-headless": "4.12.0.88"}
    monkeypatch.setattr(environment, "installed", lambda *names: {name: here[name] for name in names if name in here})
    assert main(["env"]) == 0
    said = capsys.readouterr().out
    assert "  OpenCV: opencv-python-headless 4.12.0.88, opencv-python 5.0.0.93 overwrite each other's files. " in said
    assert "`pip uninstall -y opencv-python-headless opencv-python`, then `pip install --no-deps " in said
    assert "opencv-python-headless==4.12.0.88`" in said
    del here["opencv-python"]
    assert main(["env"]) == 0
    assert "OpenCV:" not in capsys.readouterr().out
