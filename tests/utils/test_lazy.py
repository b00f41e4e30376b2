"""Faces that import nothing before they are asked."""

import json
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

FACES = ("mmfan.evaluation", "mmfan.visualization", "mmfan.datasets.transforms")
CODE = """
import json, sys
import {package}
before = sorted(sys.modules)
for name in {names}:
    getattr({package}, name)
print(json.dumps([before, sorted(sys.modules)]))
"""


def loaded(package, names=()):
    """The modules that importing a package loads, and those that asking it for names does."""
    code = CODE.format(package=package, names=list(names))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("package", FACES)
@pytest.mark.process
def test_importing_a_face_imports_none_of_its_modules(package):
    before, _ = loaded(package)
    assert not {"torch", "mmengine", "mmcv", "matplotlib", "cv2", "numpy"} & set(before)
    assert [name for name in before if name.startswith(f"{package}.")] == []


@pytest.mark.process
def test_names_that_need_no_torch_load_none():
    names = set(import_module("mmfan.evaluation").__all__) - {"RobustnessLoop", "RetentionEvaluator"}
    assert {"PROTOCOLS", "Protocol", "Cell", "get_protocol", "make_protocol", "ResultsStore", "summarize", "Summary",
            "mce", "build_report", "read_runs", "published_rows"} == names  # fmt: skip
    _, after = loaded("mmfan.evaluation", names)
    assert "mmfan.evaluation.report.report" in after
    assert not {"torch", "mmengine", "mmcv", "matplotlib"} & set(after)


@pytest.mark.parametrize("package", FACES)
def test_every_name_is_there_and_is_that_of_no_module(package):
    if package != "mmfan.visualization":
        pytest.importorskip("mmseg")
    face = import_module(package)
    modules = {module.name for module in pkgutil.iter_modules(face.__path__)}
    for module in modules:
        import_module(f"{package}.{module}")
    assert not modules & set(face.__all__)
    assert set(face.__all__) <= set(dir(face))
    for name in face.__all__:
        value = getattr(face, name)
        assert value.__module__.startswith("mmfan.") if hasattr(value, "__module__") else value, name


def test_another_name_is_an_error():
    with pytest.raises(AttributeError, match=r"module 'mmfan.evaluation' has no attribute 'summarise'"):
        _ = import_module("mmfan.evaluation").summarise
