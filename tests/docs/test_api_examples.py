"""The examples of pages in Python run as they stand, each page or chapter in a process and folder of its own."""

import subprocess
import sys

import pytest
from helpers.pages import blocks, text_of

pytestmark = pytest.mark.process

BLOCKED = "import sys\nfor name in ('torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet'): sys.modules[name] = None\n"


def script_of(chapter, page="docs/api.md"):
    """The python blocks of a chapter (None for all), each at its line of the page, so that a traceback names it."""
    lines = []
    for block in blocks(text_of(page)):
        if block.language == "python" and chapter in (block.heading, None):
            lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
    return "\n".join(lines) + "\n"


def run(script, folder, before=""):
    code = f"{before}exec(compile(open('api.py').read(), 'docs/api.md', 'exec'), {{'__name__': '__main__'}})\n"
    (folder / "api.py").write_text(script)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stderr


def test_every_example_belongs_to_a_chapter_that_is_run():
    examples = [block.heading for block in blocks(text_of("docs/api.md")) if block.language == "python"]
    assert set(examples) == {"Without torch", "With torch"}
    assert len(examples) >= 14


def test_examples_without_torch(tmp_path):
    status, errors = run(script_of("Without torch"), tmp_path, BLOCKED)
    assert status == 0, errors


def test_judging_a_function_without_torch(tmp_path):
    status, errors = run(script_of(None, "docs/judge_function.md"), tmp_path, BLOCKED)
    assert status == 0, errors
    assert "[5/5] contrast 5: mIoU" in errors


def test_judging_a_classifier_without_torch(tmp_path):
    status, errors = run(script_of(None, "docs/classification.md"), tmp_path, BLOCKED)
    assert status == 0, errors
    assert "[5/5] saturate 5: top1" in errors


def test_judging_modules_of_torch(tmp_path):
    status, errors = run(script_of("Modules of torch", "docs/adapters.md"), tmp_path)
    assert status == 0, errors
    assert "[2/2] brightness 5: mIoU" in errors


@pytest.mark.parametrize(
    ("chapter", "packages"),
    [
        ("Hugging Face", ["transformers", "torch"]),
        ("ONNX Runtime", ["onnx", "onnxruntime"]),
        ("Exported detectors", ["onnx", "onnxruntime"]),
        ("OpenVINO", ["openvino"]),
        ("Ultralytics", []),
        ("Supervision", ["supervision"]),
    ],
)
def test_judging_models_of_other_libraries(tmp_path, chapter, packages):
    """Most of these packages are in the environment of `make test-adapters` alone."""
    for package in packages:
        pytest.importorskip(package)
    status, errors = run(script_of(chapter, "docs/adapters.md"), tmp_path)
    assert status == 0, errors
    assert "[2/2] brightness 5: " in errors


@pytest.mark.slow
def test_examples_with_torch(tmp_path):
    status, errors = run(script_of("With torch"), tmp_path)
    assert status == 0, errors


def test_a_wrong_example_is_noticed(tmp_path):
    status, errors = run("\n\nassert 1 == 2\n", tmp_path)
    assert status == 1
    assert 'File "docs/api.md", line 3' in errors
    assert "ModuleNotFoundError" in run("import torch\n", tmp_path, BLOCKED)[1]
